"""Pictures of any size in the size a model draws: whole, in the middle, with clean edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impasto.core import Init, Mask
from impasto.pictures.fitting import fit_init, fit_mask


def init(pixels: np.ndarray) -> Init:
    return Init(sha256="ab", pixels=pixels)


def full(width: int, height: int, colour: tuple[int, ...] = (200, 100, 50, 255)) -> np.ndarray:
    return np.full((height, width, 4), colour, np.uint8)


def test_the_right_size_is_left_as_it_is() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (32, 64, 4), np.uint8)
    assert fit_init(init(pixels), (64, 32)).pixels is pixels


@pytest.mark.parametrize(
    ("given", "box"),
    [
        ((64, 64), (0, 0, 256, 256)),
        ((1000, 500), (0, 64, 256, 192)),
        ((500, 1000), (64, 0, 192, 256)),
        ((300, 301), (0, 0, 255, 256)),
        ((4000, 1), (0, 127, 256, 128)),
    ],
)
def test_it_lies_whole_in_the_middle_and_the_rest_is_empty(given: tuple[int, int], box: tuple[int, ...]) -> None:
    found = fit_init(init(full(*given)), (256, 256))
    left, top, right, bottom = box
    expected = np.zeros((256, 256, 4), np.uint8)
    expected[top:bottom, left:right] = (200, 100, 50, 255)
    np.testing.assert_array_equal(found.pixels, expected)
    assert found.sha256 == "ab"


@settings(max_examples=60)
@given(side=st.integers(1, 90), wide=st.integers(1, 90), seed=st.integers(0, 2**32 - 1))
def test_no_colour_comes_from_where_there_is_none(side: int, wide: int, seed: int) -> None:
    """One colour over any alpha stays that colour, however it is scaled."""
    random = np.random.default_rng(seed)
    pixels = full(wide, side)
    pixels[..., 3] = random.choice([0, 255], (side, wide))
    pixels[pixels[..., 3] == 0] = 0
    found = fit_init(init(pixels), (32, 48)).pixels.astype(int)
    alpha = found[..., 3]
    assert (found[alpha > 0, :3] == [200, 100, 50]).all()
    assert (found[alpha == 0] == 0).all()


@pytest.mark.parametrize("side", [16, 700])
def test_an_edge_leaves_no_faint_ripple_around_it(side: int) -> None:
    pixels = np.zeros((side, side, 4), np.uint8)
    pixels[side // 4 : side * 3 // 4, side // 4 : side * 3 // 4] = (200, 100, 50, 255)
    alpha = fit_init(init(pixels), (256, 256)).pixels[..., 3].astype(int)
    row = alpha[128]
    assert (np.diff(row[:128]) >= 0).all(), "from empty to full without going back"
    assert (row[:40] == 0).all()
    assert (row[90:166] == 255).all()


def test_a_mask_is_fitted_as_its_picture_and_keeps_what_lies_beyond_unless_it_says_so() -> None:
    pixels = np.zeros((50, 100), np.uint8)
    pixels[:, 50:] = 255
    for beyond, around in ((False, 0), (True, 255)):
        found = fit_mask(Mask(sha256="cd", pixels=pixels, beyond=beyond), (256, 256)).pixels
        assert (found[:64] == around).all()
        assert (found[192:] == around).all()
        assert (found[64:192, :120] == 0).all()
        assert (found[64:192, 136:] == 255).all()
