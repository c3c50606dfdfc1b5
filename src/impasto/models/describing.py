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
    """what `config.json` of each part says; of "scheduler" its own file"""
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
    scale = 2 ** (len(configs["vae"]["block_out_channels"]) - 1)
    return {
        "picture": _picture(_sizes(side * scale, 64), (channels, side, side), step_px=scale),
        "defaults": {"steps": 25, "guidance": 7.0, "sampler": "dpmpp_2m", "sigmas": "karras"},
        "sigmas": _betas(configs["scheduler"]),
        "words": {"max_tokens": CLIP_TOKENS},
        "net": {"prediction": _prediction(configs["scheduler"])},
    }


KINDS = {
    "StableDiffusionPipeline": Kind(family="sd", parts=("tokenizer", "text_encoder", "unet", "vae"), tables=sd),
}
KINDS["StableDiffusionInpaintPipeline"] = KINDS["StableDiffusionPipeline"]
KINDS["LatentConsistencyModelPipeline"] = KINDS["StableDiffusionPipeline"]


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
