"""LoRAs on nets that are run by torch: read by diffusers, which knows the layouts that trainers write, worn by PEFT.

A net's own weights stay as they are: a LoRA is added to what each layer answers, so that another one, or none, is a
matter of the next call. Several are worn at once, each with its weight.
"""

from __future__ import annotations

import threading
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from impasto.core import Damaged, Invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import torch
    from numpy import ndarray

    from impasto.engine.loras import Lora
    from impasto.engine.runtimes.torch_eager import TorchNet

PIPELINES = {
    "sd": "StableDiffusionPipeline",
    "sdxl": "StableDiffusionXLPipeline",
    "sd3": "StableDiffusion3Pipeline",
    "flux": "FluxPipeline",
}
"""families -> the class of diffusers that reads their LoRAs"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dressed:
    """A net with LoRAs on; the same net may be dressed otherwise elsewhere. Implements ports.Runtime."""

    net: TorchNet
    wardrobe: Wardrobe
    loras: tuple[Lora, ...]

    def run(self, inputs: Mapping[str, ndarray]) -> dict[str, ndarray]:
        with self.wardrobe.wearing(self.loras):
            return self.net.run(inputs)


class Wardrobe:
    """The LoRAs of one model's nets, each read the first time it is worn.

    `nets` are its modules by the names of their folders; `find` is where a LoRA of a name lies, and raises Unknown.
    """

    def __init__(self, family: str, nets: Mapping[str, torch.nn.Module], find: Callable[[str], Path]) -> None:
        self._family, self._nets, self._find = family, dict(nets), find
        self._read: set[str] = set()
        self._worn: tuple[Lora, ...] = ()
        self._lock = threading.RLock()

    def dressed(self, net: TorchNet, loras: tuple[Lora, ...]) -> Dressed:
        """The net as it answers with these."""
        return Dressed(net=net, wardrobe=self, loras=loras)

    @contextmanager
    def wearing(self, loras: tuple[Lora, ...]) -> Iterator[None]:
        """While this is open the nets wear these and no others. Raises Unknown, Damaged, Invalid without PEFT."""
        with self._lock:
            if loras != self._worn:
                self._change(loras)
            yield

    def check(self, loras: tuple[Lora, ...]) -> None:
        """Raises Unknown for a LoRA that is not there."""
        for lora in loras:
            self._find(lora.name)

    def _change(self, loras: tuple[Lora, ...]) -> None:
        from diffusers.utils import peft_utils

        adapters: Any = peft_utils  # which says nothing of types

        for lora in loras:
            if lora.name not in self._read:
                self._bring(lora.name, self._find(lora.name))
                self._read.add(lora.name)
        self._worn = loras
        for net in self._nets.values():
            has = getattr(net, "peft_config", {})
            mine = [lora for lora in loras if _key(lora.name) in has]
            if mine:
                adapters.set_adapter_layers(net, enabled=True)
                names, weights = [_key(lora.name) for lora in mine], [lora.weight for lora in mine]
                adapters.set_weights_and_activate_adapters(net, names, weights)
            elif has:
                adapters.set_adapter_layers(net, enabled=False)

    def _bring(self, name: str, path: Path) -> None:
        import diffusers

        try:
            import peft  # noqa: F401
        except ImportError:
            raise Invalid("words", 'a LoRA needs peft: pip install "impasto[torch]"') from None
        pipeline = getattr(diffusers, PIPELINES[self._family])
        with warnings.catch_warnings(action="ignore"):  # about names that are of no net here
            try:
                self._load(pipeline, _key(name), path)
            except Exception as error:  # the libraries have no error of their own for this
                raise Damaged(f"{path}: is no LoRA for this model: {str(error).splitlines()[0]}") from error
        if not any(_key(name) in getattr(net, "peft_config", {}) for net in self._nets.values()):
            raise Damaged(f"{path}: is no LoRA for this model: it names no layer of it")

    def _load(self, pipeline: Any, key: str, path: Path) -> None:
        about = {"use_safetensors": True, "local_files_only": True}
        if self._family in ("sd", "sdxl"):
            state, alphas = pipeline.lora_state_dict(path, unet_config=self._nets["unet"].config, **about)
            pipeline.load_lora_into_unet(state, network_alphas=alphas, unet=self._nets["unet"], adapter_name=key)
        elif self._family == "flux":
            state, alphas = pipeline.lora_state_dict(path, return_alphas=True, **about)
            net = self._nets["transformer"]
            pipeline.load_lora_into_transformer(state, network_alphas=alphas, transformer=net, adapter_name=key)
        else:
            state, alphas = pipeline.lora_state_dict(path, **about), None
            pipeline.load_lora_into_transformer(state, transformer=self._nets["transformer"], adapter_name=key)
        for part, net in self._nets.items():
            if part.startswith("text_encoder") and any(k.startswith(f"{part}.") for k in state):
                pipeline.load_lora_into_text_encoder(
                    state, network_alphas=alphas, text_encoder=net, prefix=part, adapter_name=key
                )


def _key(name: str) -> str:
    """What PEFT calls it: a dot would split a module's name."""
    return name.replace(".", "_")
