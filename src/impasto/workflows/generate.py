"""Words become pictures: the order of events, through ports only."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from impasto.core import MAX_SEED, Drawing, Invalid, Picture, Unknown
from impasto.engine import samplers
from impasto.engine.pixels import colour
from impasto.engine.sigmas import CURVES
from impasto.workflows.edit import check_same, edit_of, fitted
from impasto.workflows.words import check, expander

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from impasto.core import ImageRequest, Init, Mask, ModelRef, Progress
    from impasto.models.cards import Card
    from impasto.pictures.metadata import Recorded
    from impasto.ports import Engine

T = TypeVar("T")
N = TypeVar("N", int, float)

MAX_COUNT = 1000
MAX_STEPS = 150
MAX_GUIDANCE = 30
GUIDANCE_OF_NEGATIVE = 1.5
"""of a model whose default is one pass a step, when there are negative words and no guidance is asked for"""


def generate(
    request: ImageRequest,
    *,
    card: Card,
    engine: Callable[[], Engine],
    wildcards: Path | None = None,
    below: Callable[[int], int] = secrets.randbelow,
) -> Iterator[Progress | Picture]:
    """Draws what was asked for; pictures come as they finish. The engine is opened only for a request that passes.

    `below(n)` gives a number from 0 to n - 1, for the seed of a request without one. Raises Invalid or Unknown naming
    the field that breaks a rule, before anything is drawn.
    """
    return generate_each([seeded(request, below)], card=card, engine=engine, wildcards=wildcards)


def generate_each(
    requests: Sequence[ImageRequest],
    *,
    card: Card,
    engine: Callable[[], Engine],
    wildcards: Path | None = None,
) -> Iterator[Progress | Picture]:
    """As generate, for several requests with their seeds given; index counts their pictures in order."""
    drawings, templates = [], []
    for request in requests:
        drawings += resolve(request, card, wildcards)
        templates += [request.words] * request.count
    return _draw(drawings, templates, engine())


def again(
    recorded: Recorded,
    *,
    init: Init | None = None,
    mask: Mask | None = None,
    card: Card,
    model: ModelRef,
    engine: Callable[[], Engine],
) -> Iterator[Progress | Picture]:
    """Draws a picture a second time, bit for bit on the same machine: its words are taken as they were drawn.

    Raises Invalid if the model here is not the one that drew it (a caller who wants it all the same replaces it in
    `recorded`), or if `init` and `mask` are not those it was drawn from.
    """
    if model.sha256 != recorded.model.sha256:
        raise Invalid("model", f"drawn by {_exactly(recorded.model)}; the one here is {_exactly(model)}")
    check_same("init", recorded.init_sha256, init)
    check_same("mask", recorded.mask_sha256, mask)
    request = fitted(replace(recorded.request, init=init, mask=mask), card)
    drawing = _drawing(request, card, check(request.words), _seed(request))
    return _draw([drawing], [recorded.template], engine())


def seeded(request: ImageRequest, below: Callable[[int], int] = secrets.randbelow) -> ImageRequest:
    """The request with a seed. One that is drawn leaves room for the seeds of all its pictures."""
    _within("count", request.count, 1, MAX_COUNT)
    return request if request.seed is not None else replace(request, seed=below(MAX_SEED - request.count + 2))


def resolve(request: ImageRequest, card: Card, wildcards: Path | None = None) -> list[Drawing]:
    """One drawing a picture, every field decided: what was asked for, or the model's default.

    Picture i has seed + i, which also draws its choices and wildcards. Raises Invalid or Unknown naming the field.
    """
    _within("count", request.count, 1, MAX_COUNT)
    first = _seed(request)
    if first + request.count - 1 > MAX_SEED:
        raise Invalid("seed", f"must leave room for {request.count} pictures up to {MAX_SEED}")
    words_of = expander(request.words, wildcards)
    request = fitted(request, card)
    return [_drawing(request, card, words_of(seed), seed) for seed in range(first, first + request.count)]


def _drawing(request: ImageRequest, card: Card, words: str, seed: int) -> Drawing:
    """One drawing of a request that is fitted."""
    default = card.defaults
    width_px, height_px = request.size_px or card.picture.sizes[0]
    drawing = Drawing(
        words=words,
        negative=check(request.negative, "negative", may_be_empty=True),
        style=_given(request.style, default.style),
        width_px=width_px,
        height_px=height_px,
        steps=_within("steps", _given(request.steps, default.steps), 1, MAX_STEPS),
        guidance=_guidance(request, default.guidance),
        sampler=_given(request.sampler, default.sampler),
        sigmas=_given(request.sigmas, default.sigmas),
        seed=seed,
        background=request.background.lower(),
        edit=edit_of(request),
    )
    card.check(drawing)
    _check_names(drawing)
    return drawing


def _check_names(drawing: Drawing) -> None:
    """What an engine would refuse too, before one is opened, or a job is accepted."""
    if drawing.sampler not in samplers.NAMES:
        raise Unknown("sampler", drawing.sampler, samplers.NAMES)
    if drawing.sigmas not in CURVES:
        raise Unknown("sigmas", drawing.sigmas, CURVES)
    colour(drawing.background)


def _guidance(request: ImageRequest, default: float) -> float:
    """What was asked, else the model's; where that is 1, at which negative words are not read, what they need."""
    if request.guidance is None and default == 1 and request.negative:
        return GUIDANCE_OF_NEGATIVE
    return _within("guidance", _given(request.guidance, default), 0, MAX_GUIDANCE)


def _seed(request: ImageRequest) -> int:
    if request.seed is None:
        raise Invalid("seed", "must be given")
    return _within("seed", request.seed, 0, MAX_SEED)


def _given(asked: T | None, default: T) -> T:
    return default if asked is None else asked


def _within(field: str, value: N, least: N, most: N) -> N:
    if not least <= value <= most:  # also refuses nan
        raise Invalid(field, f"must be from {least} to {most}, not {value}")
    return value


def _draw(drawings: list[Drawing], templates: list[str], engine: Engine) -> Iterator[Progress | Picture]:
    events = engine.draw(drawings)
    return (replace(e, template=templates[e.index]) if isinstance(e, Picture) else e for e in events)


def _exactly(model: ModelRef) -> str:
    return f"{model.name} {model.version} (sha256 {model.sha256[:12]})"
