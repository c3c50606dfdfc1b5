"""With normal data the ideal denoiser is known, and so is where every walk must end."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impasto.core import Unknown
from impasto.engine import samplers
from impasto.engine.sigmas import CURVES, curve

MEAN, SPREAD = 0.7, 0.5
LOW, HIGH = 0.02, 20.0


def denoise(x, sigma):
    """E[x_0 | x] for x_0 normal with MEAN and SPREAD, x = x_0 + sigma * noise."""
    return MEAN + (x - MEAN) * SPREAD**2 / (SPREAD**2 + sigma**2)


def follow(walk, denoise=denoise):
    """Answers a walk to its end."""
    asked = []
    x, sigma = next(walk)
    try:
        while True:
            asked.append(sigma)
            x, sigma = walk.send(denoise(x, sigma))
    except StopIteration as stop:
        return stop.value, asked


def exact(x, sigma, sigma_next):
    """Where the probability-flow ODE carries x: its distance from the mean shrinks as the spread of the data does."""
    return MEAN + (x - MEAN) * math.sqrt((SPREAD**2 + sigma_next**2) / (SPREAD**2 + sigma**2))


def error(name: str, steps: int) -> float:
    """How far from the exact answer a steady walk over this many steps ends, stopping at LOW."""
    levels = curve("exponential", steps + 1, LOW, HIGH)[:-1]
    start = np.array([MEAN + HIGH * 1.3])
    end, _ = follow(samplers.STEADY[name](start, levels))
    return float(abs(end - exact(start, HIGH, LOW))[0])


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("euler", 1),
        ("ddim", 1),
        ("heun", 2),
        ("flow_heun", 2),
        ("dpm_2", 2),
        ("dpmpp_2m", 2),
        ("lms", 4),
        ("unipc", 3),
    ],
)
def test_error_falls_with_the_order_when_steps_double(name: str, order: int) -> None:
    errors = [error(name, steps) for steps in (64, 128, 256)]
    for coarse, fine in itertools.pairwise(errors):
        assert math.log2(coarse / fine) == pytest.approx(order, abs=0.15 * order)


def variance(name: str, steps: int) -> float:
    """Of where a noisy walk over this many steps ends, exactly: each entry of x carries one of the draws of noise.

    The denoiser is linear around the mean, so the end is a weighted sum of the draws, and the weights are the entries.
    """
    levels = curve("exponential", steps + 1, LOW, HIGH)[:-1]
    draws = iter(np.eye(4 * steps))
    x = MEAN + next(draws) * math.hypot(SPREAD, HIGH)
    walk = samplers.walk(name, x, levels, lambda: next(draws))
    end, _ = follow(walk)
    return float(((end - MEAN) ** 2).sum())


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("euler_ancestral", 1),
        ("ddpm", 1),
        ("dpm_2_ancestral", 2),
        ("dpmpp_2s_ancestral", 2),
        ("dpmpp_sde", 2),
        ("dpmpp_2m_sde", 2),
    ],
)
def test_the_error_of_the_variance_falls_with_the_order_of_a_noisy_walk(name: str, order: int) -> None:
    errors = [abs(variance(name, steps) - SPREAD**2 - LOW**2) for steps in (64, 128, 256)]
    for coarse, fine in itertools.pairwise(errors):
        assert math.log2(coarse / fine) == pytest.approx(order, abs=0.15 * order)


@pytest.mark.parametrize("curve_name", sorted(CURVES))
@pytest.mark.parametrize("name", [name for name in samplers.NAMES if name != "lcm"])
def test_lands_on_the_mean_and_variance_of_the_data(name: str, curve_name: str) -> None:
    generator = np.random.default_rng(3)
    start = generator.standard_normal(20_000) * HIGH
    levels = curve(curve_name, 400, LOW, HIGH)
    end, _ = follow(samplers.walk(name, start, levels, lambda: generator.standard_normal(20_000)))
    # 20,000 draws know the mean to 0.004 and the spread to 0.0025; the rest is the error of 400 steps of order one.
    assert end.mean() == pytest.approx(MEAN, abs=0.02)
    assert end.std() == pytest.approx(SPREAD, abs=0.03)


def test_lcm_lands_there_in_three_steps_if_the_net_jumps_to_the_end_of_the_ode() -> None:
    """A consistency model answers with the end of the ODE, not with the mean that other samplers want."""
    generator = np.random.default_rng(4)
    start = MEAN + generator.standard_normal(20_000) * math.hypot(SPREAD, HIGH)
    walk = samplers.lcm(start, (HIGH, 1.0, 0.2, 0.0), lambda: generator.standard_normal(20_000))
    end, _ = follow(walk, lambda x, sigma: exact(x, sigma, 0.0))
    assert end.mean() == pytest.approx(MEAN, abs=0.02)
    assert end.std() == pytest.approx(SPREAD, abs=0.02)


TWICE = {"heun", "flow_heun", "dpm_2", "dpm_2_ancestral", "dpmpp_2s_ancestral", "dpmpp_sde"}


@pytest.mark.parametrize("name", samplers.NAMES)
def test_asks_as_often_as_it_says(name: str) -> None:
    _, asked = follow(samplers.walk(name, np.ones(3), curve("karras", 5, LOW, HIGH), lambda: np.zeros(3)))
    assert len(asked) == (9 if name in TWICE else 5)
    assert asked[0] == HIGH
    # below a level and then back up to it: the middle of an ancestral step may lie lower than its end
    assert name in {"dpm_2_ancestral", "dpmpp_2s_ancestral"} or asked == sorted(asked, reverse=True)


@pytest.mark.parametrize("name", sorted(set(samplers.NAMES) - samplers.STRAIGHT_IN_SIGMA - {"lcm"}))
def test_walks_down_from_pure_noise_in_single_precision(name: str) -> None:
    """A flow's t = 1 is an endless sigma; with 1e5 in its place the spread of the data must come out all the same."""
    generator = np.random.default_rng(5)

    def noise():
        return generator.standard_normal(20_000, np.float32)

    levels = curve("flow", 60, 1e-3, 1e5)
    end, _ = follow(samplers.walk(name, noise() * 1e5, levels, noise))
    assert end.dtype == np.float32
    assert end.mean() == pytest.approx(MEAN, abs=0.02)
    assert end.std() == pytest.approx(SPREAD, abs=0.06)


