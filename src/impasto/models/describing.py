"""What a checkpoint's own configuration says of it, as tables of a card. Knows diffusers' names, imports none of it.

A kind is one family's part of this: which parts of a pipeline it needs, and what a card says of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from impasto.core import Invalid, Unknown
from impasto.models.cards import Betas

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Configs = Mapping[str, Mapping[str, Any]]
    """what `config.json` of each part says; of "scheduler" and of the "pipeline" their own files"""
    Tables = dict[str, Any]

CLIP_TOKENS = 75
PURE = 1e5
"""the sigma of a flow's t = 0.99999: all noise, and still a number"""
ODDLY = {"v_prediction": "v", "epsilon": "epsilon", "sample": "sample"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One family's pipelines."""

    family: str
    parts: tuple[str, ...]
    """folders it cannot do without"""
    tables: Callable[[Configs], Tables]
    optional: tuple[str, ...] = ()


def kind_of(pipeline: str) -> Kind:
    """The kind of a pipeline's class, as its `model_index.json` names it. Raises Unknown."""
    if pipeline not in KINDS:
        raise Unknown("model", pipeline, KINDS)
    return KINDS[pipeline]


def sd(configs: Configs) -> Tables:
    """Stable Diffusion 1.x and 2.x."""
    side, channels = configs["unet"]["sample_size"], configs["vae"]["latent_channels"]
    scale = _scale(configs["vae"])
    return {
        "picture": _picture(_sizes(side * scale, 64), (channels, side, side), step_px=scale),
        "defaults": {"steps": 25, "guidance": 7.0, "sampler": "dpmpp_2m", "sigmas": "karras"},
        "sigmas": _betas(configs["scheduler"]),
        "words": {"max_tokens": CLIP_TOKENS},
        "net": {"prediction": _prediction(configs["scheduler"])},
    }


def sdxl(configs: Configs) -> Tables:
    """Stable Diffusion XL."""
    tables = sd(configs)
    tables["defaults"] |= {"guidance": 6.0}
    tables["words"] |= {"empty_is_zero": bool(configs["pipeline"].get("force_zeros_for_empty_prompt", True))}
    return tables


def sd3(configs: Configs) -> Tables:
    """Stable Diffusion 3 and 3.5."""
    net = configs["transformer"]
    return {
        "picture": _patched(net["sample_size"], net["patch_size"], configs["vae"]),
        "defaults": {"steps": 28, "guidance": 4.5, "sampler": "euler", "sigmas": "model"},
        "sigmas": _flow(configs["scheduler"], configs["vae"]),
        "words": {"max_tokens": CLIP_TOKENS, "long_tokens": 256},
        "net": {"prediction": "flow"},
    }


def flux(configs: Configs) -> Tables:
    """FLUX.1 dev, which guidance was distilled into, and schnell, which needs four steps and no guidance."""
    distilled = bool(configs["transformer"]["guidance_embeds"])
    return {
        "picture": _patched(128, 2, configs["vae"]),
        "defaults": {
            "steps": 28 if distilled else 4,
            "guidance": 3.5 if distilled else 1.0,
            "sampler": "euler",
            "sigmas": "flow",
        },
        "sigmas": _flow(configs["scheduler"], configs["vae"]),
        "words": {"max_tokens": CLIP_TOKENS, "long_tokens": 512 if distilled else 256},
        "net": {"prediction": "flow", "distilled_guidance": distilled},
    }


def pixart(configs: Configs) -> Tables:
    """PixArt-alpha and PixArt-Sigma."""
    net = configs["transformer"]
    sigma = configs["pipeline"]["_class_name"] == "PixArtSigmaPipeline"
    return {
        "picture": _patched(net["sample_size"], net["patch_size"], configs["vae"]),
        "defaults": {"steps": 20, "guidance": 4.5, "sampler": "dpmpp_2m", "sigmas": "sgm_uniform"},
        "sigmas": _betas(configs["scheduler"]),
        "words": {"max_tokens": 300 if sigma else 120},
        "net": {"prediction": _prediction(configs["scheduler"])},
    }


_SD = Kind(family="sd", parts=("tokenizer", "text_encoder", "unet", "vae"), tables=sd)
_TWO_CLIPS = ("tokenizer", "tokenizer_2", "text_encoder", "text_encoder_2")
_PIXART = Kind(family="pixart", parts=("tokenizer", "text_encoder", "transformer", "vae"), tables=pixart)
_SDXL = Kind(family="sdxl", parts=(*_TWO_CLIPS, "unet", "vae"), tables=sdxl)
KINDS = {
    "StableDiffusionPipeline": _SD,
    "StableDiffusionInpaintPipeline": _SD,
    "LatentConsistencyModelPipeline": _SD,
    "StableDiffusionXLPipeline": _SDXL,
    "StableDiffusionXLInpaintPipeline": _SDXL,
    "StableDiffusion3Pipeline": Kind(
        family="sd3",
        parts=(*_TWO_CLIPS, "transformer", "vae"),
        optional=("tokenizer_3", "text_encoder_3"),
        tables=sd3,
    ),
    "FluxPipeline": Kind(family="flux", parts=(*_TWO_CLIPS, "transformer", "vae"), tables=flux),
    "PixArtAlphaPipeline": _PIXART,
    "PixArtSigmaPipeline": _PIXART,
}
"""by the class that diffusers runs them with"""


def _patched(side: int, patch: int, vae: Mapping[str, Any]) -> Tables:
    """Of a transformer that sees squares of `patch` latents, at a square of `side` latents."""
    scale = _scale(vae)
    sizes = _sizes(side * scale, 4 * scale * patch)
    return _picture(sizes, (vae["latent_channels"], side, side), step_px=scale * patch)


def _scale(vae: Mapping[str, Any]) -> int:
    """How many pixels wide a latent is."""
    return int(2 ** (len(vae["block_out_channels"]) - 1))


def _flow(scheduler: Mapping[str, Any], vae: Mapping[str, Any]) -> Tables:
    """A flow's levels. diffusers shifts the lowest one, a thousandth, twice; a token is 2 x 2 latents."""
    shift, least = float(scheduler.get("shift", 1.0)), 0.001
    if scheduler.get("use_dynamic_shifting"):
        token_px = (2 * _scale(vae)) ** 2
        areas = tuple(token_px * scheduler.get(name, default) for name, default in _TOKENS.items())
        logs = tuple(float(scheduler.get(name, default)) for name, default in _LOGS.items())
        return {"min": least / (1 - least), "max": PURE, "log_shift": {"areas_px": areas, "logs": logs}}
    for _ in range(2):
        least = shift * least / (1 + (shift - 1) * least)
    return {"min": least / (1 - least), "max": PURE, "shift": shift}


_TOKENS = {"base_image_seq_len": 256, "max_image_seq_len": 4096}
_LOGS = {"base_shift": 0.5, "max_shift": 1.15}


def _picture(sizes: list[tuple[int, int]], latent_shape: tuple[int, int, int], *, step_px: int) -> Tables:
    side = sizes[0][0]
    least, most = (max(step_px, end - end % step_px) for end in (side // 8, 2 * side))
    return {
        "sizes": sizes,
        "latent_shape": latent_shape,
        "sides_px": {"least": least, "most": most, "step": step_px},
    }


def _sizes(side_px: int, step_px: int) -> list[tuple[int, int]]:
    """A square, and about as many pixels in 3:4, 4:3, 9:16 and 16:9, in whole steps."""
    sizes = [(side_px, side_px)]
    for wide, high in ((3, 4), (9, 16)):
        width, height = (round(side_px * ratio**0.5 / step_px) * step_px for ratio in (wide / high, high / wide))
        if width > 0 and width != height:
            sizes += [(width, height), (height, width)]
    return sizes


def _betas(scheduler: Mapping[str, Any]) -> Tables:
    """The noise levels from the betas that diffusers names, with the ends of their table."""
    betas = {
        "curve": scheduler["beta_schedule"],
        "first": scheduler["beta_start"],
        "last": scheduler["beta_end"],
        "levels": scheduler.get("num_train_timesteps", 1000),
        "zero_snr": scheduler.get("rescale_betas_zero_snr", False),
    }
    if betas["curve"] not in {"linear", "scaled_linear"}:
        raise Invalid("scheduler.beta_schedule", f"must be linear or scaled_linear, not {betas['curve']!r}")
    table = Betas(**betas).sigmas()
    return {"min": float(table[0]), "max": float(table[-1]), "betas": betas}


def _prediction(scheduler: Mapping[str, Any]) -> str:
    told = scheduler.get("prediction_type", "epsilon")
    if told not in ODDLY:
        raise Invalid("scheduler.prediction_type", f"must be one of {', '.join(ODDLY)}, not {told!r}")
    return ODDLY[told]
