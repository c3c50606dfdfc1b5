"""A model's card: what it is called, what it draws, where it comes from, and the hash of each of its files.

`card.toml` is parsed strictly: an unknown key or a value of the wrong kind is refused by name. Only `[results]`, what
was measured, is free-form, and it alone is no part of the model's identity: whoever measures a model again does not
make it another one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from impasto.core import Invalid, Unknown

if TYPE_CHECKING:
    from pathlib import Path

    from numpy import ndarray

    from impasto.core import Drawing

STRICT = {"extra": "forbid", "strict": True, "allow_inf_nan": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """`[model]`: who it is and where it comes from."""

    __pydantic_config__: ClassVar = STRICT

    name: str
    version: str
    family: str
    licence: str
    description: str
    parents: tuple[str, ...] = ()
    data: str = ""
    recipe: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """`[picture.sides_px]`: a side may be any multiple of `step` from `least` to `most`."""

    __pydantic_config__: ClassVar = STRICT

    least: int
    most: int
    step: int

    def allow(self, side_px: int) -> bool:
        return self.least <= side_px <= self.most and side_px % self.step == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """`[picture]`: sizes are (width, height) in pixels, latent_shape is (channels, height, width) at the first size."""

    __pydantic_config__: ClassVar = STRICT

    sizes: tuple[tuple[int, int], ...]
    latent_shape: tuple[int, int, int]
    sides_px: Sides | None = None
    """what else it draws; None: those sizes and no other"""

    def latent_of(self, size_px: tuple[int, int]) -> tuple[int, int, int]:
        """The latents' shape of a picture of this (width, height)."""
        (width, height), (channels, rows, columns) = self.sizes[0], self.latent_shape
        return channels, size_px[1] * rows // height, size_px[0] * columns // width


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """One entry of `[styles]`."""

    __pydantic_config__: ClassVar = STRICT

    index: int
    title: str = ""
    sample: str = ""
    """words that show it off"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """`[defaults]`: what a drawing gets when the person does not say."""

    __pydantic_config__: ClassVar = STRICT

    steps: int
    guidance: float
    sampler: str
    sigmas: str
    style: str = ""
    """one of [styles]; "" for a model that has none"""
    guidance_interval: tuple[float, float] | None = None
    """(lowest, highest) sigma at which guidance acts; None: at all"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Betas:
    """`[sigmas.betas]`: the betas of DDPM (Ho et al. 2020) that a net was taught by.

    "scaled_linear" is even in sqrt(beta) (Rombach et al. 2022). `zero_snr` stretches the noise until the last level is
    all but pure noise (Lin et al. 2024, Algorithm 1).
    """

    __pydantic_config__: ClassVar = STRICT

    curve: Literal["linear", "scaled_linear"]
    first: float
    last: float
    levels: int
    zero_snr: bool = False

    def sigmas(self) -> ndarray:
        """The noise levels, (levels,) float64, rising."""
        import numpy as np

        power = 1 if self.curve == "linear" else 2
        betas = np.linspace(self.first ** (1 / power), self.last ** (1 / power), self.levels) ** power
        alphas = np.cumprod(1 - betas)
        if self.zero_snr:
            roots = np.sqrt(alphas)
            alphas = ((roots - roots[-1]) * (roots[0] / (roots[0] - roots[-1]))) ** 2
            alphas[-1] = 2.0**-24  # sigma 4096
        sigmas: ndarray = np.sqrt((1 - alphas) / alphas)
        return sigmas


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """`[sigmas.log_shift]`: the log of a flow's shift at two areas in pixels; elsewhere on the line through them."""

    __pydantic_config__: ClassVar = STRICT

    areas_px: tuple[int, int]
    logs: tuple[float, float]

    def at(self, area_px: int) -> float:
        """The shift itself."""
        (low, high), (first, last) = self.areas_px, self.logs
        return exp(first + (last - first) * (area_px - low) / (high - low))


@dataclass(frozen=True, slots=True, kw_only=True)
class SigmaRange:
    """`[sigmas]`: the noise levels the net was taught: a table's, or else a flow's of that shift."""

    __pydantic_config__: ClassVar = STRICT

    min: float
    max: float
    shift: float = 1.0
    log_shift: Shift | None = None
    """in the place of `shift`, for a flow whose shift grows with the picture"""
    betas: Betas | None = None

    def shift_at(self, area_px: int) -> float:
        return self.shift if self.log_shift is None else self.log_shift.at(area_px)


