"""Samplers: generators that walk from noise to a picture and never call a net.

A sampler yields `(x, sigma)`, is sent what a perfect picture would be there (the denoised x_0), and returns x at the
last level. x is one picture's array of any shape, NumPy or torch; `sigmas` are plain floats, falling, usually
ending in 0; x = x_0 + sigma * noise throughout. Those that add noise on the way take `noise`, which draws a fresh
standard normal array like x from the picture's own generator.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from itertools import pairwise
from math import exp, expm1, log, sqrt
from typing import Any

from impasto.core import Unknown

Array = Any
"""a NumPy array or a torch tensor: only + - * / are asked of it"""
Walk = Generator[tuple[Array, float], Array, Array]
Noise = Callable[[], Array]


def euler(x: Array, sigmas: Sequence[float]) -> Walk:
    """Karras et al. 2022, Algorithm 2 without churn and without the correction: DDIM (Song et al. 2021) in sigma."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        x = x + (x - denoised) * ((sigma_next - sigma) / sigma)
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


def euler_ancestral(x: Array, sigmas: Sequence[float], noise: Noise) -> Walk:
    """DDPM's step (Ho et al. 2020) in sigma: Euler below the next level, then fresh noise back up to it."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        up = sigma_next / sigma * sqrt(sigma**2 - sigma_next**2)
        down = sigma_next**2 / sigma
        x = x + (x - denoised) * ((down - sigma) / sigma)
        if up > 0:
            x = x + noise() * up
    return x


def lcm(x: Array, sigmas: Sequence[float], noise: Noise) -> Walk:
    """Multistep consistency sampling (Song et al. 2023, Algorithm 1): jump to the end, add the next level's noise."""
    for sigma, sigma_next in pairwise(sigmas):
        x = yield x, sigma
        if sigma_next > 0:
            x = x + noise() * sigma_next
    return x


STEADY: dict[str, Callable[[Array, Sequence[float]], Walk]] = {
    "euler": euler,
    "heun": heun,
    "dpm_2": dpm_2,
    "dpmpp_2m": dpmpp_2m,
}
NOISY: dict[str, Callable[[Array, Sequence[float], Noise], Walk]] = {
    "euler_ancestral": euler_ancestral,
    "dpmpp_2m_sde": dpmpp_2m_sde,
    "lcm": lcm,
}
NAMES = (*STEADY, *NOISY)


def walk(name: str, x: Array, sigmas: Sequence[float], noise: Noise) -> Walk:
    """The named sampler, set out from x at sigmas[0]. Raises Unknown."""
    if name in STEADY:
        return STEADY[name](x, sigmas)
    if name in NOISY:
        return NOISY[name](x, sigmas, noise)
    raise Unknown("sampler", name, NAMES)
