"""Asking for a picture drawn from another one: what fits together, what is said, what is taken over."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.workflows.conftest import MODEL, never

from impasto.core import Edit, ImageRequest, Init, Invalid, Mask, ModelRef, Picture
from impasto.pictures.metadata import Recorded, describe, request_of
from impasto.workflows import grid
from impasto.workflows.edit import VARIATIONS, edit_of, fitted, variation
from impasto.workflows.generate import again, generate, resolve

if TYPE_CHECKING:
    from tests.workflows.conftest import Remembering

    from impasto.models.cards import Card

INIT = Init(sha256="aa" * 32, pixels=np.full((100, 50, 4), 255, np.uint8))
MASK = Mask(sha256="bb" * 32, pixels=np.full((100, 50), 255, np.uint8))


def request(**said: Any) -> ImageRequest:
    return ImageRequest(**({"words": "a fox", "seed": 7, "init": INIT} | said))


def test_pictures_are_fitted_into_the_size_asked_for_once(card: Card) -> None:
    for size_px, shape in ((None, (32, 64)), ((32, 32), (32, 32))):
        found = fitted(request(mask=MASK, size_px=size_px), card)
        assert found.init is not None
        assert found.mask is not None
        assert (found.init.pixels.shape, found.mask.pixels.shape) == ((*shape, 4), shape)
        assert (found.init.sha256, found.mask.sha256) == (INIT.sha256, MASK.sha256)
        again = fitted(found, card)
        assert again.init is not None
        assert again.init.pixels is found.init.pixels


def test_without_an_init_nothing_is_done(card: Card) -> None:
    plain = ImageRequest(words="a fox")
    assert fitted(plain, card) is plain
    assert edit_of(plain) is None


@pytest.mark.parametrize(
    ("said", "strength"),
    [({}, 0.75), ({"mask": MASK}, 1.0), ({"strength": 0.3}, 0.3), ({"mask": MASK, "strength": 0.3}, 0.3)],
)
def test_drawings_of_a_request_share_what_they_start_from(
    card: Card, engine: Remembering, said: dict[str, Any], strength: float
) -> None:
    list(generate(request(count=3, **said), card=card, engine=lambda: engine))
    assert len(engine.asked) == 3
    assert {drawing.edit for drawing in engine.asked} == {
        Edit(init=INIT, mask=said.get("mask"), strength=strength),
    }
    inits = {id(drawing.edit.init.pixels) for drawing in engine.asked if drawing.edit}
    assert len(inits) == 1


@pytest.mark.parametrize(
    ("said", "field", "rule"),
    [
        ({"init": None, "mask": MASK}, "mask", "needs an init"),
        ({"init": None, "strength": 0.5}, "strength", "needs an init"),
        ({"strength": 0.0}, "strength", "must be above 0 and at most 1, not 0.0"),
        ({"strength": 1.5}, "strength", "must be above 0 and at most 1, not 1.5"),
        ({"strength": math.nan}, "strength", "must be above 0 and at most 1, not nan"),
        ({"mask": replace(MASK, pixels=MASK.pixels.T)}, "mask", "must have the size of the init, 50x100, not 100x50"),
        ({"mask": replace(MASK, pixels=MASK.pixels * 0)}, "mask", "marks nothing to change"),
        ({"size_px": (60_000, 60_000)}, "size", "some draws"),
    ],
)
def test_what_does_not_fit_together_is_refused_before_the_engine_is_opened(
    card: Card, said: dict[str, Any], field: str, rule: str
) -> None:
    with pytest.raises(Invalid, match=rule) as refused:
        generate(request(**said), card=card, engine=never)
    assert refused.value.field == field


def test_a_mask_by_transparency_may_mark_only_what_lies_beyond(card: Card) -> None:
    opaque = Mask(sha256="cc", pixels=MASK.pixels * 0, beyond=True)
    found = fitted(request(mask=opaque), card).mask
    assert found is not None
    assert (found.pixels == 255).any()


@pytest.mark.parametrize(
    ("drawn_from", "given", "field", "rule"),
    [
        (("aa" * 32, None), (None, None), "init", f"must be given: .*{'aa' * 32}"),
        (("aa" * 32, "bb" * 32), (INIT, None), "mask", f"must be given: .*{'bb' * 32}"),
        (("aa" * 32, None), (INIT, MASK), "mask", "must not be given"),
        ((None, None), (INIT, None), "init", "must not be given"),
        (("ab" * 32, None), (INIT, None), "init", f"drawn from sha256 {'ab' * 32}; .* has sha256 {'aa' * 32}"),
        (("aa" * 32, "ab" * 32), (INIT, MASK), "mask", f"drawn from sha256 {'ab' * 32}; .* has sha256 {'bb' * 32}"),
    ],
)
def test_again_wants_what_it_was_drawn_from(card: Card, drawn_from, given, field: str, rule: str) -> None:
    recorded = Recorded(
        request=ImageRequest(words="a", seed=1),
        template="a",
        model=MODEL,
        init_sha256=drawn_from[0],
        mask_sha256=drawn_from[1],
    )
    with pytest.raises(Invalid, match=rule) as refused:
        again(recorded, init=given[0], mask=given[1], card=card, model=MODEL, engine=never)
    assert refused.value.field == field


def test_again_draws_the_same_from_the_same(card: Card, engine: Remembering) -> None:
    first = next(e for e in generate(request(mask=MASK, strength=0.4), card=card, engine=lambda: engine)
                 if isinstance(e, Picture))  # fmt: skip
    recorded = request_of(describe(first))
    list(again(recorded, init=INIT, mask=MASK, card=card, model=MODEL, engine=lambda: engine))
    assert engine.asked[0] == engine.asked[1]


def test_grid_varies_strength_and_fits_its_picture_once(card: Card, engine: Remembering) -> None:
    sheet = grid.plan(request(), "strength=0.3,0.6,1", "seed=1,2", card=card, engine=engine)
    list(grid.draw(sheet, card=card, engine=engine))
    assert [d.edit.strength for d in engine.asked if d.edit] == [0.3, 0.6, 1.0] * 2
    assert len({id(d.edit.init.pixels) for d in engine.asked if d.edit}) == 1
    assert sheet.x.labels() == ["strength 0.3", "strength 0.6", "strength 1.0"]
    plain = grid.plan(request(init=None), "strength=0.3", None, card=card, engine=engine)
    with pytest.raises(Invalid, match="strength: needs an init"):
        grid.draw(plain, card=card, engine=engine)


def drawn(card: Card) -> Picture:
    """A picture of Impasto's own, itself drawn from another one."""
    said = {"style": "flat", "steps": 5, "negative": "no", "background": "#aabbcc", "strength": 0.2}
    [drawing] = resolve(request(**said), card)
    pixels = np.zeros((drawing.height_px, drawing.width_px, 4), np.uint8)
    return Picture(pixels=pixels, drawing=drawing, model=MODEL, sigma_values=(1.0, 0.0), took_s=0.0, template="a {t}")


