"""Starting from a picture and keeping a part of it: in latents, and afterwards in pixels to the bit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impasto.core import Edit, Init, Invalid, Mask
from impasto.engine import pixels, samplers
from impasto.engine.editing import FEATHER_PX, Origin, cells, check, feathered, restore
from impasto.engine.sigmas import curve

RANDOM = np.random.default_rng(3)
LATENTS, NOISE = (RANDOM.standard_normal((4, 8, 8), np.float32) for _ in range(2))
HALF = np.zeros((1, 8, 8), np.float32)
HALF[..., 4:] = 1


def test_a_walk_sets_out_from_the_picture_under_noise() -> None:
    for change in (None, HALF):
        start = Origin(latents=LATENTS, change=change, strength=0.5).start(NOISE, 2.0)
        np.testing.assert_array_equal(start, LATENTS + NOISE * 2.0)


def test_at_full_strength_nothing_is_left_of_what_may_change() -> None:
    np.testing.assert_array_equal(Origin(latents=LATENTS, change=None, strength=1.0).start(NOISE, 2.0), NOISE * 2.0)
    start = Origin(latents=LATENTS, change=HALF, strength=1.0).start(NOISE, 2.0)
    np.testing.assert_array_equal(start[..., 4:], NOISE[..., 4:] * 2.0)
    np.testing.assert_array_equal(start[..., :4], (NOISE * 2.0 + LATENTS)[..., :4])


def test_what_stays_is_put_back_and_grey_is_a_mixture() -> None:
    change = np.full((1, 8, 8), 0.25, np.float32)
    np.testing.assert_allclose(
        Origin(latents=LATENTS, change=change, strength=1.0).keep(NOISE), LATENTS * 0.75 + NOISE * 0.25, atol=1e-6
    )
    kept = Origin(latents=LATENTS, change=HALF, strength=1.0).keep(NOISE)
    np.testing.assert_array_equal(kept[..., :4], LATENTS[..., :4])
    np.testing.assert_allclose(kept[..., 4:], NOISE[..., 4:], atol=1e-6)
    assert Origin(latents=LATENTS, change=None, strength=1.0).keep(NOISE) is NOISE


@pytest.mark.parametrize("strength", [0.4, 1.0])
@pytest.mark.parametrize("name", samplers.NAMES)
def test_every_sampler_ends_on_the_picture_where_it_stays(name: str, strength: float) -> None:
    """Whatever the net answers: here that all is 5."""
    origin = Origin(latents=LATENTS, change=HALF, strength=strength)
    levels = curve("karras", 6, 0.02, 40.0, strength=strength)
    random = np.random.default_rng(1)
    walk = samplers.walk(name, origin.start(NOISE, levels[0]), levels, lambda: random.standard_normal((4, 8, 8)))
    end = walked(walk, origin.keep(np.full_like(LATENTS, 5.0)))
    np.testing.assert_allclose(end[..., :4], LATENTS[..., :4], atol=1e-4)
    np.testing.assert_allclose(end[..., 4:], 5.0, atol=1e-4)


def walked(walk: samplers.Walk, answer: np.ndarray) -> np.ndarray:
    """Where a walk ends that is always answered the same."""
    next(walk)
    while True:
        try:
            walk.send(answer)
        except StopIteration as stop:
            return stop.value


def test_torch_tensors_are_started_and_kept_as_arrays_are() -> None:
    torch = pytest.importorskip("torch")
    plain = Origin(latents=LATENTS, change=HALF, strength=1.0)
    tensors = Origin(latents=torch.tensor(LATENTS), change=torch.tensor(HALF), strength=1.0)
    np.testing.assert_allclose(tensors.start(torch.tensor(NOISE), 3.0).numpy(), plain.start(NOISE, 3.0), rtol=1e-6)
    np.testing.assert_allclose(tensors.keep(torch.tensor(NOISE)).numpy(), plain.keep(NOISE), rtol=1e-6)


def test_a_cell_changes_as_much_as_any_of_its_pixels() -> None:
    mask = np.zeros((64, 96), np.uint8)
    mask[16, 31], mask[63, 95], mask[40:42, 40:42] = 255, 51, 102
    found = cells(mask, (4, 6))
    expected = np.zeros((1, 4, 6), np.float32)
    expected[0, 1, 1], expected[0, 3, 5], expected[0, 2, 2] = 1, 0.2, 0.4
    np.testing.assert_allclose(found, expected)
    assert found.dtype == np.float32


def test_the_new_comes_in_evenly_inside_the_edge() -> None:
    mask = np.zeros((20, 20), np.uint8)
    mask[:, 10:] = 255
    row = feathered(mask)[10]
    steps = [(i + 1) / FEATHER_PX for i in range(FEATHER_PX)]
    np.testing.assert_allclose(row, [0] * 10 + steps + [1] * (10 - FEATHER_PX), atol=1e-6)
    thin = np.zeros((20, 20), np.uint8)
    thin[10] = 255
    assert (feathered(thin)[10] == 1 / FEATHER_PX).all()
    assert (feathered(np.full((20, 20), 255, np.uint8)) == 1).all(), "the picture's own border is no edge"


EVERY = np.zeros((256, 256, 4), np.uint8)
"""every pair of a colour and an alpha there is"""
EVERY[..., 0], EVERY[..., 3] = np.mgrid[:256, :256]
EVERY[..., 1], EVERY[..., 2] = 255 - EVERY[..., 0], EVERY[..., 0] // 2
EVERY[EVERY[..., 3] == 0] = 0


def test_every_byte_there_is_survives_the_way_there_and_back() -> None:
    np.testing.assert_array_equal(pixels.to_bytes(pixels.premultiplied(EVERY)), EVERY)


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), size=st.integers(1, 120))
def test_what_a_mask_keeps_is_kept_to_the_bit(seed: int, size: int) -> None:
    random = np.random.default_rng(seed)
    mask = np.zeros((256, 256), np.uint8)
    top, left = random.integers(0, 256 - size, 2)
    mask[top : top + size, left : left + size] = random.integers(0, 256, (size, size))
    painted = random.normal(0.5, 1.0, (4, 256, 256)).astype(np.float32)
    found = pixels.to_bytes(restore(painted, pixels.premultiplied(EVERY), mask))
    np.testing.assert_array_equal(found[mask == 0], EVERY[mask == 0])


def test_where_all_may_change_it_is_what_was_painted() -> None:
    painted = RANDOM.uniform(-0.2, 1.2, (4, 256, 256)).astype(np.float32)
    found = restore(painted, pixels.premultiplied(EVERY), np.full((256, 256), 255, np.uint8))
    np.testing.assert_array_equal(pixels.to_bytes(found), pixels.to_bytes(painted))


def opaque(alpha: float) -> np.ndarray:
    """(4, 20, 20), premultiplied white."""
    return np.full((4, 20, 20), alpha, np.float32)


def test_the_one_passes_into_the_other_where_there_are_both() -> None:
    mask = np.zeros((20, 20), np.uint8)
    mask[:, 10:] = 255
    black = opaque(0)
    black[3] = 1
    row = restore(black, opaque(1), mask)[:, 10]
    np.testing.assert_allclose(row[0], 1 - feathered(mask)[10], atol=1e-6)
    assert (row[3] == 1).all()


@pytest.mark.parametrize("edge", [1.0, 0.5, 0.2])
def test_no_gap_is_left_beside_what_is_painted_on_where_there_was_nothing(edge: float) -> None:
    """A mask by the picture's own transparency, soft edge included: all of it ends opaque."""
    original = opaque(1)
    original[:, :, 10:] = 0
    original[:, :, 10] = edge
    mask = np.rint((1 - original[3]) * 255).astype(np.uint8)
    np.testing.assert_allclose(restore(opaque(1), original, mask)[3], 1, atol=0.01)


