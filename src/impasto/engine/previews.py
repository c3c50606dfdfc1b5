"""A cheap way from an autoencoder's latents to colours: the linear map that fits its own answers best, for a card.

It is fitted to pictures of smooth and of flat colours, drawn from a seed, so that no one's pictures are needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy import ndarray

    from impasto.engine.vae import Vae

PICTURES, CELLS, SEED = 24, 12, 0
"""how many, and how many latents wide each is"""
DIGITS = 5


def preview_of(vae: Path) -> dict[str, Any]:
    """An autoencoder's folder -> the `[preview]` of a card. Raises Damaged, Invalid without the extra."""
    from impasto.engine.families.latent import config, open_latents
    from impasto.engine.runtimes.torch_eager import best_place

    scale = 2 ** (len(config(vae)["block_out_channels"]) - 1)
    matrix, bias = fit(open_latents(vae, best_place(1)), scale)
    return {"matrix": matrix.round(DIGITS).tolist(), "bias": bias.round(DIGITS).tolist()}


def fit(vae: Vae, scale: int) -> tuple[ndarray, ndarray]:
    """The map from latents to premultiplied RGBA that errs least in squares: matrix (channels, 4) and bias (4,).

    `scale` is how many pixels wide a latent is.
    """
    random = np.random.default_rng(SEED)
    latents, colours = [], []
    for number in range(PICTURES):
        picture = _smooth(random, 2 + number % 4, CELLS * scale) if number % 2 else _flat(random, CELLS * scale)
        latents.append(vae.encode_rgb(picture).reshape(-1, CELLS * CELLS))
        colours.append(picture.reshape(3, CELLS, scale, CELLS, scale).mean(axis=(2, 4)).reshape(3, -1))
    known = np.concatenate(latents, axis=1).T
    known = np.concatenate([known, np.ones((len(known), 1))], axis=1)
    found, *_ = np.linalg.lstsq(known, np.concatenate(colours, axis=1).T, rcond=None)
    opaque = np.zeros((len(found), 1))
    opaque[-1] = 1.0
    whole = np.concatenate([found, opaque], axis=1)
    return whole[:-1], whole[-1]


def _smooth(random: np.random.Generator, knots: int, side: int) -> ndarray:
    """(3, side, side) float32, 0..1: random colours at a few knots, on lines between them."""
    at, known = np.linspace(0, knots - 1, side), random.random((3, knots, knots))
    low = np.minimum(at.astype(int), knots - 2)
    part = at - low
    rows = known[:, low] * (1 - part)[:, None] + known[:, low + 1] * part[:, None]
    picture: ndarray = (rows[..., low] * (1 - part) + rows[..., low + 1] * part).astype(np.float32)
    return picture


def _flat(random: np.random.Generator, side: int) -> ndarray:
    """(3, side, side) float32, 0..1: a rectangle on a ground."""
    picture = np.broadcast_to(random.random((3, 1, 1)), (3, side, side)).astype(np.float32)
    top, left = random.integers(0, side // 2, 2)
    high, wide = random.integers(side // 4, side // 2, 2)
    picture[:, top : top + high, left : left + wide] = random.random((3, 1, 1))
    return picture
