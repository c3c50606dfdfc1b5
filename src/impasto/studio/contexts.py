"""What each page shows: plain values, so that a page can be tested without a browser and a template decides nothing."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from impasto.core import ENDED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy import ndarray

    from impasto.core import Caller, Job, JobState, Quote, StoredPicture
    from impasto.models.cards import Card
    from impasto.safety.verify import Report
    from impasto.workflows.gallery import Kept

MOST_AT_ONCE = 8
"""pictures that the page lets a person ask for together"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who looks at the page."""

    name: str
    alone: bool
    """nobody signs in here, and nobody pays"""
    credits: str = ""
    """what they have, "99.8"; "" where nobody pays"""
    csrf: str = ""
    """what a page of theirs must send with every change"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleChip:
    name: str
    title: str
    sample_url: str
    """a small picture in the style; "" where there is none"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChoice:
    """A model as the form offers it."""

    name: str
    description: str
    styles: tuple[StyleChip, ...]
    style: str
    """the default one"""
    sizes: tuple[str, ...]
    """ "256x256", the default first"""
    steps: int
    guidance: float
    sampler: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A finished picture."""

    id: str
    url: str
    page_url: str
    alt: str
    width_px: int
    height_px: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """The place of one picture of a job: a tile, or what can be seen of it so far."""

    tile: Tile | None = None
    preview: str = ""
    """a data URL"""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCard:
    """A job on the page."""

    id: str
    words: str
    state: JobState
    ended: bool
    percent: int
    position: int | None
    reason: str
    slots: tuple[Slot, ...]
    width_px: int
    height_px: int
    """of a picture that is still to come"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePage:
    person: Person
    models: tuple[ModelChoice, ...]
    chosen: ModelChoice
    most_at_once: int
    jobs: tuple[JobCard, ...]
    words: str = ""
    init_id: str = ""
    """of a kept picture to start from"""
    init_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryPage:
    person: Person
    words: str
    style: str
    favourite: bool
    styles: tuple[str, ...]
    tiles: tuple[Tile, ...]
    next: str | None
    """the picture to ask on from"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PicturePage:
    person: Person
    tile: Tile
    favourite: bool
    words: str
    facts: tuple[tuple[str, str], ...]
    """what made it, in the order people read it"""
    document: str
    """all of it, as JSON"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPage:
    person: Person


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorPage:
    person: Person
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardPart:
    card: JobCard


@dataclass(frozen=True, slots=True, kw_only=True)
class CostPart:
    cost: Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorPart:
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPart:
    """What a file says of itself."""

    words: str
    """"" where it carries no document of ours"""
    parameters: str
    report: Report
    """who made it, as far as that can be known"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What the button will cost, before it is pressed."""

    credits: str
    """ "" where nobody pays"""
    count: int


def model_choice(card: Card, samples: frozenset[str] = frozenset()) -> ModelChoice:
    """`samples`: the "model/style" of which a sample picture travels with the studio."""
    name, default = card.model.name, card.defaults
    chips = tuple(
        StyleChip(
            name=style,
            title=card.styles[style].title or style,
            sample_url=f"/static/samples/{name}/{style}.webp" if f"{name}/{style}" in samples else "",
        )
        for style in card.styles
    )
    return ModelChoice(
        name=name,
        description=card.model.description,
        styles=chips,
        style=default.style,
        sizes=tuple(f"{width}x{height}" for width, height in card.picture.sizes),
        steps=default.steps,
        guidance=default.guidance,
        sampler=default.sampler,
    )


def job_card(job: Job, cards: Sequence[Card], previews: Mapping[int, str] | None = None) -> JobCard:
    """`previews`: data URLs by the index of a picture that is being drawn."""
    made = {picture.index: picture for picture in job.pictures}
    known = {card.model.name: card for card in cards}
    width_px, height_px = known[job.model].picture.sizes[0] if job.model in known else (1, 1)
    if job.pictures:
        width_px, height_px = job.pictures[0].width_px, job.pictures[0].height_px
    shown = sorted(made) if job.state in ENDED else range(job.count)
    slots = tuple(
        Slot(tile=tile(made[index], job.words)) if index in made else Slot(preview=(previews or {}).get(index, ""))
        for index in shown
    )
    return JobCard(
        id=job.id,
        words=job.words,
        state=job.state,
        ended=job.ended,
        percent=round(100 * job.done_share),
        position=job.position,
        reason=job.reason,
        slots=slots,
        width_px=width_px,
        height_px=height_px,
    )


def tile(picture: StoredPicture, words: str) -> Tile:
    return Tile(
        id=picture.id,
        url=f"/api/pictures/{picture.id}/file",
        page_url=f"/pictures/{picture.id}",
        alt=words,
        width_px=picture.width_px,
        height_px=picture.height_px,
        seed=picture.seed,
    )


def kept_tile(kept: Kept) -> Tile:
    return Tile(
        id=kept.id,
        url=f"/api/pictures/{kept.id}/file",
        page_url=f"/pictures/{kept.id}",
        alt=kept.words,
        width_px=kept.width_px,
        height_px=kept.height_px,
        seed=kept.seed,
    )


def picture_page(person: Person, kept: Kept) -> PicturePage:
    document = kept.document
    facts = {
        "words": kept.words,
        "negative": kept.negative,
        "style": kept.style,
        "seed": str(kept.seed),
        "steps": str(document.get("steps", "")),
        "guidance": str(document.get("guidance", "")),
        "sampler": str(document.get("sampler", "")),
        "size": f"{kept.width_px}x{kept.height_px}",
        "model": f"{kept.model} {document.get('model', {}).get('version', '')}".strip(),
        "drawn": f"{kept.created_at:%Y-%m-%d %H:%M} UTC",
    }
    return PicturePage(
        person=person,
        tile=kept_tile(kept),
        favourite=kept.favourite,
        words=kept.words,
        facts=tuple((name, value) for name, value in facts.items() if value),
        document=json.dumps(document, ensure_ascii=False, indent=2),
    )


def person(caller: Caller, available_micros: int | None, csrf: str = "") -> Person:
    """`available_micros` is None where nobody pays."""
    shown = "" if available_micros is None else credits_of(available_micros)
    return Person(name=caller.name, alone=available_micros is None, credits=shown, csrf=csrf)


def cost(quote: Quote, *, free: bool) -> Cost:
    return Cost(credits="" if free else credits_of(quote.credit_micros), count=quote.count)


def credits_of(micros: int) -> str:
    """Whole and part without trailing zeros: 99.8."""
    return f"{micros / 1_000_000:.2f}".rstrip("0").rstrip(".")


def data_url(pixels: ndarray) -> str:
    """A small picture, (height, width, 4) uint8, to stand in the page itself."""
    from PIL import Image

    out = BytesIO()
    Image.fromarray(pixels, "RGBA").save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
