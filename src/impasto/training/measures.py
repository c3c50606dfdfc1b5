"""Numbers of drawings, each a small function of arrays: ranks, distances, edges, symmetry. Knows no model, no data."""

from __future__ import annotations

from math import pi
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LEVELS = 255
NEAR_PX = 5
"""side of the window in which an edge looks for the colour of its shape"""
SHIFT_PX = 4
"""how far a mirrored picture may be moved to fit"""


def summary(name: str, ranks: Sequence[int]) -> dict[str, float]:
    """How many, the shares at place 1 and among the first 5, and the median place. Places count from 1."""
    found = np.asarray(ranks)
    return {
        f"{name}_pairs": len(found),
        f"{name}_top1": float((found <= 1).mean()),
        f"{name}_top5": float((found <= 5).mean()),
        f"{name}_median_rank": float(np.median(found)),
    }


def by_style(name: str, ranks: Sequence[int], styles: Sequence[str]) -> dict[str, dict[str, float]]:
    """Style -> the summary of its own ranks."""
    found, of = np.asarray(ranks), np.asarray(styles)
    return {style: summary(name, found[of == style]) for style in sorted(set(styles))}


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    """The Fréchet distance between two clouds (n, features) taken as Gaussian: |m_a - m_b|^2 + tr(C_a + C_b - 2
    (C_a C_b)^1/2), Heusel et al. 2017, equation 6. Few points make it too large: compare only at equal numbers.
    """
    a, b = a.astype(np.float64), b.astype(np.float64)
    apart = a.mean(0) - b.mean(0)
    ca, cb = (np.cov(x, rowvar=False) for x in (a, b))
    values, vectors = np.linalg.eigh(ca)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    shared = np.sqrt(np.linalg.eigvalsh(root @ cb @ root).clip(0)).sum()
    return float(apart @ apart + np.trace(ca) + np.trace(cb) - 2 * shared)


def bootstrapped(measure: Callable[[np.ndarray], float], count: int, *, times: int = 30) -> float:
    """The standard deviation of a measure of chosen rows when `count` of them are drawn with replacement, again and
    again (Efron 1979)."""
    rng = np.random.default_rng(0)
    return float(np.std([measure(rng.integers(count, size=count)) for _ in range(times)], ddof=1))


def halo(pictures: Tensor) -> Tensor:
    """How wrong the colour of soft edges is, (n,), in levels of 255, of (n, 4, height, width) premultiplied RGBA.

    A clean edge pixel of opacity a has a times the colour of the opaque pixels beside it; whatever it has more or
    less shows on any background, black or white, at just that strength. The mean over the pixels that are neither
    clear nor opaque and have opaque ones within the window; 0 where there are none.
    """
    colour, alpha = pictures[:, :3], pictures[:, 3:]
    opaque = (alpha >= 0.98).float()
    near = F.avg_pool2d(opaque, NEAR_PX, 1, NEAR_PX // 2)
    body = F.avg_pool2d(colour * opaque, NEAR_PX, 1, NEAR_PX // 2) / near.clamp_min(1e-6)
    edge = ((alpha > 0.04) & (alpha < 0.96) & (near > 1e-6)).float()
    wrong = (colour - alpha * body).abs().mean(dim=1, keepdim=True)
    return LEVELS * (wrong * edge).sum(dim=(1, 2, 3)) / edge.sum(dim=(1, 2, 3)).clamp_min(1)


def edge_width_px(pictures: Tensor) -> Tensor:
    """How wide the band of half-clear pixels is, (n,), in px: their number over the length of the outline.

    The length is pi/4 of how often rows and columns cross the outline (Cauchy and Crofton). A sharp edge has about
    1; haze, grey halos and washed-out shapes have more, and so has glass. 0 for an empty picture.
    """
    alpha = pictures[:, 3]
    inside = (alpha >= 0.5).int()
    crossings = inside.diff(dim=-1).abs().sum(dim=(1, 2)) + inside.diff(dim=-2).abs().sum(dim=(1, 2))
    soft = ((alpha > 0.04) & (alpha < 0.96)).float().sum(dim=(1, 2))
    return torch.where(crossings > 0, soft / (pi / 4 * crossings).clamp_min(1), 0.0)


def lopsided(pictures: Tensor) -> Tensor:
    """How far pictures are from their mirror images, (n,), in levels of 255: the mean difference of the four
    premultiplied channels, the mirror image moved sideways to where it fits best."""
    mirrored = pictures.flip(-1)
    shifts = range(-SHIFT_PX, SHIFT_PX + 1)
    apart = [(pictures - mirrored.roll(shift, -1)).abs().mean(dim=(1, 2, 3)) for shift in shifts]
    return LEVELS * torch.stack(apart).amin(dim=0)


def ratios(ours: dict[str, float], other: dict[str, float]) -> dict[str, float]:
    """ours / other for what both have and where that says something."""
    return {name: value / other[name] for name, value in ours.items() if other.get(name)}
