"""Between nets and pixels: premultiplied floats to RGBA bytes, over a background if one is asked, and the way back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from impasto.core import Invalid

if TYPE_CHECKING:
    from numpy import ndarray

    from impasto.models.cards import Preview

TRANSPARENT = "transparent"


def colour(background: str) -> tuple[int, int, int] | None:
    """ "#rrggbb" -> (red, green, blue), "transparent" -> None. Raises Invalid for anything else."""
    if background == TRANSPARENT:
        return None
    if not re.fullmatch("#[0-9a-fA-F]{6}", background):
        raise Invalid("background", f'must be "transparent" or a colour such as "#ffcc00", not {background!r}')
    red, green, blue = bytes.fromhex(background[1:])
    return red, green, blue


def to_bytes(painted: ndarray, background: str = TRANSPARENT) -> ndarray:
    """(4, height, width) float, premultiplied RGBA about 0..1 -> (height, width, 4) uint8, unpremultiplied RGBA.

    Values are clipped to what a picture can be: 0 <= colour <= alpha <= 1. Raises FloatingPointError where one is no
    number, Invalid for a background that is none.
    """
    if not np.isfinite(painted).all():
        raise FloatingPointError("the decoder answered with no number")
    laid = colour(background)
    alpha = painted[3:].clip(0, 1)
    if laid is None:
        # Below half a level nothing is left to see, and its colour would be noise.
        seen = alpha >= 0.5 / 255
        colours = np.where(seen, painted[:3].clip(0, alpha) / np.where(seen, alpha, 1), 0)
    else:
        behind = np.asarray(laid, painted.dtype).reshape(3, 1, 1) / 255
        colours, alpha = painted[:3].clip(0, alpha) + (1 - alpha) * behind, np.ones_like(alpha)
    levels = np.concatenate([colours, alpha]).transpose(1, 2, 0) * 255
    return np.ascontiguousarray(np.rint(levels).astype(np.uint8))


def premultiplied(pixels: ndarray) -> ndarray:
    """(height, width, 4) uint8, unpremultiplied RGBA -> (4, height, width) float32, premultiplied, 0..1.

    to_bytes gives the same bytes back, where there is anything to see.
    """
    painted = np.ascontiguousarray(pixels.transpose(2, 0, 1)).astype(np.float32) / 255
    painted[:3] *= painted[3]
    return painted


def preview(latents: ndarray, known: Preview | None) -> ndarray | None:
    """(channels, rows, columns) -> small (rows, columns, 4) uint8 by a card's matrix; None where it holds none."""
    if known is None:
        return None
    matrix, bias = np.asarray(known.matrix), np.asarray(known.bias)
    return to_bytes(np.einsum("chw,cp->phw", latents, matrix) + bias[:, None, None])
