"""Classifier-free guidance (Ho & Salimans 2022), if wished only between two noise levels (Kynkäänniemi et al. 2024)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Array = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Guidance:
    """How far to go from the negative words towards the words. A scale of 1 is the words alone, at half the work."""

    scale: float
    interval: tuple[float, float] | None = None
    """(lowest, highest) sigma at which it acts, both included; None: at all"""

    def acts(self, sigma: float) -> bool:
        """Whether the negative words have to be asked at this noise level."""
        low, high = self.interval or (sigma, sigma)
        return self.scale != 1.0 and low <= sigma <= high

    def combine(self, words: Array, negative: Array) -> Array:
        """Both answers, of one shape -> the guided one."""
        return negative + (words - negative) * self.scale
