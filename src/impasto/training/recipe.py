"""What a training recipe may say: TOML, strictly parsed. Knows no net and no data."""

from __future__ import annotations

from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import Field

from impasto.core import Invalid
from impasto.toml import Strict, parse, read

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Optim", "Recipe", "Run", "Strict", "built", "load", "parse"]

N = TypeVar("N")
Share = Annotated[float, Field(ge=0, lt=1)]


class Run(Strict):
    """`[run]`: what is trained on what, how long, and how often it tells."""

    stage: Literal["autoencoder", "words", "denoiser", "distil", "meanings", "polish", "evaluator"]
    out: Path
    """where checkpoints, logs and sheets go (an ignored folder)"""
    data: Path = Path("datasets/illustrations")
    """the folder of a built data set"""
    seed: int = Field(default=0, ge=0)
    pictures: int = Field(gt=0)
    """how many pictures (captions, for words) the run sees in all"""
    batch: int = Field(gt=0)
    """pictures a step"""
    threads: int | None = Field(default=None, gt=0)
    """processor threads; None: as many as torch takes"""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    compile: bool = False
    checkpoint_every_s: float = Field(default=300.0, ge=0)
    sheet_every: int = Field(default=20_000, gt=0)
    """seen pictures between two sample sheets"""
    log_every: int = Field(default=20, gt=0)
    """steps between two log lines"""


class Optim(Strict):
    """`[optim]`: how the weights move."""

    rate: float = Field(default=1e-3, gt=0)
    """AdamW's peak rate"""
    muon_rate: float | None = Field(default=None, gt=0)
    """Muon's peak rate for matrices inside blocks (Jordan et al. 2024), RMS-matched to AdamW; None: AdamW for all"""
    weight_decay: float = Field(default=0.01, ge=0)
    betas: tuple[Share, Share] = (0.9, 0.95)
    warmup: int = Field(default=5_000, ge=0)
    """seen pictures until the peak rate"""
    decay: float = Field(default=0.3, ge=0, le=1)
    """the share of the run, at its end, over which the rate falls linearly to nothing"""
    clip: float = Field(default=1.0, gt=0)
    """the largest norm of a gradient; a larger one is scaled down to it"""
    ema: tuple[Share, ...] = Field(default=(0.999,), min_length=1)
    """EMA horizons; the first is the one that is exported"""


class Recipe(Strict):
    """A whole recipe."""

    run: Run
    optim: Optim = Optim()
    net: dict[str, Any] = Field(default_factory=dict)
    """keyword arguments of the stage's net"""
    stage: dict[str, Any] = Field(default_factory=dict)
    """the stage's own settings, parsed strictly by it"""


def load(path: Path, overrides: dict[str, Any] | None = None) -> Recipe:
    """Read a recipe; `overrides` are dotted keys (`run.pictures`). Raises Invalid naming the key and the rule."""
    table = read(path, "recipe")
    for key, value in (overrides or {}).items():
        section, _, name = key.partition(".")
        table.setdefault(section, {})[name] = value
    return parse(Recipe, table, where=str(path))


def built(recipe: Recipe, net: Callable[..., N], **more: Any) -> N:
    """A stage's net from `[net]` and what the stage knows. Raises Invalid for an argument it has not, or lacks."""
    try:
        signature(net).bind(**recipe.net, **more)
    except TypeError as error:
        raise Invalid("net", str(error)) from error
    return net(**recipe.net, **more)
