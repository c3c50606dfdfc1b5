from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impasto.core import Invalid
from impasto.engine.pixels import colour, to_bytes


def one(red: float, green: float, blue: float, alpha: float) -> np.ndarray:
    """A picture of one pixel, premultiplied."""
    return np.array([red, green, blue, alpha], np.float32).reshape(4, 1, 1)


def test_colour_is_unpremultiplied() -> None:
    assert to_bytes(one(0.5, 0.25, 0.0, 0.5)).tolist() == [[[255, 128, 0, 128]]]


def test_what_cannot_be_seen_has_no_colour() -> None:
    assert to_bytes(one(0.001, 0.0, 0.0, 0.001)).tolist() == [[[0, 0, 0, 0]]]


def test_out_of_range_is_clipped_colour_to_alpha() -> None:
    assert to_bytes(one(0.9, -0.2, 1.5, 0.6)).tolist() == [[[255, 0, 255, 153]]]
    assert to_bytes(one(2.0, 0.0, 0.0, 1.5)).tolist() == [[[255, 0, 0, 255]]]


def test_a_background_is_laid_under_and_hides_nothing() -> None:
    assert to_bytes(one(0, 0, 0, 0), "#ff8000").tolist() == [[[255, 128, 0, 255]]]
    assert to_bytes(one(0.5, 0, 0, 0.5), "#0000ff").tolist() == [[[128, 0, 128, 255]]]
    assert to_bytes(one(0, 1, 0, 1), "#ff0000").tolist() == [[[0, 255, 0, 255]]]


@settings(max_examples=60)
@given(st.tuples(*[st.integers(0, 255)] * 3), st.integers(1, 255))
def test_bytes_survive_the_way_there_and_back(rgb: tuple[int, int, int], alpha: int) -> None:
    premultiplied = one(*(level / 255 * alpha / 255 for level in rgb), alpha / 255)
    assert to_bytes(premultiplied)[0, 0].tolist() == [*rgb, alpha]


def test_height_and_width_keep_their_places() -> None:
    assert to_bytes(np.zeros((4, 3, 5), np.float32)).shape == (3, 5, 4)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_no_number_is_an_error(bad: float) -> None:
    with pytest.raises(FloatingPointError):
        to_bytes(one(0.1, bad, 0.1, 1.0))


@pytest.mark.parametrize("background", ["", "white", "#fff", "#12345g", "123456", "#1234567", "Transparent"])
def test_a_background_that_is_none_is_refused(background: str) -> None:
    with pytest.raises(Invalid, match="background"):
        colour(background)
