from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impasto.core import Unknown
from impasto.engine.sigmas import CURVES, OWN_TIME, FlowTime, _beta_quantiles, curve, flow, karras, table_of
from impasto.models.cards import Betas


def taught(*, zero_snr: bool):
    return table_of(Betas(curve="scaled_linear", first=0.00085, last=0.012, levels=1000, zero_snr=zero_snr))


SD = taught(zero_snr=False)
"""the noise levels of Stable Diffusion 1.x"""


@settings(max_examples=60)
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


SPACES = {
    "karras": lambda sigma: sigma ** (1 / 7),
    "exponential": np.log,
    **{name: FlowTime().time for name in ("flow", "model", "simple", "sgm_uniform", "beta")},
}
"""where each curve's steps are even, but for those of beta"""
EVEN = sorted(SPACES.keys() - {"beta"})


@settings(max_examples=100)
@given(
    name=st.sampled_from(sorted(CURVES)),
    steps=st.integers(1, 150),
    strength=st.floats(0.001, 1.0),
    shift=st.floats(0.3, 5.0),
)
def test_a_curve_begun_part_of_the_way_falls_from_there_to_zero(name, steps, strength, shift) -> None:
    levels = curve(name, steps, 0.02, 80.0, strength=strength, flow_shift=shift)
    assert steps * strength - 1e-6 <= len(levels) - 1 < steps * strength + 1
    assert 0 < levels[0] <= 80.0
    assert levels[-1] == 0.0
    assert all(high > low for high, low in itertools.pairwise(levels))


@pytest.mark.parametrize("steps", [1, 4, 20])
@pytest.mark.parametrize("name", CURVES)
def test_strength_is_a_share_of_the_curves_own_way_up_whatever_the_steps(name, steps) -> None:
    space = SPACES[name]
    low = 0.0 if name == "flow" else space(0.02)
    for strength in (0.1, 0.55, 0.9):
        start = curve(name, steps, 0.02, 80.0, strength=strength)[0]
        assert (space(start) - low) / (space(80.0) - low) == pytest.approx(strength)


@pytest.mark.parametrize("name", EVEN)
def test_steps_below_the_start_are_even_and_about_as_small_as_those_of_the_whole(name) -> None:
    whole, half = (curve(name, 20, 0.02, 80.0, strength=strength) for strength in (1.0, 0.5))
    assert len(half) - 1 == 10, "0.5 of 20 steps are 10"
    assert len(curve(name, 20, 0.02, 80.0, strength=0.55)) - 1 == 11, "not 12 for the sake of a last bit"
    assert len(curve(name, 4, 0.02, 80.0, strength=0.6)) - 1 == 3
    space = SPACES[name]
    drops = -np.diff([space(level) for level in half[:-1]])
    np.testing.assert_allclose(drops, drops[0], rtol=1e-6)
    assert drops[0] / (space(whole[0]) - space(whole[1])) == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize("name", CURVES)
def test_full_strength_is_the_whole_curve_and_nearly_full_nearly_that(name) -> None:
    whole = curve(name, 8, 0.02, 80.0)
    assert curve(name, 8, 0.02, 80.0, strength=1.0) == whole
    np.testing.assert_allclose(curve(name, 8, 0.02, 80.0, strength=1 - 1e-9), whole, rtol=1e-5)


def test_an_unknown_name_suggests_near_ones() -> None:
    with pytest.raises(Unknown, match="did you mean karras"):
        curve("karas", 3, 0.1, 10.0)


def test_the_levels_of_stable_diffusion_are_the_known_ones() -> None:
    assert SD.sigma(np.array([0.0, 1.0])) == pytest.approx([0.029167, 14.6146], rel=1e-5)


@settings(max_examples=100)
@given(
    name=st.sampled_from(sorted(OWN_TIME)),
    steps=st.integers(1, 500),
    strength=st.floats(0.001, 1.0),
    zero_snr=st.booleans(),
)
def test_curves_in_the_time_of_a_table_fall_through_it(name, steps, strength, zero_snr) -> None:
    time = taught(zero_snr=zero_snr)
    low, high = float(time.table[0]), float(time.table[-1])
    levels = curve(name, steps, low, high, strength=strength, time=time)
    assert len(levels) - 1 == -(-round(strength * steps, 9) // 1)
    assert levels[-1] == 0.0
    assert all(above > below for above, below in itertools.pairwise(levels))
    assert levels[-2] >= low * (1 - 1e-9)
    assert strength < 1 or levels[0] == high
    if name == "simple" and strength * 1000 >= 2 * (len(levels) - 1) + 2:
        places = time.time(np.array(levels[:-1])) * 999
        np.testing.assert_allclose(places, places.round(), atol=1e-6)


@settings(max_examples=50)
@given(place=st.floats(0, 1), shift=st.floats(0.3, 5.0))
def test_time_and_sigma_are_each_others_way_back(place, shift) -> None:
    assert SD.time(SD.sigma(np.array(place))) == pytest.approx(place, abs=1e-4)
    flow_time = FlowTime(shift=shift)
    assert flow_time.time(flow_time.sigma(np.array(place * 0.999))) == pytest.approx(place * 0.999, abs=1e-9)


def test_trailing_and_even_places_of_a_table() -> None:
    low, high = SD.table[0], SD.table[-1]
    places = {name: SD.time(np.array(curve(name, 4, low, high, time=SD)[:-1])) * 999 for name in OWN_TIME}
    np.testing.assert_allclose(places["model"], [999, 666, 333, 0], atol=1e-6)
    np.testing.assert_allclose(places["simple"], [999, 749, 499, 249], atol=1e-6)
    np.testing.assert_allclose(places["sgm_uniform"], [999, 749.25, 499.5, 249.75], atol=0.01)


def test_zero_snr_ends_in_all_but_pure_noise_and_begins_as_before() -> None:
    stretched = taught(zero_snr=True)
    assert stretched.table[0] == pytest.approx(SD.table[0])
    assert stretched.table[-1] == pytest.approx(4096, rel=1e-4)


def test_beta_quantiles_are_those_of_a_library() -> None:
    stats = pytest.importorskip("scipy.stats")
    shares = np.linspace(0, 1, 51)
    np.testing.assert_allclose(_beta_quantiles(shares, 0.6), stats.beta.ppf(shares, 0.6, 0.6), atol=1e-5)


def test_linear_betas_are_ddpms() -> None:
    table = Betas(curve="linear", first=0.0001, last=0.02, levels=1000).sigmas()
    assert 1 / (1 + table[0] ** 2) == pytest.approx(0.9999)
    assert 1 / (1 + table[-1] ** 2) == pytest.approx(4.04e-5, rel=1e-2)  # Ho et al. 2020, section 4: all but 0