@dataclass(frozen=True, slots=True, kw_only=True)
class WordLimits:
    """`[words]`."""

    __pydantic_config__: ClassVar = STRICT

    max_tokens: int
    """as many as a net reads at once; families that read longer words do so in pieces of this length"""
    long_tokens: int = 0
    """as many as T5 reads, for families that ask it beside CLIP"""
    empty_is_zero: bool = False
    """whether the net was taught to draw without words by zeros, not by what no words become"""
    skipped_layers: int = 0
    """how many of the last layers of CLIP are left out; what others call CLIP skip 2 is 1 here"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Net:
    """`[net]`: what the denoiser answers with, and whether guidance was distilled into it."""

    __pydantic_config__: ClassVar = STRICT

    prediction: Literal["epsilon", "v", "sample", "flow"]
    distilled_guidance: bool = False
    """guidance is a number the net is given, so that it is asked once a step"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """`[preview]`: latents to a small picture. matrix is (channels, 4), to premultiplied RGBA about 0..1, plus bias."""

    __pydantic_config__: ClassVar = STRICT

    matrix: tuple[tuple[float, float, float, float], ...]
    bias: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The whole card. `files` maps each file's name to its sha256 in hexadecimal."""

    __pydantic_config__: ClassVar = STRICT

    model: About
    picture: Sizes
    defaults: Defaults
    sigmas: SigmaRange
    words: WordLimits
    files: dict[str, str]
    styles: dict[str, Style] = field(default_factory=dict)
    net: Net | None = None
    """for families of more than one kind of net"""
    preview: Preview | None = None
    results: dict[str, Any] = field(default_factory=dict)

    def style(self, name: str) -> Style:
        """Raises Unknown, with near names, for a style the model does not have."""
        if name not in self.styles:
            raise Unknown("style", name, self.styles)
        return self.styles[name]

    def check_size(self, size_px: tuple[int, int]) -> None:
        """Raises Invalid for a (width, height) the model cannot draw."""
        sides = self.picture.sides_px
        if tuple(size_px) in self.picture.sizes or (sides is not None and all(map(sides.allow, size_px))):
            return
        draws = ", ".join(f"{width}x{height}" for width, height in self.picture.sizes)
        if sides is not None:
            draws = f"sides of {sides.least} to {sides.most} in steps of {sides.step} pixels"
        raise Invalid("size", f"{self.model.name} draws {draws}, not {size_px[0]}x{size_px[1]}")

    def check(self, drawing: Drawing) -> None:
        """Refuse a style or a size the model does not have."""
        if self.styles:
            self.style(drawing.style)
        elif drawing.style:
            raise Invalid("style", f"{self.model.name} has no styles")
        self.check_size((drawing.width_px, drawing.height_px))


def parse(text: str, name: str = "card.toml") -> Card:
    """The text of a card -> Card. Raises Invalid naming the key; `name` says in errors which card it is."""
    import json

    from pydantic import TypeAdapter, ValidationError

    try:
        # Through JSON, because that is where pydantic's strict mode takes a table for a dataclass.
        card = TypeAdapter(Card).validate_json(json.dumps(_tables(text, name), default=str))
    except ValidationError as error:
        first = error.errors()[0]
        raise Invalid(f"{name}: {'.'.join(map(str, first['loc']))}", first["msg"]) from None
    _consistent(card, name)
    return card


def identity(text: str, name: str = "card.toml") -> str:
    """The sha256, in hexadecimal, of what a card says without its `[results]`. Raises Invalid if it is not TOML.

    What is hashed is JSON with sorted keys and no spaces, in UTF-8, so that neither the order of keys nor a comment
    counts. All else does: the sha256 of every file, the defaults, the name, and the licence and description too.
    """
    import hashlib
    import json

    said = _tables(text, name)
    said.pop("results", None)
    canonical = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()


def read(path: Path) -> tuple[Card, str]:
    """A card's file -> the card and its identity. Raises Invalid; OSError if it cannot be read."""
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise Invalid(str(path), f"is not UTF-8: {error}") from None
    return parse(text, str(path)), identity(text, str(path))


def _tables(text: str, name: str) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Invalid(name, f"is not TOML: {error}") from None


def _consistent(card: Card, name: str) -> None:
    """What one key says about another."""
    rules = {
        "model.name": (card.model.name.strip() != "", "must not be empty"),
        "picture.sizes": (
            bool(card.picture.sizes) and all(side > 0 for size in card.picture.sizes for side in size),
            "must list at least one size, of positive sides",
        ),
        "picture.latent_shape": (min(card.picture.latent_shape) > 0, "must be positive"),
        "picture.sides_px": (_whole(card.picture), "must have 0 < least <= most, and steps of whole latents"),
        "defaults.style": (card.defaults.style in (card.styles or {""}), "must be one of [styles]"),
        "defaults.steps": (card.defaults.steps > 0, "must be positive"),
        "styles": (len({style.index for style in card.styles.values()}) == len(card.styles), "must not share an index"),
        "sigmas": (0 < card.sigmas.min < card.sigmas.max, "must have 0 < min < max"),
        "sigmas.shift": (card.sigmas.shift > 0, "must be positive"),
        "sigmas.betas": (_rising(card.sigmas.betas), "must have 0 < first < last < 1 and at least 2 levels"),
        "sigmas.log_shift": (
            card.sigmas.log_shift is None or len(set(card.sigmas.log_shift.areas_px)) == 2,
            "must be given at two areas",
        ),
        "words.max_tokens": (card.words.max_tokens > 0, "must be positive"),
        "words.skipped_layers": (card.words.skipped_layers >= 0, "must not be negative"),
        "words.long_tokens": (card.words.long_tokens >= 0, "must not be negative"),
        "preview.matrix": (
            card.preview is None or len(card.preview.matrix) == card.picture.latent_shape[0],
            "must have one row a latent channel",
        ),
        "files": (all(map(_plain, card.files)), "must be names of files in the card's own folder"),
    }
    for key, (kept, rule) in rules.items():
        if not kept:
            raise Invalid(f"{name}: {key}", rule)


def _whole(picture: Sizes) -> bool:
    sides = picture.sides_px
    if sides is None:
        return True
    scales = [side // cells for side, cells in zip(picture.sizes[0], picture.latent_shape[:0:-1], strict=True)]
    return 0 < sides.least <= sides.most and sides.step > 0 and all(sides.step % scale == 0 for scale in scales)


def _rising(betas: Betas | None) -> bool:
    return betas is None or (0 < betas.first < betas.last < 1 and betas.levels >= 2)


def _plain(file: str) -> bool:
    """A name with `/` between folders, that leads nowhere else and means the same on every system."""
    parts = file.split("/")
    return file != "card.toml" and not set(file) & set("\\:\0") and not set(parts) & {"", ".", ".."}