def test_a_variation_takes_all_over_but_the_seed(card: Card) -> None:
    like = Init(sha256="dd", pixels=drawn(card).pixels)
    found = variation(like, describe(drawn(card)), {}, model="other")
    assert found == ImageRequest(
        words="a fox",
        negative="no",
        model="some",
        style="flat",
        size_px=(64, 32),
        steps=5,
        guidance=3.5,
        sampler="heun",
        sigmas="karras",
        background="#aabbcc",
        init=like,
        count=VARIATIONS,
    )


def test_a_variation_does_as_it_is_told(card: Card) -> None:
    like = Init(sha256="dd", pixels=drawn(card).pixels)
    said = {"words": "a cat", "seed": 3, "count": 2, "strength": 0.9, "style": None, "model": "third"}
    found = variation(like, describe(drawn(card)), said, model="other")
    assert (found.words, found.seed, found.count, found.strength) == ("a cat", 3, 2, 0.9)
    assert (found.style, found.model) == ("flat", "third")


def test_a_picture_of_others_needs_words() -> None:
    assert variation(INIT, None, {"words": "a cat"}, model="other") == ImageRequest(
        words="a cat", model="other", init=INIT, count=VARIATIONS
    )
    with pytest.raises(Invalid, match="words: must be given"):
        variation(INIT, None, {"words": None}, model="other")


def test_a_sheet_is_no_one_picture() -> None:
    with pytest.raises(Invalid, match="sheet of several pictures"):
        variation(INIT, {"format": 1, "pictures": []}, {}, model="other")


def test_the_model_is_looked_at_before_what_it_was_drawn_from(card: Card) -> None:
    other = ModelRef(name="some", version="2", sha256="cd" * 32)
    recorded = Recorded(request=ImageRequest(words="a", seed=1), template="a", model=MODEL, init_sha256="aa")
    with pytest.raises(Invalid, match="model: drawn by"):
        again(recorded, card=card, model=other, engine=never)
