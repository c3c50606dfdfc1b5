"""What travels in the wheel: Mini itself, through the engine as everyone gets it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from impasto.core import Drawing, Edit, Init, Mask, Picture
from impasto.engine import pixels
from impasto.engine.engine import open_engine
from impasto.models.registry import installed

MINI = installed()
pytestmark = pytest.mark.skipif("mini" not in MINI.names(), reason="a source tree without weights")


@pytest.fixture(scope="module")
def engine():
    engine = open_engine(MINI.find("mini"))
    yield engine
    engine.close()


def drawings(engine) -> list[Drawing]:
    defaults, styles = MINI.find("mini").card.defaults, sorted(MINI.find("mini").card.styles)
    first = Drawing(
        words="a red fox",
        negative="",
        style=defaults.style,
        width_px=256,
        height_px=256,
        steps=defaults.steps,
        guidance=defaults.guidance,
        sampler=defaults.sampler,
        sigmas=defaults.sigmas,
        seed=7,
        background="transparent",
    )
    others = [
        replace(
            first,
            words=words,
            style=styles[index % len(styles)],
            steps=2 + index,
            sampler=engine.samplers[index % len(engine.samplers)],
            sigmas=engine.curves[index % len(engine.curves)],
            guidance=1.0 + index % 3,
            seed=index,
        )
        for index, words in enumerate(
            ["a cat", "ein (roter:1.4) Apfel", "a tree", "une maison", "a rocket", "pizza", "猫"]
        )
    ]
    return [first, *others]


def draw(engine, *asked: Drawing) -> list[np.ndarray]:
    found = [event for event in engine.draw(asked) if isinstance(event, Picture)]
    return [picture.pixels for picture in sorted(found, key=lambda picture: picture.index)]


def test_every_file_is_what_the_card_says() -> None:
    assert MINI.check("mini").ref.name == "mini"


def test_the_card_names_a_sampler_and_sigmas_the_engine_knows(engine) -> None:
    for drawing in drawings(engine):
        engine.check(drawing)


def test_same_seed_same_picture_alone_or_in_a_batch_of_eight(engine) -> None:
    asked = drawings(engine)
    together = draw(engine, *asked)
    assert len(together) == 8
    for drawing, drawn in zip(asked, together, strict=True):
        np.testing.assert_array_equal(draw(engine, drawing)[0], drawn)


def test_a_second_engine_on_one_thread_draws_the_same(engine) -> None:
    one = open_engine(MINI.find("mini"), threads=1)
    drawing = drawings(engine)[0]
    np.testing.assert_array_equal(draw(one, drawing)[0], draw(engine, drawing)[0])
    one.close()


def test_a_picture_drawn_from_another_is_the_same_alone_in_a_batch_and_on_one_thread(engine) -> None:
    first = drawings(engine)[0]
    [fox] = draw(engine, first)
    mask = np.zeros((256, 256), np.uint8)
    mask[90:160, 40:200] = 255
    init = Init(sha256="fox", pixels=fox)
    asked = [
        replace(first, seed=3, edit=Edit(init=init, mask=None, strength=0.02)),
        replace(first, seed=3, edit=Edit(init=init, mask=None, strength=0.75)),
        replace(first, seed=3, edit=Edit(init=init, mask=Mask(sha256="m", pixels=mask), strength=1.0)),
    ]
    near, far, masked = draw(engine, *asked, first)[:3]
    one = open_engine(MINI.find("mini"), threads=1)
    for drawing, together in zip(asked, (near, far, masked), strict=True):
        np.testing.assert_array_equal(draw(engine, drawing)[0], together)
        np.testing.assert_array_equal(draw(one, drawing)[0], together)
    one.close()
    off = [np.square(pixels.premultiplied(fox) - pixels.premultiplied(found)).mean() for found in (near, far)]
    assert off[0] < 10**-2.2, "22 dB: encoder and decoder fit each other"
    assert off[0] < off[1]
    np.testing.assert_array_equal(masked[mask == 0], fox[mask == 0])
    assert (masked[mask > 0] != fox[mask > 0]).any()


def test_a_picture_has_a_subject_and_a_transparent_corner(engine) -> None:
    alpha = draw(engine, drawings(engine)[0])[0][..., 3]
    assert alpha[:8, :8].max() < 32
    assert (alpha > 200).mean() > 0.1


def test_drawing_with_mini_opens_nothing_that_open_checkpoints_need() -> None:
    heavy = "{'torch', 'diffusers', 'transformers', 'accelerate'}"
    code = f"import sys, impasto; impasto.draw('a fox', steps=1); print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "set()\n", done.stderr