def test_a_grey_mask_over_nothing_lets_in_as_much() -> None:
    mask = np.full((20, 20), 51, np.uint8)
    np.testing.assert_allclose(restore(opaque(1), opaque(0), mask), 0.2, atol=1e-6)


def test_no_number_is_an_error_where_it_is_seen() -> None:
    painted = np.full((4, 256, 256), np.nan, np.float32)
    mask = np.zeros((256, 256), np.uint8)
    mask[:9, :9] = 255
    with pytest.raises(FloatingPointError):
        pixels.to_bytes(restore(painted, pixels.premultiplied(EVERY), mask))


def edit(**changes: object) -> Edit:
    init, mask = Init(sha256="a", pixels=EVERY), Mask(sha256="b", pixels=np.zeros((256, 256), np.uint8))
    return Edit(**({"init": init, "mask": mask, "strength": 0.5} | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"strength": 0.0}, "strength"),
        ({"strength": 1.1}, "strength"),
        ({"strength": math.nan}, "strength"),
        ({"init": Init(sha256="a", pixels=EVERY[:9])}, "init"),
        ({"init": Init(sha256="a", pixels=EVERY / 255)}, "init"),
        ({"mask": Mask(sha256="b", pixels=EVERY[..., 0].T[:9])}, "mask"),
        ({"mask": Mask(sha256="b", pixels=EVERY)}, "mask"),
    ],
)
def test_what_cannot_be_drawn_from_is_refused(changes: dict[str, object], field: str) -> None:
    check(edit(), (256, 256))
    check(edit(mask=None), (256, 256))
    with pytest.raises(Invalid) as refused:
        check(edit(**changes), (256, 256))
    assert refused.value.field == field
