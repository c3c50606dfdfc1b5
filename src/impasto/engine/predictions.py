"""What a net answers with, made into x_0. Samplers speak of x = x_0 + sigma * noise; nets were taught on x scaled down.

Each pair of functions is the scale of a net's input and the way from its answer to x_0: of noise of variance 1 - alpha
in pictures of variance alpha (Ho et al. 2020), and of a rectified flow (Lipman et al. 2023).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy import ndarray


def column(sigmas: Sequence[float]) -> ndarray:
    """Noise levels -> (batch, 1, 1, 1) float64."""
    return np.asarray(sigmas, np.float64).reshape(-1, 1, 1, 1)


def scaled(xs: Sequence[ndarray], sigmas: Sequence[float]) -> ndarray:
    """(channels, height, width) each -> (batch, channels, height, width) float32 of the variance of pictures."""
    return _single(np.stack(xs) / np.sqrt(1 + column(sigmas) ** 2))


def denoised(kind: str, xs: Sequence[ndarray], sigmas: Sequence[float], answer: ndarray) -> ndarray:
    """x_0 from the noise ("epsilon"), from Salimans & Ho's v (2022, appendix D) or from x_0 itself ("sample")."""
    if kind == "sample":
        return answer
    x, sigma = np.stack(xs), column(sigmas)
    if kind == "v":
        return _single(x / (1 + sigma**2) - answer * (sigma / np.sqrt(1 + sigma**2)))
    return _single(x - answer * sigma)


def flow_scaled(xs: Sequence[ndarray], sigmas: Sequence[float]) -> ndarray:
    """x_t = (1 - t) * x_0 + t * noise at t = sigma / (1 + sigma), (batch, channels, height, width) float32."""
    return _single(np.stack(xs) / (1 + column(sigmas)))


def flow_denoised(x_t: ndarray, sigmas: Sequence[float], answer: ndarray) -> ndarray:
    """x_0 from the flow's velocity, noise - x_0."""
    level = column(sigmas)
    return _single(x_t - answer * (level / (1 + level)))


def _single(values: ndarray) -> ndarray:
    exact: ndarray = values.astype(np.float32)
    return exact
