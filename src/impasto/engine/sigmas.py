"""Sigma curves: the noise levels a sampler walks down.

Noise is added as x = x_0 + sigma * noise. A curve is `(steps, sigma_min, sigma_max) -> steps + 1` noise levels,
float64, strictly falling from sigma_max and ending in 0. With a `strength` below 1 it begins that share of its own way
up instead, for a picture that is drawn from another one, and all its steps lie below.

Some curves step evenly in the model's own time, which runs from 0, the least noise it was taught, to 1, the most: the
place in its table of noise levels, or a rectified flow's time.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from impasto.core import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy import ndarray

    from impasto.models.cards import Betas


def karras(steps: int, sigma_min: float, sigma_max: float, *, strength: float = 1.0, rho: float = 7.0) -> ndarray:
    """Even steps in sigma**(1/rho). Karras et al. 2022, equation 5."""
    ramp = np.linspace(1.0 - strength, 1.0, steps)
    low, high = sigma_min ** (1 / rho), sigma_max ** (1 / rho)
    return _ending_in_zero((high + ramp * (low - high)) ** rho, sigma_max, strength)


def exponential(steps: int, sigma_min: float, sigma_max: float, *, strength: float = 1.0) -> ndarray:
    """Even steps in log(sigma)."""
    low, high = np.log(sigma_min), np.log(sigma_max)
    return _ending_in_zero(np.exp(np.linspace(low + strength * (high - low), low, steps)), sigma_max, strength)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowTime:
    """A rectified flow's time t = sigma / (1 + sigma) (Lipman et al. 2023).

    A shift above 1 spends more of the time on high noise (Esser et al. 2024, equation 23).
    """

    shift: float = 1.0
    levels: ClassVar = None

    def sigma(self, time: ndarray) -> ndarray:
        t = self.shift * time / (1 + (self.shift - 1) * time)
        return t / (1 - t)

    def time(self, sigma: Any) -> Any:
        t = sigma / (1 + sigma)
        return t / (self.shift - (self.shift - 1) * t)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TableTime:
    """The place in a table of rising noise levels, the first at 0 and the last at 1.

    Between two of them sigma is on the line, and the time of a sigma on the line in log(sigma), as is usual.
    """

    table: ndarray

    @property
    def levels(self) -> int:
        return len(self.table)

    def sigma(self, time: ndarray) -> ndarray:
        sigma: ndarray = np.interp(time * (self.levels - 1), np.arange(self.levels), self.table)
        return sigma

    def time(self, sigma: Any) -> Any:
        return np.interp(np.log(sigma), np.log(self.table), np.linspace(0, 1, self.levels))


Time = FlowTime | TableTime


def table_of(betas: Betas | None) -> TableTime | None:
    """The time of a card's table of noise levels, if it has one."""
    return TableTime(table=betas.sigmas()) if betas else None


def model(steps: int, sigma_min: float, sigma_max: float, *, time: Time, strength: float = 1.0) -> ndarray:
    """Even steps in the model's own time, the lowest level among them."""
    first, least = _ends(sigma_min, sigma_max, time, strength)
    return _ending_in_zero(time.sigma(np.linspace(first, least, steps)), sigma_max, strength)


def sgm_uniform(steps: int, sigma_min: float, sigma_max: float, *, time: Time, strength: float = 1.0) -> ndarray:
    """Even steps in the model's own time, ending a whole one above the lowest level: "trailing" (Lin et al. 2024)."""
    first, least = _ends(sigma_min, sigma_max, time, strength)
    return _ending_in_zero(time.sigma(np.linspace(first, least, steps + 1)[:-1]), sigma_max, strength)


def simple(steps: int, sigma_min: float, sigma_max: float, *, time: Time, strength: float = 1.0) -> ndarray:
    """As sgm_uniform, but only levels that are in the model's table; a flow has none."""
    if time.levels is None:
        return sgm_uniform(steps, sigma_min, sigma_max, time=time, strength=strength)
    first, least = (round(end * (time.levels - 1)) for end in _ends(sigma_min, sigma_max, time, strength))
    gap = (first + 1 - least) / steps
    places = first + 1 - np.arange(steps) * gap
    places = places.round() if gap >= 2 else places
    return _ending_in_zero(time.sigma((places - 1).clip(least) / (time.levels - 1)), sigma_max, strength)


