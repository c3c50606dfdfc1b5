"""A model's card: what it is called, what it draws, where it comes from, and the hash of each of its files.

`card.toml` is parsed strictly: an unknown key or a value of the wrong kind is refused by name. Only `[results]`, what
was measured, is free-form, and it alone is no part of the model's identity: whoever measures a model again does not
make it another one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from impasto.core import Invalid, Unknown

if TYPE_CHECKING:
    from pathlib import Path

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
class Sizes:
    """`[picture]`: sizes are (width, height) in pixels, latent_shape is (channels, height, width)."""

    __pydantic_config__: ClassVar = STRICT

    sizes: tuple[tuple[int, int], ...]
    latent_shape: tuple[int, int, int]


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

    style: str
    steps: int
    guidance: float
    sampler: str
    sigmas: str
    guidance_interval: tuple[float, float] | None = None
    """(lowest, highest) sigma at which guidance acts; None: at all"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigmaRange:
    """`[sigmas]`: the noise levels the net was taught, and the shift of the "flow" curve."""

    __pydantic_config__: ClassVar = STRICT

    min: float
    max: float
    shift: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WordLimits:
    """`[words]`."""

    __pydantic_config__: ClassVar = STRICT

    max_tokens: int


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
    styles: dict[str, Style]
    defaults: Defaults
    sigmas: SigmaRange
    words: WordLimits
    files: dict[str, str]
    preview: Preview | None = None
    results: dict[str, Any] = field(default_factory=dict)

    def style(self, name: str) -> Style:
        """Raises Unknown, with near names, for a style the model does not have."""
        if name not in self.styles:
            raise Unknown("style", name, self.styles)
        return self.styles[name]

    def check_size(self, size_px: tuple[int, int]) -> None:
        """Raises Invalid for a (width, height) the model cannot draw."""
        if tuple(size_px) not in self.picture.sizes:
            sizes = ", ".join(f"{width}x{height}" for width, height in self.picture.sizes)
            raise Invalid("size", f"{self.model.name} draws {sizes}, not {size_px[0]}x{size_px[1]}")

    def check(self, drawing: Drawing) -> None:
        """Refuse a style or a size the model does not have."""
        self.style(drawing.style)
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
        "defaults.style": (card.defaults.style in card.styles, "must be one of [styles]"),
        "defaults.steps": (card.defaults.steps > 0, "must be positive"),
        "styles": (len({style.index for style in card.styles.values()}) == len(card.styles), "must not share an index"),
        "sigmas": (0 < card.sigmas.min < card.sigmas.max, "must have 0 < min < max"),
        "sigmas.shift": (card.sigmas.shift > 0, "must be positive"),
        "words.max_tokens": (card.words.max_tokens > 0, "must be positive"),
        "preview.matrix": (
            card.preview is None or len(card.preview.matrix) == card.picture.latent_shape[0],
            "must have one row a latent channel",
        ),
        "files": (all(map(_plain, card.files)), "must be plain names of files beside the card"),
    }
    for key, (kept, rule) in rules.items():
        if not kept:
            raise Invalid(f"{name}: {key}", rule)


def _plain(file: str) -> bool:
    return file not in {"", ".", "..", "card.toml"} and not set(file) & set("/\\:\0")
