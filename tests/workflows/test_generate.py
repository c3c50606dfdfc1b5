"""The order of events, against an engine that only remembers what it was asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.workflows.conftest import MODEL, never

from impasto.core import MAX_SEED, Drawing, ImageRequest, Invalid, ModelRef, Picture, Progress, Unknown
from impasto.pictures.metadata import Recorded
from impasto.workflows import grid
from impasto.workflows.generate import again, generate, resolve

if TYPE_CHECKING:
    from tests.workflows.conftest import Remembering

    from impasto.models.cards import Card


def test_what_is_not_said_is_the_models_own(card: Card) -> None:
    assert resolve(ImageRequest(words="a fox", seed=7), card) == [
        Drawing(
            words="a fox",
            negative="",
            style="line",
            width_px=64,
            height_px=32,
            steps=12,
            guidance=3.5,
            sampler="heun",
            sigmas="karras",
            seed=7,
            background="transparent",
        )
    ]


def test_what_is_said_is_kept(card: Card) -> None:
    said: dict[str, Any] = {"negative": "no", "style": "flat", "steps": 1, "guidance": 0.0, "sampler": "euler"}
    (drawing,) = resolve(ImageRequest(words="a", seed=0, size_px=(32, 32), background="#AABBCC", **said), card)
    assert {name: getattr(drawing, name) for name in said} == said
    assert (drawing.width_px, drawing.height_px, drawing.background) == (32, 32, "#aabbcc")


def test_negative_words_are_never_passed_over_in_silence(card: Card) -> None:
    once = replace(card, defaults=replace(card.defaults, guidance=1.0))

    def guidance(card: Card, **said: Any) -> float:
        return resolve(ImageRequest(words="a", seed=0, **said), card)[0].guidance

    assert guidance(once) == 1.0
    assert guidance(once, negative="no") == 1.5
    assert guidance(once, negative="no", guidance=1.0) == 1.0, "as asked"
    assert guidance(once, negative="no", guidance=4.0) == 4.0
    assert guidance(card, negative="no") == card.defaults.guidance != 1.0


def test_pictures_count_their_seeds_which_draw_their_words(card: Card, engine: Remembering) -> None:
    request = ImageRequest(words="{a|b|c|d}", seed=3, count=6)
    events = list(generate(request, card=card, engine=lambda: engine))
    assert [drawing.seed for drawing in engine.asked] == [3, 4, 5, 6, 7, 8]
    assert [drawing.words for drawing in engine.asked] == [drawing.words for drawing in resolve(request, card)]
    pictures = [event for event in events if isinstance(event, Picture)]
    assert [picture.index for picture in pictures] == [5, 4, 3, 2, 1, 0]
    assert {picture.template for picture in pictures} == {"{a|b|c|d}"}
    assert sum(isinstance(event, Progress) for event in events) == 6


def test_a_seed_that_is_drawn_leaves_room_for_all(card: Card, engine: Remembering) -> None:
    bounds = []

    def last(n: int) -> int:
        bounds.append(n)
        return n - 1

    list(generate(ImageRequest(words="a", count=5), card=card, engine=lambda: engine, below=last))
    assert [drawing.seed for drawing in engine.asked] == list(range(MAX_SEED - 4, MAX_SEED + 1))


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("words", {"words": " "}),
        ("negative", {"negative": "a" * 2001}),
        ("style", {"style": "flatt"}),
        ("size", {"size_px": (64, 64)}),
        ("steps", {"steps": 0}),
        ("steps", {"steps": 151}),
        ("guidance", {"guidance": -0.1}),
        ("guidance", {"guidance": float("nan")}),
        ("count", {"count": 0}),
        ("count", {"count": 1001, "seed": None}),
        ("seed", {"seed": -1}),
        ("seed", {"seed": MAX_SEED, "count": 2}),
    ],
)
def test_refused_before_the_engine_is_opened(card: Card, field: str, said: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        generate(ImageRequest(**({"words": "a fox", "seed": 1} | said)), card=card, engine=never)
    assert refused.value.field == field


def test_what_only_the_engine_knows_is_refused_by_it(card: Card, engine: Remembering) -> None:
    with pytest.raises(Unknown, match="did you mean heun"):
        generate(ImageRequest(words="a", sampler="heunn"), card=card, engine=lambda: engine)


def test_again_takes_words_as_they_were_drawn(card: Card, engine: Remembering) -> None:
    recorded = Recorded(request=ImageRequest(words="{not|a|choice} __nor_this__", seed=5), template="{t}", model=MODEL)
    events = again(recorded, card=card, model=MODEL, engine=lambda: engine)
    (picture,) = [event for event in events if isinstance(event, Picture)]
    assert engine.asked[0].words == "{not|a|choice} __nor_this__"
    assert (picture.template, picture.drawing.seed) == ("{t}", 5)


def recorded(**changes: Any) -> Recorded:
    return Recorded(request=ImageRequest(words="a", seed=1), template="a", model=MODEL, **changes)


def test_again_says_when_the_model_is_another(card: Card) -> None:
    other = ModelRef(name="some", version="2", sha256="cd" * 32)
    with pytest.raises(Invalid, match=r"model: drawn by some 1 \(sha256 abab.*the one here is some 2 \(sha256 cdcd"):
        again(recorded(), card=card, model=other, engine=never)


@pytest.mark.parametrize(
    ("x", "y", "cells"),
    [
        ("style", None, [{"style": "flat"}, {"style": "line"}]),
        ("sampler", None, [{"sampler": "euler"}, {"sampler": "heun"}]),
        ("seed=1, 2", "steps=3", [{"seed": 1, "steps": 3}, {"seed": 2, "steps": 3}]),
        ("guidance=1,2.5", None, [{"guidance": 1.0}, {"guidance": 2.5}]),
    ],
)
def test_grid_varies_what_it_is_told(
    card: Card, engine: Remembering, x: str, y: str | None, cells: list[dict[str, Any]]
) -> None:
    sheet = grid.plan(ImageRequest(words="a", seed=9), x, y, card=card, engine=engine)
    list(grid.draw(sheet, card=card, engine=engine))
    assert [{name: getattr(drawing, name) for name in cells[0]} for drawing in engine.asked] == cells


def test_grid_sheet_is_in_order_whatever_finishes_first(card: Card, engine: Remembering) -> None:
    sheet = grid.plan(ImageRequest(words="a", seed=9), "seed=1,2,3", "style", card=card, engine=engine)
    pictures = [event for event in grid.draw(sheet, card=card, engine=engine) if isinstance(event, Picture)]
    assert pictures[0].index == 5
    assert grid.lay_out(sheet, pictures, ".png") == grid.lay_out(sheet, pictures[::-1], ".png")
