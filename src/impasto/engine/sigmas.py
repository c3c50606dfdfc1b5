"""Sigma curves: the noise levels a sampler walks down.

Noise is added as x = x_0 + sigma * noise. A curve is `(steps, sigma_min, sigma_max) -> steps + 1` noise levels,
float64, strictly falling from sigma_max and ending in 0. With a `strength` below 1 it begins that share of its own way
up instead, for a picture that is drawn from another one, and all its steps lie below.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from impasto.core import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy import ndarray


def karras(steps: int, sigma_min: float, sigma_max: float, *, strength: float = 1.0, rho: float = 7.0) -> ndarray:
    """Even steps in sigma**(1/rho). Karras et al. 2022, equation 5."""
    ramp = np.linspace(1.0 - strength, 1.0, steps)
    low, high = sigma_min ** (1 / rho), sigma_max ** (1 / rho)
    return _ending_in_zero((high + ramp * (low - high)) ** rho, sigma_max, strength)


def exponential(steps: int, sigma_min: float, sigma_max: float, *, strength: float = 1.0) -> ndarray:
    """Even steps in log(sigma)."""
    low, high = np.log(sigma_min), np.log(sigma_max)
    return _ending_in_zero(np.exp(np.linspace(low + strength * (high - low), low, steps)), sigma_max, strength)


def flow(steps: int, sigma_min: float, sigma_max: float, *, strength: float = 1.0, shift: float = 1.0) -> ndarray:
    """Even steps in a rectified flow's time t = sigma / (1 + sigma), from sigma_max to 0 (Lipman et al. 2023).

    The last level above 0 is a whole step away from it, though never below sigma_min, unless the start is: with few
    steps none is spent on noise too faint to see. A shift above 1 spends more of the steps on high noise (Esser et al.
    2024, equation 23).
    """
    highest, least = (_unshift(sigma / (1 + sigma), shift) for sigma in (sigma_max, sigma_min))
    first = highest * strength
    last = max(first / steps, least) if first > least else first / steps
    t = np.linspace(first, last, steps)
    t = shift * t / (1 + (shift - 1) * t)
    return _ending_in_zero(t / (1 - t), sigma_max, strength)


CURVES: dict[str, Callable[..., ndarray]] = {"karras": karras, "exponential": exponential, "flow": flow}


def curve(
    name: str, steps: int, sigma_min: float, sigma_max: float, *, strength: float = 1.0, flow_shift: float = 1.0
) -> tuple[float, ...]:
    """The named curve as plain floats, which keep the type of any array they are multiplied with. Raises Unknown.

    `strength`, above 0 to 1, is SDEdit's t_0 (Meng et al. 2022) in the units of the curve: where it begins. Of the
    steps, strength * steps are walked, rounded up: they are about as small as those of the whole curve.
    """
    if name not in CURVES:
        raise Unknown("sigmas", name, CURVES)
    options = {"shift": flow_shift} if name == "flow" else {}
    walked = ceil(round(strength * steps, 9))  # 0.55 * 20 is a little more than 11
    return tuple(CURVES[name](walked, sigma_min, sigma_max, strength=strength, **options).tolist())


def _unshift(t: float, shift: float) -> float:
    return t / (shift - (shift - 1) * t)


def _ending_in_zero(sigmas: ndarray, sigma_max: float, strength: float) -> ndarray:
    """At full strength the first level exactly as asked, whatever the arithmetic on the way made of it."""
    return np.concatenate([[sigma_max] if strength == 1 else sigmas[:1], sigmas[1:], [0.0]])