@pytest.mark.parametrize("name", sorted(set(samplers.NAMES) - {"lcm"}))
def test_those_straight_in_sigma_make_much_of_a_small_difference_there(name: str) -> None:
    """From pure noise to sigma 20 in one step, by a net that is a little off each time it is asked."""
    walk = samplers.walk(name, np.array([0.0]), (1e5, 20.0), lambda: np.zeros(1))
    answers = itertools.cycle((0.01, -0.01))
    end, _ = follow(walk, lambda x, sigma: np.array([next(answers)]))
    assert (abs(end[0]) > 20) == (name in samplers.STRAIGHT_IN_SIGMA)


@settings(max_examples=60)
@given(
    name=st.sampled_from(samplers.NAMES),
    steps=st.integers(1, 40),
    high=st.floats(1.0, 200.0),
    point=st.floats(-5, 5),
)
def test_a_net_that_always_gives_one_answer_is_followed_to_it(name, steps, high, point) -> None:
    walk = samplers.walk(name, np.full(2, 3.0), curve("karras", steps, LOW, high), lambda: np.full(2, 0.4))
    end, _ = follow(walk, lambda x, sigma: np.full(2, point))
    np.testing.assert_allclose(end, point, atol=1e-9)


@pytest.mark.parametrize("name", samplers.NAMES)
def test_one_step_to_zero_is_the_denoised_picture(name: str) -> None:
    start = np.array([3.0, -8.0])
    end, _ = follow(samplers.walk(name, start, (HIGH, 0.0), lambda: np.zeros(2)))
    np.testing.assert_allclose(end, denoise(start, HIGH), rtol=1e-12)


@pytest.mark.parametrize("name", samplers.NAMES)
def test_keeps_single_precision_and_leaves_its_input_alone(name: str) -> None:
    start = np.full((2, 3), 5.0, np.float32)
    levels = curve("karras", 4, LOW, HIGH)
    end, _ = follow(samplers.walk(name, start, levels, lambda: np.ones((2, 3), np.float32)))
    assert end.dtype == np.float32
    assert (start == 5.0).all()


@pytest.mark.parametrize("name", samplers.NAMES)
def test_torch_tensors_walk_the_same_way(name: str) -> None:
    torch = pytest.importorskip("torch")
    levels = curve("karras", 6, LOW, HIGH)
    start = np.linspace(-30, 30, 7)
    arrays, _ = follow(samplers.walk(name, start, levels, lambda: np.full(7, 0.3)))
    tensors, _ = follow(
        samplers.walk(name, torch.tensor(start), levels, lambda: torch.full((7,), 0.3, dtype=torch.float64))
    )
    np.testing.assert_allclose(tensors.numpy(), arrays, rtol=1e-12)


def test_an_unknown_name_suggests_near_ones() -> None:
    with pytest.raises(Unknown, match="did you mean euler"):
        samplers.walk("eular", np.zeros(1), (1.0, 0.0), lambda: np.zeros(1))
