"""Samplers: generators that walk from noise to a picture and never call a net.

A sampler yields `(x, sigma)`, is sent what a perfect picture would be there (the denoised x_0), and returns x at the
last level. x is one picture's array of any shape, NumPy or torch; `sigmas` are plain floats, falling, usually
ending in 0; x = x_0 + sigma * noise throughout. Those that add noise on the way take `noise`, which draws a fresh
standard normal array like x from the picture's own generator.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from itertools import pairwise
from math import exp, expm1, log, prod, sqrt
from typing import Any

from numpy.polynomial import polynomial

from impasto.core import Unknown

Array = Any
"""a NumPy array or a torch tensor: only + - * / are asked of it"""
Walk = Generator[tuple[Array, float], Array, Array]
Noise = Callable[[], Array]


def euler(x: Array, sigmas: Sequence[float]) -> Walk:
    """Karras et al. 2022, Algorithm 2 without churn and without the correction: DDIM (Song et al. 2021) in sigma.

    Written so that nothing is lost to rounding in a step down from almost pure noise, where x is huge.
    """
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        x = denoised + (x - denoised) * (sigma_next / sigma)
    return x


def heun(x: Array, sigmas: Sequence[float]) -> Walk:
    """Karras et al. 2022, Algorithm 2 without churn: two asks a step, one for a step to 0."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        slope = (x - denoised) / sigma
        guess = x + slope * (sigma_next - sigma)
        if sigma_next > 0:
            denoised = yield guess, sigma_next
            slope = (slope + (guess - denoised) / sigma_next) / 2
            guess = x + slope * (sigma_next - sigma)
        x = guess
    return x


def dpm_2(x: Array, sigmas: Sequence[float]) -> Walk:
    """DPM-Solver-2 (Lu et al. 2022a, Algorithm 1): the slope half way, in log(sigma), is the one that is followed."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        slope = (x - denoised) / sigma
        if sigma_next > 0:
            middle = sqrt(sigma * sigma_next)
            halfway = x + slope * (middle - sigma)
            denoised = yield halfway, middle
            slope = (halfway - denoised) / middle
        x = x + slope * (sigma_next - sigma)
    return x


def flow_heun(x: Array, sigmas: Sequence[float]) -> Walk:
    """Heun's method in a rectified flow's time t = sigma / (1 + sigma), where its paths are straight (Liu et al. 2023).

    The way down from pure noise is one of many steps there; in sigma it would be an endless one.
    """
    times = [sigma / (1 + sigma) for sigma in sigmas]
    y = x / (1 + sigmas[0])
    for (t, t_next), (sigma, sigma_next) in zip(pairwise(times), pairwise(sigmas), strict=True):
        denoised = yield y * (1 + sigma), sigma
        guess = denoised + (y - denoised) * (t_next / t)
        if t_next > 0:
            slope = (y - denoised) / t
            denoised = yield guess * (1 + sigma_next), sigma_next
            guess = y + (slope + (guess - denoised) / t_next) * ((t_next - t) / 2)
        y = guess
    return y * (1 + sigmas[-1])


def lms(x: Array, sigmas: Sequence[float], order: int = 4) -> Walk:
    """Adams and Bashforth's linear multistep method on the slope in sigma: one ask a step."""
    slopes: list[Array] = []
    for step, (sigma, sigma_next) in enumerate(pairwise(sigmas)):
        denoised = yield x, sigma
        slopes = [(x - denoised) / sigma, *slopes][:order]
        known = sigmas[step::-1][: len(slopes)]
        for slope, weight in zip(slopes, _adams(known, sigma_next), strict=True):
            x = x + slope * weight
    return x


def _adams(known: Sequence[float], end: float) -> list[float]:
    """What each value at `known` weighs in the integral, from known[0] to `end`, of the polynomial through them."""
    weights = []
    for at in known:
        others = [other for other in known if other != at]
        integral = polynomial.polyint(polynomial.polyfromroots(others), lbnd=known[0])
        weights.append(float(polynomial.polyval(end, integral)) / prod(at - other for other in others))
    return weights


def dpmpp_2m(x: Array, sigmas: Sequence[float]) -> Walk:
    """DPM-Solver++(2M) (Lu et al. 2022b, Algorithm 2) with alpha = 1 and lambda = -log(sigma): one ask a step."""
    before, h_before = None, 0.0
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        if sigma_next == 0:
            return denoised
        h = log(sigma / sigma_next)
        ahead = denoised if before is None else denoised + (denoised - before) * (h / (2 * h_before))
        x = x * (sigma_next / sigma) - ahead * expm1(-h)
        before, h_before = denoised, h
    return x


def unipc(x: Array, sigmas: Sequence[float]) -> Walk:
    """UniPC of order 2 with B_2 and data prediction (Zhao et al. 2023, section 3): dpmpp_2m's guess, then corrected.

    Each answer is used twice: it corrects the step that led to where it was asked, then leads on. One ask a step.
    """
    guess, answers, hs = x, list[Array](), list[float]()
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield guess, sigma
        if sigma_next == 0:
            return denoised
        if hs:
            x = x * exp(-hs[-1]) - _unic(answers, denoised, hs) * expm1(-hs[-1])
        answers, hs = [*answers[-1:], denoised], [*hs[-1:], log(sigma / sigma_next)]
        ahead = denoised
        if len(answers) == 2:
            ahead = denoised + (denoised - answers[0]) * (hs[1] / (2 * hs[0]))
        guess = x * (sigma_next / sigma) - ahead * expm1(-hs[-1])
    return guess


