from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impasto.core import Unknown
from impasto.engine.sigmas import CURVES, curve, flow, karras


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(sorted(CURVES)),
    steps=st.integers(1, 150),
    sigma_min=st.floats(0.002, 0.1),
    sigma_max=st.floats(1.0, 1000.0),
    shift=st.floats(0.3, 5.0),
)
def test_every_curve_falls_from_the_highest_level_to_zero(name, steps, sigma_min, sigma_max, shift) -> None:
    levels = curve(name, steps, sigma_min, sigma_max, flow_shift=shift)
    assert len(levels) == steps + 1
    assert levels[0] == sigma_max
    assert levels[-1] == 0.0
    assert all(high > low for high, low in itertools.pairwise(levels))
    assert steps == 1 or levels[-2] >= sigma_min * (1 - 1e-9)
    assert all(type(level) is float for level in levels)


def test_karras_is_the_papers_equation_5() -> None:
    levels = karras(18, 0.002, 80.0)
    i = np.arange(18)
    paper = (80 ** (1 / 7) + i / 17 * (0.002 ** (1 / 7) - 80 ** (1 / 7))) ** 7
    np.testing.assert_allclose(levels[:-1], paper, rtol=1e-12)


def test_flow_is_even_in_time() -> None:
    levels = flow(8, 0.002, 1e6)
    np.testing.assert_allclose(levels / (1 + levels), np.linspace(1, 0, 9), atol=2e-6)


def test_flow_never_goes_below_the_lowest_level_it_was_given() -> None:
    assert flow(100, 0.25, 9.0)[-2] == pytest.approx(0.25)


def test_a_shift_moves_time_as_esser_says() -> None:
    t = np.linspace(0.9, 0.225, 4)
    plain, shifted = flow(4, 0.002, 9.0), flow(4, 0.002, 27.0, shift=3.0)
    np.testing.assert_allclose(plain[:-1] / (1 + plain[:-1]), t, rtol=1e-12)
    np.testing.assert_allclose(shifted[:-1] / (1 + shifted[:-1]), 3 * t / (1 + 2 * t), rtol=1e-12)


def test_an_unknown_name_suggests_near_ones() -> None:
    with pytest.raises(Unknown, match="did you mean karras"):
        curve("karas", 3, 0.1, 10.0)
