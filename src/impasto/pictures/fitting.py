"""A person's picture fitted into the size a model draws: whole, in the middle, the rest transparent.

It is scaled up or down without changing its shape, by bicubic interpolation of premultiplied colours, so that no colour
from under full transparency bleeds into an edge. A picture that has the size already is left as it is, to the bit.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy import ndarray

    from impasto.core import Init, Mask


def fit_init(init: Init, size_px: tuple[int, int]) -> Init:
    """`size_px` is (width, height). The sha256 stays that of the picture as it was given."""
    return replace(init, pixels=_contain(init.pixels, size_px, around=0))


def fit_mask(mask: Mask, size_px: tuple[int, int]) -> Mask:
    """As fit_init; what lies beyond the picture is kept, unless the mask says otherwise."""
    return replace(mask, pixels=_contain(mask.pixels, size_px, around=255 if mask.beyond else 0))


def _contain(pixels: ndarray, size_px: tuple[int, int], *, around: int) -> ndarray:
    (height, width), (wide, high) = pixels.shape[:2], size_px
    if (width, height) == (wide, high):
        return pixels
    scale = min(wide / width, high / height)
    inner = max(round(width * scale), 1), max(round(height * scale), 1)
    left, top = (wide - inner[0]) // 2, (high - inner[1]) // 2
    fitted = np.full((high, wide, *pixels.shape[2:]), around, np.uint8)
    scaled = _scaled(pixels, inner) if pixels.ndim == 2 else _scaled_rgba(pixels, inner)
    fitted[top : top + inner[1], left : left + inner[0]] = np.rint(scaled.clip(0, 255))
    return fitted


def _scaled(channel: ndarray, size_px: tuple[int, int]) -> ndarray:
    from PIL import Image

    return np.asarray(Image.fromarray(channel.astype(np.float32)).resize(size_px, Image.Resampling.BICUBIC))


def _scaled_rgba(pixels: ndarray, size_px: tuple[int, int]) -> ndarray:
    """In floats and a channel at a time: Pillow's own way by bytes, clipped before it divides, lightens edges."""
    alpha = pixels[..., 3] / np.float32(255)
    share = _scaled(alpha, size_px)
    seen = share >= 0.5 / 255
    colours = [np.where(seen, _scaled(pixels[..., i] * alpha, size_px) / np.where(seen, share, 1), 0) for i in range(3)]
    return np.stack([*colours, np.where(seen, share * 255, 0)], axis=-1)