def _unic(answers: Sequence[Array], denoised: Array, hs: Sequence[float]) -> Array:
    """What the corrector takes for constant over the last step: `answers` up to its start, `denoised` at its end."""
    change = denoised - answers[-1]
    if len(answers) == 1:
        return answers[-1] + change / 2
    h, ratio = hs[-1], -hs[-2] / hs[-1]
    first = (expm1(-h) / -h - 1) / expm1(-h)  # b_1 and b_2 of the paper, h of the other sign
    second = 2 * ((expm1(-h) / -h - 1) / -h - 0.5) / expm1(-h)
    back = (first - second) / (1 - ratio)
    return answers[-1] + (answers[-2] - answers[-1]) * (back / ratio) + change * (first - back)


def dpmpp_2m_sde(x: Array, sigmas: Sequence[float], noise: Noise) -> Walk:
    """SDE-DPM-Solver++(2M) (Lu et al. 2022b, section 5) with alpha = 1: as dpmpp_2m, noise renewed at each step."""
    before, h_before = None, 0.0
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        if sigma_next == 0:
            return denoised
        h = log(sigma / sigma_next)
        ahead = denoised if before is None else denoised + (denoised - before) * (h / (2 * h_before))
        x = x * (sigma_next / sigma * exp(-h)) - ahead * expm1(-2 * h)
        x = x + noise() * (sigma_next * sqrt(-expm1(-2 * h)))
        before, h_before = denoised, h
    return x


def dpmpp_sde(x: Array, sigmas: Sequence[float], noise: Noise) -> Walk:
    """SDE-DPM-Solver++(2S) (Lu et al. 2022b, sections 4 and 5), the middle half way in log(sigma): two asks a step.

    The noise of the whole step is the noise up to its middle, carried on, and fresh noise from there: one path.
    """
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        if sigma_next == 0:
            return denoised
        h = log(sigma / sigma_next) / 2
        middle, fresh = sigma * exp(-h), sqrt(-expm1(-2 * h))
        first = noise() * (middle * fresh)
        denoised = yield x * exp(-2 * h) - denoised * expm1(-2 * h) + first, middle
        x = x * exp(-4 * h) - denoised * expm1(-4 * h)
        x = x + first * exp(-2 * h) + noise() * (sigma_next * fresh)
    return x


def euler_ancestral(x: Array, sigmas: Sequence[float], noise: Noise) -> Walk:
    """DDPM's step (Ho et al. 2020, Algorithm 2) in sigma: Euler below the next level, fresh noise back up to it."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        down, up = _ancestral(sigma, sigma_next)
        x = denoised + (x - denoised) * (down / sigma)
        if up > 0:
            x = x + noise() * up
    return x


def dpm_2_ancestral(x: Array, sigmas: Sequence[float], noise: Noise) -> Walk:
    """dpm_2 below the next level, then fresh noise back up to it."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        if sigma_next == 0:
            return denoised
        down, up = _ancestral(sigma, sigma_next)
        middle = sqrt(sigma * down)
        halfway = denoised + (x - denoised) * (middle / sigma)
        denoised = yield halfway, middle
        x = x + (halfway - denoised) * ((down - sigma) / middle) + noise() * up
    return x


def dpmpp_2s_ancestral(x: Array, sigmas: Sequence[float], noise: Noise) -> Walk:
    """DPM-Solver++(2S) (Lu et al. 2022b, Algorithm 1) below the next level, then fresh noise back up to it."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        if sigma_next == 0:
            return denoised
        down, up = _ancestral(sigma, sigma_next)
        h = log(sigma / down)
        denoised = yield x * exp(-h / 2) - denoised * expm1(-h / 2), sqrt(sigma * down)
        x = x * exp(-h) - denoised * expm1(-h) + noise() * up
    return x


def _ancestral(sigma: float, sigma_next: float) -> tuple[float, float]:
    """How far a step goes down, and how much fresh noise takes it back up to sigma_next."""
    return sigma_next**2 / sigma, sigma_next / sigma * sqrt(sigma**2 - sigma_next**2)


def lcm(x: Array, sigmas: Sequence[float], noise: Noise) -> Walk:
    """Multistep consistency sampling (Song et al. 2023, Algorithm 1): jump to the end, add the next level's noise."""
    for sigma, sigma_next in pairwise(sigmas):
        x = yield x, sigma
        if sigma_next > 0:
            x = x + noise() * sigma_next
    return x


STEADY: dict[str, Callable[[Array, Sequence[float]], Walk]] = {
    "euler": euler,
    "ddim": euler,
    "heun": heun,
    "flow_heun": flow_heun,
    "dpm_2": dpm_2,
    "dpmpp_2m": dpmpp_2m,
    "unipc": unipc,
    "lms": lms,
}
"""ddim is the name of Euler's step where alphas are spoken of instead of sigmas: their results are the same"""
NOISY: dict[str, Callable[[Array, Sequence[float], Noise], Walk]] = {
    "euler_ancestral": euler_ancestral,
    "ddpm": euler_ancestral,
    "dpm_2_ancestral": dpm_2_ancestral,
    "dpmpp_2s_ancestral": dpmpp_2s_ancestral,
    "dpmpp_sde": dpmpp_sde,
    "dpmpp_2m_sde": dpmpp_2m_sde,
    "lcm": lcm,
}
"""and so is ddpm of euler_ancestral's"""
STRAIGHT_IN_SIGMA = frozenset({"heun", "dpm_2_ancestral"})
"""those that multiply what two answers differ by without end in a step from a flow's pure noise, where no step is
straight in sigma"""
NAMES = (*STEADY, *NOISY)


def walk(name: str, x: Array, sigmas: Sequence[float], noise: Noise) -> Walk:
    """The named sampler, set out from x at sigmas[0]. Raises Unknown."""
    if name in STEADY:
        return STEADY[name](x, sigmas)
    if name in NOISY:
        return NOISY[name](x, sigmas, noise)
    raise Unknown("sampler", name, NAMES)
