"""What a training recipe may say: TOML, strictly parsed. Knows no net and no data."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from impasto.core import Invalid

S = TypeVar("S", bound=BaseModel)


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Run(Strict):
    stage: Literal["autoencoder", "words", "denoiser", "evaluator"]
    out: Path
    """where checkpoints, logs and sheets go (an ignored folder)"""
    data: Path = Path("datasets/illustrations")
    seed: int = 0
    pictures: int = Field(gt=0)
    """how many pictures (captions, for words) the run sees in all"""
    batch: int = Field(gt=0)
    threads: int | None = None
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    compile: bool = False
    checkpoint_every_s: float = 300.0
    sheet_every: int = 20_000
    """seen pictures between two sample sheets"""
    log_every: int = 20
    """steps between two log lines"""


class Optim(Strict):
    rate: float = 1e-3
    """AdamW's peak rate"""
    muon_rate: float | None = None
    """Muon's peak rate for matrices inside blocks (Jordan et al. 2024), RMS-matched to AdamW; None: AdamW for all"""
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.95)
    warmup: int = 5_000
    """seen pictures until the peak rate"""
    decay: float = Field(default=0.3, ge=0, le=1)
    """the share of the run, at its end, over which the rate falls linearly to nothing"""
    clip: float = 1.0
    ema: tuple[float, ...] = (0.999,)
    """EMA horizons; the first is the one that is exported"""


class Recipe(Strict):
    run: Run
    optim: Optim = Optim()
    net: dict[str, Any] = {}
    """keyword arguments of the stage's net"""
    stage: dict[str, Any] = {}
    """the stage's own settings, parsed strictly by it"""
    sha256: str = ""


def load(path: Path, overrides: dict[str, Any] | None = None) -> Recipe:
    """Read a recipe; `overrides` are dotted keys (`run.pictures`). Raises Invalid naming the key and the rule."""
    try:
        raw = path.read_bytes()
        table = tomllib.loads(raw.decode())
    except OSError as error:
        raise Invalid("recipe", f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid("recipe", f"{path} is not TOML: {error}") from error
    for key, value in (overrides or {}).items():
        section, _, name = key.partition(".")
        table.setdefault(section, {})[name] = value
    return parse(Recipe, {**table, "sha256": hashlib.sha256(raw).hexdigest()}, where=str(path))


def parse(kind: type[S], table: dict[str, Any], *, where: str) -> S:
    """Parse strictly; raises Invalid naming the first wrong key."""
    try:
        return kind.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        raise Invalid(".".join(str(part) for part in first["loc"]), f"{first['msg']} (in {where})") from error
