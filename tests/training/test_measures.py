"""Numbers of drawings, on arrays whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from impasto.training.measures import (
    bootstrapped,
    by_style,
    edge_width_px,
    frechet,
    halo,
    lopsided,
    ratios,
    summary,
)


def disc(
    *, colour: tuple[float, float, float] = (1.0, 0.5, 0.0), soft_px: int = 1, centre: float = 31.5
) -> torch.Tensor:
    """(1, 4, 64, 64) premultiplied: one colour, its edge as wide as asked."""
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    away = ((x - centre) ** 2 + (y - 32) ** 2).sqrt()
    alpha = ((20 - away) / soft_px + 0.5).clamp(0, 1)
    return torch.stack([*(c * alpha for c in colour), alpha])[None]


def test_a_summary_counts_places():
    found = summary("x", [1, 1, 3, 9])
    assert found == {"x_pairs": 4, "x_top1": 0.5, "x_top5": 0.75, "x_median_rank": 2.0}


def test_styles_are_counted_apart():
    found = by_style("x", [1, 9, 2], ["flat", "soft", "flat"])
    assert found["flat"] == {"x_pairs": 2, "x_top1": 0.5, "x_top5": 1.0, "x_median_rank": 1.5}
    assert found["soft"]["x_top5"] == 0.0


def test_frechet_of_gaussians_is_known():
    """Along each axis (m_a - m_b)^2 + (s_a - s_b)^2 (Dowson & Landau 1982)."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(40_000, 3)) * [1, 2, 3], rng.normal(size=(40_000, 3)) * [1, 1, 1] + [2, 0, 0]
    assert frechet(a, b) == pytest.approx(4 + 0 + 1 + 4, rel=0.03)
    assert frechet(a, a) == pytest.approx(0, abs=1e-9)
    turned = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    assert frechet(a @ turned, b @ turned) == pytest.approx(frechet(a, b)), "no axis is special"


def test_a_bootstrap_finds_the_error_of_a_mean():
    values = np.random.default_rng(1).normal(size=400) * 3
    assert bootstrapped(lambda rows: values[rows].mean(), 400, times=400) == pytest.approx(3 / 20, rel=0.15)


@pytest.mark.parametrize("colour", [(1.0, 0.5, 0.0), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)])
def test_a_clean_edge_has_no_halo_whatever_its_colour(colour):
    assert halo(disc(colour=colour)) == pytest.approx(0, abs=1e-3)


def test_a_halo_is_measured_in_levels():
    picture = disc(soft_px=3)
    grey = picture.clone()
    edge = (picture[:, 3:] > 0.04) & (picture[:, 3:] < 0.96)
    grey[:, :3] = torch.where(edge, 0.5 * picture[:, 3:], picture[:, :3])
    found = halo(grey)
    assert 20 < float(found) < 60, "grey instead of orange at about half opacity: 0.33 of 255 times that"
    assert found > 10 * halo(picture)
    assert float(halo(torch.zeros(1, 4, 64, 64))) == 0


def test_an_edge_is_as_wide_as_it_was_drawn():
    found = [float(edge_width_px(disc(soft_px=width))) for width in (1, 4, 8)]
    assert found == pytest.approx([0.92, 3.7, 7.4], rel=0.1), "0.92 of the ramp is between 0.04 and 0.96"
    assert float(edge_width_px(torch.zeros(1, 4, 64, 64))) == 0


def test_symmetry_forgives_a_shift_and_nothing_else():
    even = disc()
    assert float(lopsided(even)) == pytest.approx(0, abs=0.1)
    assert float(lopsided(even.roll(2, -1))) == pytest.approx(0, abs=0.1), "its mirror image is 4 px away"
    winking = even.clone()
    winking[..., 20:30, 36:44] = 0
    assert float(lopsided(winking)) == pytest.approx(255 * 2 * 80 * (1 + 0.5 + 0 + 1) / 4 / 64**2, rel=0.05)
    assert lopsided(F.pad(winking, (4, 4))) > 1


def test_a_ratio_needs_something_to_be_divided_by():
    assert ratios({"a": 1.0, "b": 2.0, "c": 3.0}, {"a": 2.0, "b": 0.0}) == {"a": 0.5}
