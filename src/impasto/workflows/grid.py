"""One picture varied in one or two fields, laid out on a labelled sheet: the order of events."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from impasto.core import MAX_SEED, Invalid, Unknown
from impasto.pictures.carriers import dumps
from impasto.pictures.formats import encode_image
from impasto.pictures.metadata import FORMAT, describe, parameters_text
from impasto.pictures.sheet import contact_sheet
from impasto.version import __version__
from impasto.workflows.edit import fitted
from impasto.workflows.generate import generate_each

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from impasto.core import ImageRequest, Picture, Progress
    from impasto.models.cards import Card
    from impasto.ports import Engine

MAX_CELLS = 400
DEFAULT_SEEDS = 4

KINDS: dict[str, type[int] | type[float] | type[str]] = {
    "style": str,
    "steps": int,
    "guidance": float,
    "sampler": str,
    "sigmas": str,
    "seed": int,
    "words": str,
    "negative": str,
    "background": str,
    "strength": float,
}
"""what may be varied, and what its values are"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A field of the request and the values it takes in turn."""

    field: str
    values: tuple[Any, ...]

    @classmethod
    def parse(cls, text: str, option: str, *, card: Card, engine: Engine, seed: int) -> Axis:
        """Reads `steps=10,20,30`, or `style` alone for all that there are; `seed` alone is four seeds from `seed` on.

        Raises Invalid or Unknown naming `option`.
        """
        field, equals, listed = text.partition("=")
        field = field.strip()
        if field not in KINDS:
            raise Unknown(option, field, KINDS)
        if not equals:
            return cls(field=field, values=_all(field, option, card, engine, seed))
        values = [value.strip() for value in listed.split(",") if value.strip()]
        if not values:
            raise Invalid(option, f"{field}= names no values")
        return cls(field=field, values=tuple(_read(value, field, option) for value in values))

    def labels(self) -> list[str]:
        return [f"{self.field} {value}" if KINDS[self.field] is not str else str(value) for value in self.values]


def _all(field: str, option: str, card: Card, engine: Engine, seed: int) -> tuple[Any, ...]:
    every = {
        "style": tuple(card.styles),
        "sampler": engine.samplers,
        "sigmas": engine.curves,
        "seed": tuple(range(seed, min(seed + DEFAULT_SEEDS, MAX_SEED + 1))),
    }
    if field not in every:
        raise Invalid(option, f"needs values for {field}, such as {field}=...,...")
    return every[field]


def _read(value: str, field: str, option: str) -> Any:
    try:
        return KINDS[field](value)
    except ValueError:
        kind = "a whole number" if KINDS[field] is int else "a number"
        raise Invalid(option, f"{field} must be {kind}, not {value!r}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What varies across and down, and one request a cell, row by row."""

    x: Axis
    y: Axis | None
    requests: tuple[ImageRequest, ...]


def plan(request: ImageRequest, x: str, y: str | None, *, card: Card, engine: Engine) -> Sheet:
    """Reads the two axes. The request must have its seed.

    Raises Invalid or Unknown, naming x or y, for what cannot be varied, a sheet that is too large, or one field twice.
    """
    across = Axis.parse(x, "x", card=card, engine=engine, seed=request.seed or 0)
    down = Axis.parse(y, "y", card=card, engine=engine, seed=request.seed or 0) if y else None
    if down and across.field == down.field:
        raise Invalid("y", f"must vary something else than x, which varies {across.field}")
    rows = down.values if down else (None,)
    if len(across.values) * len(rows) > MAX_CELLS:
        raise Invalid("x", f"must leave at most {MAX_CELLS} pictures, not {len(across.values) * len(rows)}")
    fits = fitted(request, card)  # once, and not for every cell
    cells = [
        replace(fits, count=1, **{across.field: column}, **({down.field: row} if down else {}))
        for row in rows
        for column in across.values
    ]
    return Sheet(x=across, y=down, requests=tuple(cells))


def draw(sheet: Sheet, *, card: Card, engine: Engine, wildcards: Path | None = None) -> Iterator[Progress | Picture]:
    """Draws all cells together; a picture's index is its cell's place, row by row. Raises Invalid, Unknown."""
    return generate_each(sheet.requests, card=card, engine=lambda: engine, wildcards=wildcards)


def lay_out(sheet: Sheet, pictures: Sequence[Picture], ending: str) -> bytes:
    """The sheet's file, from its pictures in any order; the parameters of every one are inside."""
    across = len(sheet.x.values)
    ordered = sorted(pictures, key=lambda picture: picture.index)
    first, model = ordered[0], ordered[0].model
    image = contact_sheet(
        [[picture.image for picture in ordered[at : at + across]] for at in range(0, len(ordered), across)],
        columns=sheet.x.labels(),
        rows=sheet.y.labels() if sheet.y else [""],
        title=first.template or first.drawing.words,
        note=f"{model.name} {model.version}, seed {first.drawing.seed}",
    )
    document = {
        "format": FORMAT,
        "sheet": {"x": _named(sheet.x), "y": _named(sheet.y) if sheet.y else None},
        "pictures": [describe(picture) for picture in ordered],
        "impasto": __version__,
    }
    return encode_image(image, ending, parameters_text(describe(first)), dumps(document))


def _named(axis: Axis) -> dict[str, Any]:
    return {"field": axis.field, "values": list(axis.values)}
