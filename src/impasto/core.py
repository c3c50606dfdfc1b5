"""The nouns of the house and its few errors. Imports nothing of Impasto and nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from os import PathLike
    from pathlib import Path

    from numpy import ndarray
    from PIL.Image import Image

MAX_SEED = 2**32 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Init:
    """A person's picture to start from. Equal to another if sha256 is: pixels are not compared."""

    sha256: str
    """of the pixels as they were read, before they are fitted to a size (see pictures.reading)"""
    pixels: ndarray = field(compare=False, repr=False)
    """(height, width, 4) uint8, unpremultiplied RGBA, upright"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mask:
    """What of a picture may change. Equal to another if sha256 is."""

    sha256: str
    """of the pixels as they were read"""
    pixels: ndarray = field(compare=False, repr=False)
    """(height, width) uint8: 0 stays to the bit, 255 is drawn anew, between the two is a mixture"""
    beyond: bool = field(default=False, compare=False)
    """whether what lies beyond the picture, once it is fitted into a size of another shape, is drawn anew"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRequest:
    """What a person asked for, in their own terms. None means: the model's default."""

    words: str
    negative: str = ""
    model: str = "mini"
    style: str | None = None
    size_px: tuple[int, int] | None = None
    """(width, height)"""
    steps: int | None = None
    guidance: float | None = None
    sampler: str | None = None
    sigmas: str | None = None
    """the name of a sigma curve"""
    seed: int | None = None
    """0 to MAX_SEED; None draws one at random; picture i of a request uses seed + i"""
    count: int = 1
    background: str = "transparent"
    """"transparent" or "#rrggbb\""""
    init: Init | None = None
    """of any size; fitted whole into size_px"""
    mask: Mask | None = None
    """of the init's size; without one all of it may change"""
    strength: float | None = None
    """above 0 to 1: how far from the init; 1 as if there were none"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRef:
    """Which model, exactly: sha256 is of the model's card without its results; it names the sha256 of every file."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What a drawing starts from: an init and a mask of the drawing's own size."""

    init: Init
    mask: Mask | None
    strength: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """One picture fully decided: an engine given the same drawing and model makes the same picture."""

    words: str
    negative: str
    style: str
    width_px: int
    height_px: int
    steps: int
    guidance: float
    sampler: str
    sigmas: str
    seed: int
    background: str
    edit: Edit | None = None
    """None: drawn from noise alone"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Step `step` of `steps` is done for drawing number `index` of those being drawn."""

    index: int
    step: int
    steps: int
    preview: ndarray | None = None
    """(height, width, 4) uint8, unpremultiplied RGBA, small"""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """Pixels with provenance."""

    pixels: ndarray
    """(height, width, 4) uint8, unpremultiplied RGBA"""
    drawing: Drawing
    model: ModelRef
    sigma_values: tuple[float, ...]
    """the noise levels that were walked, highest first, ending in 0"""
    took_s: float
    index: int = 0
    """its place among the drawings asked for together"""
    template: str = ""
    """the words as they were typed, before choices and wildcards were drawn; "" where they are the drawing's own"""

    @property
    def image(self) -> Image:
        """The pixels as a Pillow image in mode RGBA."""
        from PIL import Image

        return Image.fromarray(self.pixels, "RGBA")

    def save(self, path: str | PathLike[str]) -> Path:
        """Writes the picture with its parameters inside and returns the path.

        The ending decides the format: .png, .webp, .jpg or .svg. A folder gets a file named after the words and the
        seed. Raises Invalid if it cannot be written.
        """
        from impasto.pictures.save import save

        return save(self, path)


class ImpastoError(Exception):
    """Anything Impasto says no with: one clear line for a person, never a traceback."""


class Invalid(ImpastoError):
    """A field breaks a rule. `field` is the name the person used."""

    def __init__(self, field: str, rule: str) -> None:
        self.field, self.rule = field, rule
        super().__init__(f"{field}: {rule}")


class Unknown(Invalid):
    """A name that is not known, with the nearest ones that are."""

    def __init__(self, field: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        self.name, self.near = name, get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(self.near)}?" if self.near else f"known: {', '.join(known)}"
        super().__init__(field, f"there is no {name!r}; {hint}")


class UnknownModel(Unknown):
    """A model that is not installed."""


class Damaged(ImpastoError):
    """A file is not what its card says it is."""


class Failed(ImpastoError):
    """Some of the pictures asked for together could not be made; the others were. `reasons` is by index."""

    def __init__(self, reasons: Mapping[int, str]) -> None:
        self.reasons = dict(reasons)
        super().__init__("; ".join(f"picture {index + 1} failed: {why}" for index, why in sorted(reasons.items())))


class Refused(ImpastoError):
    """A policy said no. `code` names the category, `rule` what fired."""

    def __init__(self, code: str, rule: str) -> None:
        self.code, self.rule = code, rule
        super().__init__(f"refused ({code}): {rule}")
