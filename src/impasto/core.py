"""The nouns of the house and its few errors. Imports nothing of Impasto and nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
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


Role = Literal["owner", "admin", "member", "reviewer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, as a door found out. Whoever runs Impasto alone is the caller `local`, and owns everything."""

    account: str
    """whose things and whose credits they are; also the fair share is between accounts"""
    name: str
    """how to address them: an e-mail address, or "local\""""
    role: Role = "member"
    scopes: frozenset[str] = frozenset({"draw", "read", "account"})
    """what the key they came with allows; a person signed in has all of them"""

    def must(self, scope: str) -> None:
        """Raises Forbidden if the key they came with does not allow `scope`."""
        if scope not in self.scopes:
            raise Forbidden(f"this key does not allow {scope!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a request will cost at most; only pictures that are delivered are charged."""

    credit_micros: int
    """for all pictures; one credit is 1_000_000"""
    picture_micros: int
    """for each"""
    count: int


Stage = Literal["words", "init", "picture"]
"""what is judged: what was typed, what was brought along, what was drawn"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a policy says of something: what it does, and why. Without a `code` it found nothing."""

    code: str = ""
    """the category"""
    rule: str = ""
    """what fired, in a person's words"""
    does: Literal["allow", "refuse"] = "allow"
    score: float = 0.0
    """how sure the judge is, 0 to 1; it acts from `threshold` on"""
    threshold: float = 0.0
    stage: Stage = "words"
    policy: str = ""
    """its name and version"""

    @property
    def refused(self) -> bool:
        return self.does == "refuse"


JobState = Literal["queued", "running", "done", "failed", "refused", "cancelled"]
ENDED: frozenset[JobState] = frozenset({"done", "failed", "refused", "cancelled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPicture:
    """A picture of a job, kept as a file under its content hash."""

    id: str
    job_id: str
    index: int
    sha256: str
    """of the file, a PNG that carries its own document"""
    width_px: int
    height_px: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Durable work as its owner sees it."""

    id: str
    account: str
    kind: str
    """"generate" or "edit\""""
    state: JobState
    words: str
    model: str
    count: int
    quote: Quote
    charged_micros: int
    """posted so far; 0 until it ends"""
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str = ""
    """why it failed, was refused, or made fewer pictures than asked"""
    field: str = ""
    """the field that broke a rule, where one did"""
    position: int | None = None
    """pictures that will be begun before its first one; None once it runs"""
    done_share: float = 0.0
    """0 to 1, steps walked of steps asked"""
    pictures: tuple[StoredPicture, ...] = ()

    @property
    def ended(self) -> bool:
        return self.state in ENDED


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvent:
    """Something happened to a job. The last one carries a job that has ended."""

    job: Job
    progress: Progress | None = None
    """a step was walked"""
    picture: StoredPicture | None = None
    """one was finished"""


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


class NotSignedIn(ImpastoError):
    """Nobody is named, or the key, password or session is not good."""


class Forbidden(ImpastoError):
    """Who asks may not do that."""


class NotFound(ImpastoError):
    """There is no such thing, or it is another's: the two look the same."""

    def __init__(self, what: str, id: str) -> None:  # noqa: A002
        self.what, self.id = what, id
        super().__init__(f"there is no {what} {id!r}")


class Clash(Invalid):
    """What was asked contradicts what is there already: a key used for another request, an address taken."""


class NotEnoughCredit(ImpastoError):
    """The account cannot pay; nothing was begun."""

    def __init__(self, *, needed_micros: int, available_micros: int) -> None:
        self.needed_micros, self.available_micros = needed_micros, available_micros
        super().__init__(f"costs {needed_micros / 1e6:g} credits; the account has {available_micros / 1e6:g}")


class Busy(ImpastoError):
    """Too much is asked at once."""

    def __init__(self, why: str, *, retry_after_s: float) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(why)
