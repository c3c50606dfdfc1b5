"""Nets run by torch as they are, in the classes of diffusers and transformers.

A folder holds a `config.json` and safetensors. Nothing is fetched, no pickle is opened, and the class is the one that
is asked for here, whatever the folder says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from impasto.core import Damaged, Invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import torch
    from numpy import ndarray

    Call = Callable[..., dict[str, torch.Tensor]]

EXACT = frozenset({"t", "time_ids", "guidance", "resolution", "aspect_ratio"})
"""inputs that are numbers to be told, not pictures: never rounded to the net's own precision"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where nets are run, and in what precision."""

    device: str
    dtype: torch.dtype
    rows: int
    """most rows in one call"""


class TorchNet:
    """A module and how it is called. Implements ports.Runtime."""

    def __init__(self, module: torch.nn.Module, call: Call, place: Place) -> None:
        self.module, self._call, self._place = module, call, place

    def run(self, inputs: Mapping[str, ndarray]) -> dict[str, ndarray]:
        """Arrays by name, batch first -> the outputs by name, float32."""
        import torch

        with torch.inference_mode():
            answers = self._call(self.module, **{name: self._tensor(name, value) for name, value in inputs.items()})
            return {name: answer.float().cpu().numpy() for name, answer in answers.items()}

    def _tensor(self, name: str, value: ndarray) -> torch.Tensor:
        import torch

        tensor = torch.from_numpy(np.ascontiguousarray(value)).to(self._place.device)
        return tensor.to(self._place.dtype) if tensor.is_floating_point() and name not in EXACT else tensor


def best_place(threads: int) -> Place:
    """A GPU in half precision if there is one, otherwise this processor, with so many threads in each call.

    On the processor a call holds one row, so that a picture is the same whoever is drawn beside it.
    Raises Invalid if torch is not installed.
    """
    torch = _library("torch")
    if torch.cuda.is_available():
        return Place(device="cuda", dtype=torch.bfloat16, rows=8)
    torch.set_num_threads(threads)
    return Place(device="cpu", dtype=torch.float32, rows=1)


def open_unet(folder: Path, place: Place) -> TorchNet:
    """Takes x, t, words and, where the net wants them, text_embeds and time_ids; answers "answer"."""
    return TorchNet(_diffusers("UNet2DConditionModel", folder, place), _unet, place)


def open_clip(
    folder: Path, place: Place, *, skipped: int = 0, projected: bool = False, normed: bool = True
) -> TorchNet:
    """Takes tokens; answers "hidden", from so many layers before the last one and normed or not, and "pooled"."""

    def call(net: Any, tokens: torch.Tensor) -> dict[str, torch.Tensor]:
        out = net(input_ids=tokens, output_hidden_states=True)
        hidden = out.hidden_states[-1 - skipped]
        if normed:
            hidden = getattr(net, "text_model", net).final_layer_norm(hidden)
        return {"hidden": hidden, "pooled": out.text_embeds if projected else out.pooler_output}

    name = "CLIPTextModelWithProjection" if projected else "CLIPTextModel"
    net = _transformers(name, folder, place)
    if skipped >= net.config.num_hidden_layers:
        raise Invalid("words.skipped_layers", f"must be below {net.config.num_hidden_layers}, its number of layers")
    return TorchNet(net, call, place)


def open_t5(folder: Path, place: Place) -> TorchNet:
    """Takes tokens and mask, (batch, length) each; answers "hidden"."""

    def call(net: Any, tokens: torch.Tensor, mask: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"hidden": net(input_ids=tokens, attention_mask=mask).last_hidden_state}

    return TorchNet(_transformers("T5EncoderModel", folder, place), call, place)


def open_sd3_net(folder: Path, place: Place) -> TorchNet:
    """Takes x, t (0 to 1), words and pooled; answers "answer"."""
    return TorchNet(_diffusers("SD3Transformer2DModel", folder, place), _sd3, place)


def open_flux_net(folder: Path, place: Place) -> TorchNet:
    """Takes x, t (0 to 1), words, pooled and, where it was distilled, guidance; answers "answer"."""
    return TorchNet(_diffusers("FluxTransformer2DModel", folder, place), _flux, place)


def open_pixart_net(folder: Path, place: Place) -> TorchNet:
    """Takes x, t, words, their mask and, where the net wants them, resolution and aspect_ratio; answers "answer"."""
    return TorchNet(_diffusers("PixArtTransformer2DModel", folder, place), _pixart, place)