def beta(steps: int, sigma_min: float, sigma_max: float, *, time: Time, strength: float = 1.0) -> ndarray:
    """Steps in the model's own time by the quantiles of Beta(0.6, 0.6): close at both ends (Lee et al. 2024)."""
    first, least = _ends(sigma_min, sigma_max, time, strength)
    quantiles = _beta_quantiles(np.linspace(1, 0, steps + 1)[:-1], 0.6)
    return _ending_in_zero(time.sigma(least + quantiles * (first - least)), sigma_max, strength)


def flow(steps: int, sigma_min: float, sigma_max: float, *, strength: float = 1.0, shift: float = 1.0) -> ndarray:
    """Even steps in a rectified flow's time, from sigma_max to 0, whatever the model's own time.

    The last level above 0 is a whole step away from it, though never below sigma_min, unless the start is: with few
    steps none is spent on noise too faint to see.
    """
    time = FlowTime(shift=shift)
    highest, least = time.time(sigma_max), time.time(sigma_min)
    first = highest * strength
    last = max(first / steps, least) if first > least else first / steps
    return _ending_in_zero(time.sigma(np.linspace(first, last, steps)), sigma_max, strength)


OWN_TIME = {"model": model, "simple": simple, "sgm_uniform": sgm_uniform, "beta": beta}
CURVES: dict[str, Callable[..., ndarray]] = {"karras": karras, "exponential": exponential, "flow": flow, **OWN_TIME}


def curve(
    name: str,
    steps: int,
    sigma_min: float,
    sigma_max: float,
    *,
    strength: float = 1.0,
    flow_shift: float = 1.0,
    time: Time | None = None,
) -> tuple[float, ...]:
    """The named curve as plain floats, which keep the type of any array they are multiplied with. Raises Unknown.

    `strength`, above 0 to 1, is SDEdit's t_0 (Meng et al. 2022) in the units of the curve: where it begins. Of the
    steps, strength * steps are walked, rounded up: they are about as small as those of the whole curve. `time` is the
    model's own; None: a flow's, of this shift.
    """
    if name not in CURVES:
        raise Unknown("sigmas", name, CURVES)
    options: dict[str, Any] = {"shift": flow_shift} if name == "flow" else {}
    if name in OWN_TIME:
        options["time"] = time or FlowTime(shift=flow_shift)
    walked = ceil(round(strength * steps, 9))  # 0.55 * 20 is a little more than 11
    return tuple(CURVES[name](walked, sigma_min, sigma_max, strength=strength, **options).tolist())


def _ends(sigma_min: float, sigma_max: float, time: Time, strength: float) -> tuple[float, float]:
    """The highest and the lowest time."""
    highest, least = float(time.time(sigma_max)), float(time.time(sigma_min))
    return least + strength * (highest - least), least


def _beta_quantiles(shares: ndarray, ab: float) -> ndarray:
    """Of Beta(ab, ab), to about 1e-5. With x = sin(a)**2 its density is sin(2 a)**(2 ab - 1), which has no poles."""
    angles = np.linspace(0, np.pi / 2, 20_001)
    density = np.sin(angles[:-1] + angles[1:]) ** (2 * ab - 1)  # at the middle of each piece
    below = np.concatenate([[0.0], np.cumsum(density)])
    quantiles: ndarray = np.sin(np.interp(shares, below / below[-1], angles)) ** 2
    return quantiles


def _ending_in_zero(sigmas: ndarray, sigma_max: float, strength: float) -> ndarray:
    """At full strength the first level exactly as asked, whatever the arithmetic on the way made of it."""
    return np.concatenate([[sigma_max] if strength == 1 else sigmas[:1], sigmas[1:], [0.0]])
