"""Drawing from a picture rather than from nothing, and keeping a part of it. Knows no net, no sampler and no file.

Image to image is SDEdit (Meng et al. 2022, arXiv 2108.01073): the walk sets out part of the way down, from the latents
of the picture under noise of that level. A mask is kept to by blending at every step, as in RePaint (Lugmayr et al.
2022), but of what the net answers rather than of what the sampler holds: what stays is put back into the denoised
latents before the sampler is sent them. So no sampler knows of it, and what it holds there is the picture under noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from impasto.core import Invalid

if TYPE_CHECKING:
    from numpy import ndarray

    from impasto.core import Edit

Array = Any

FEATHER_PX = 4
"""how far inside a mask's edge the picture that was drawn comes in full"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a picture on its way came from."""

    latents: Array
    """(channels, height, width), clean"""
    change: Array | None
    """(1, height, width), 0 stays to 1 changes; None: all of it changes"""
    strength: float

    def start(self, noise: Array, sigma: float) -> Array:
        """Where the walk sets out. At full strength nothing is left of what may change."""
        x = noise * sigma
        if self.strength < 1:
            return x + self.latents
        return x if self.change is None else x + self.latents * (1 - self.change)

    def keep(self, denoised: Array) -> Array:
        """What a net answered, with what stays put back."""
        if self.change is None:
            return denoised
        return self.latents + (denoised - self.latents) * self.change


def check(edit: Edit, size_px: tuple[int, int]) -> None:
    """Refuse what cannot be drawn from, naming init, mask or strength. `size_px` is the drawing's (width, height)."""
    wide_high = (size_px[1], size_px[0])
    if not 0 < edit.strength <= 1:  # also refuses nan
        raise Invalid("strength", f"must be above 0 and at most 1, not {edit.strength}")
    for field, given, shape in (("init", edit.init, (*wide_high, 4)), ("mask", edit.mask, wide_high)):
        if given is not None and (given.pixels.shape != shape or given.pixels.dtype != np.uint8):
            raise Invalid(field, f"must be fitted to {size_px[0]}x{size_px[1]}, as pixels of {shape} bytes")


def cells(mask: ndarray, shape: tuple[int, int]) -> ndarray:
    """A mask's pixels (height, width) uint8 -> how much each of the latents' (rows, columns) changes, as
    (1, rows, columns) float32 from 0 to 1. The mask's sides are whole multiples of these.

    A cell changes as much as any of its pixels: nothing of what is to go is kept for the sake of its neighbours.
    """
    (height, width), (rows, columns) = mask.shape, shape
    most: ndarray = mask.reshape(rows, height // rows, columns, width // columns).max(axis=(1, 3))
    return most[None].astype(np.float32) / np.float32(255)


def restore(painted: ndarray, original: ndarray, mask: ndarray) -> ndarray:
    """Lays what was painted over the original where the mask says so.

    Both are (4, height, width) float, premultiplied; the mask is (height, width) uint8. Where it is 0 the original is
    left to the bit; over the last pixels before that, inside the mask, the one passes into the other. Where the
    original is transparent there is nothing to pass into, and what was painted comes in full: a mask says which share
    of a pixel changes, and the original lies in the rest of it as far as it has room there.
    """
    alpha = original[3]
    weight = np.maximum(feathered(mask), np.minimum(mask / np.float32(255), 1 - alpha))
    left = np.minimum(1, (1 - weight) / np.maximum(alpha, 1e-6))
    return np.where(weight > 0, original * left + painted.clip(0, 1) * weight, original)


def feathered(mask: ndarray) -> ndarray:
    """(height, width) uint8 -> float32 from 0 to 1: the mean of the mask and of what is left of it 1, 2, ... pixels in.

    So a weight rises evenly from the edge inwards, is 0 wherever the mask is, and keeps a thin stroke visible.
    """
    from PIL import Image, ImageFilter

    left, total = Image.fromarray(mask), mask.astype(np.float32)
    for _ in range(1, FEATHER_PX):
        left = left.filter(ImageFilter.MinFilter(3))  # one pixel less all around
        total += np.asarray(left, np.float32)
    return total / (255 * FEATHER_PX)