def open_vae(folder: Path, place: Place) -> tuple[TorchNet, TorchNet]:
    """An autoencoder's encoder, picture (-1 to 1) -> "latents", and decoder, latents -> "picture".

    In single precision also where nets are not: the decoders of some models leave the range of the half ones.
    """
    torch = _library("torch")
    exact = Place(device=place.device, dtype=torch.float32, rows=place.rows)
    vae = _diffusers("AutoencoderKL", folder, exact)
    return TorchNet(vae, _encode, exact), TorchNet(vae, _decode, exact)


def _unet(net: Any, x: torch.Tensor, t: torch.Tensor, words: torch.Tensor, **added: torch.Tensor) -> dict[str, Any]:
    return {"answer": net(x, t, encoder_hidden_states=words, added_cond_kwargs=added or None).sample}


def _sd3(net: Any, x: torch.Tensor, t: torch.Tensor, words: torch.Tensor, pooled: torch.Tensor) -> dict[str, Any]:
    answer = net(hidden_states=x, timestep=t * 1000, encoder_hidden_states=words, pooled_projections=pooled)
    return {"answer": answer.sample}


def _flux(
    net: Any,
    x: torch.Tensor,
    t: torch.Tensor,
    words: torch.Tensor,
    pooled: torch.Tensor,
    guidance: torch.Tensor | None = None,
) -> dict[str, Any]:
    """The net sees squares of 2 x 2 latents as tokens, (batch, rows / 2 * columns / 2, channels * 4)."""
    import torch

    batch, channels, rows, columns = x.shape
    squares = x.reshape(batch, channels, rows // 2, 2, columns // 2, 2).permute(0, 2, 4, 1, 3, 5)
    places = torch.cartesian_prod(torch.arange(1), torch.arange(rows // 2), torch.arange(columns // 2))
    answer = net(
        hidden_states=squares.reshape(batch, -1, channels * 4),
        timestep=t,
        guidance=guidance,
        encoder_hidden_states=words,
        pooled_projections=pooled,
        img_ids=places.to(words),
        txt_ids=torch.zeros(words.shape[1], 3).to(words),
    ).sample
    answer = answer.reshape(squares.shape).permute(0, 3, 1, 4, 2, 5)
    return {"answer": answer.reshape(x.shape)}


def _pixart(
    net: Any, x: torch.Tensor, t: torch.Tensor, words: torch.Tensor, mask: torch.Tensor, **added: torch.Tensor
) -> dict[str, Any]:
    told = {"resolution": None, "aspect_ratio": None} | added
    answer = net(x, encoder_hidden_states=words, encoder_attention_mask=mask, timestep=t, added_cond_kwargs=told)
    return {"answer": answer.sample[:, : x.shape[1]]}  # the rest is how sure it is


def _encode(vae: Any, picture: torch.Tensor) -> dict[str, torch.Tensor]:
    return {"latents": vae.encode(picture).latent_dist.mode()}


def _decode(vae: Any, latents: torch.Tensor) -> dict[str, torch.Tensor]:
    return {"picture": vae.decode(latents).sample}


def _diffusers(name: str, folder: Path, place: Place) -> Any:
    return _opened(getattr(_library("diffusers"), name), folder, place, torch_dtype=place.dtype)


def _transformers(name: str, folder: Path, place: Place) -> Any:
    library = _library("transformers")
    library.utils.logging.disable_progress_bar()
    return _opened(getattr(library, name), folder, place, dtype=place.dtype)


def _opened(kind: Any, folder: Path, place: Place, **options: Any) -> Any:
    try:
        net, told = kind.from_pretrained(
            folder, use_safetensors=True, local_files_only=True, output_loading_info=True, **options
        )
    except Exception as error:  # the libraries have no error of their own for this
        raise Damaged(f"{folder}: {kind.__name__} cannot be opened: {str(error).splitlines()[0]}") from error
    if wrong := [*told["missing_keys"], *told["mismatched_keys"]]:
        raise Damaged(f"{folder}: holds no {kind.__name__}: {wrong[0]} is missing or of another shape")
    return net.to(place.device).eval().requires_grad_(False)


def _library(name: str) -> Any:
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError:
        raise Invalid("model", f'needs {name}: pip install "impasto[torch]"') from None
