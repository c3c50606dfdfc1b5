"""Scenes painted: each thing cut out, recoloured, resized and laid over what is behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from impasto.data.colours import COLOURS, is_plainly, look_of, recolour, srgb
from impasto.data.things import box_of

if TYPE_CHECKING:
    from impasto.data.scenes import Ground, Part, Scene

SIDE_PX = 256


def paint(scene: Scene, pictures: np.ndarray) -> np.ndarray:
    """(256, 256, 4) uint8 unpremultiplied RGBA; `pictures` is (n, 256, 256, 4), of the data set the scene is of.

    Resized and laid over one another in premultiplied colour, the first part hindmost.
    """
    canvas = np.zeros((SIDE_PX, SIDE_PX, 4), np.uint8)
    if scene.ground:
        _lay(canvas, _ground(scene.ground), scene.ground.centre)
    for part in scene.parts:
        _lay(canvas, _part(part, pictures), part.centre)
    return _straight(canvas)


def _part(part: Part, pictures: np.ndarray) -> np.ndarray:
    """The part in its own size, (h, w, 4) uint8 premultiplied."""
    from PIL import Image

    whole = np.asarray(pictures[part.record])
    left, top, right, bottom = box_of(whole[..., 3])
    scale = part.side * SIDE_PX / max(right - left, bottom - top)
    size = (max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale)))
    cut = Image.fromarray(np.ascontiguousarray(whole[top:bottom, left:right]))
    small = cut.convert("RGBa").resize(size, Image.Resampling.BOX if scale <= 0.5 else Image.Resampling.LANCZOS)
    look = look_of(whole[::3, ::3]) if part.colour else None
    if look is None or is_plainly(look, part.colour):
        return np.asarray(small)
    return _premultiplied(recolour(np.asarray(small.convert("RGBA")), look, part.colour))


def _ground(ground: Ground) -> np.ndarray:
    """A plain shape, its edge smoothed over one pixel, (h, w, 4) uint8 premultiplied."""
    side = round(ground.side * SIDE_PX)
    alpha = cover(ground.shape, side)
    colour = srgb(_lab(ground.colour))
    filled = np.concatenate([np.broadcast_to(colour, (side, side, 3)), (alpha * 255 + 0.5)[..., None]], axis=-1)
    return _premultiplied(filled.astype(np.uint8))


def cover(shape: str, side: int) -> np.ndarray:
    """How much of each pixel of a square a shape covers, (side, side), 0 to 1."""
    if shape in ("square", "background"):
        return np.ones((side, side))
    axis = (np.arange(side) + 0.5) / side * 2 - 1
    x, y = axis[None, :], axis[:, None]
    if shape == "circle":
        inside = 1 - np.hypot(x, y)
    elif shape == "diamond":
        inside = (1 - np.abs(x) - np.abs(y)) / np.sqrt(2)
    elif shape == "rounded square":
        corner = 0.3
        over = np.maximum(np.abs(np.stack(np.broadcast_arrays(x, y))) - (1 - corner), 0)
        inside = corner - np.hypot(*over)
    else:  # heart: a square on its tip with half a disc on each upper side
        u, v = np.abs(x) * 1.18, 1.1 - (y + 1) * 1.18
        body = np.minimum(1.13 - np.maximum(u + np.abs(v - 0.05), 0), 0.6)
        lobe = 0.5 - np.hypot(u - 0.5, v - 0.55)
        inside = np.maximum(np.where(v <= 0.6 - u * 0.1, body, -1), lobe)
    return (inside * side / 2 + 0.5).clip(0, 1)


def _lab(colour: str) -> np.ndarray:
    light, chroma, hue = COLOURS[colour]
    return np.array([light, chroma * np.cos(np.deg2rad(hue)), chroma * np.sin(np.deg2rad(hue))], np.float32)


def _lay(canvas: np.ndarray, piece: np.ndarray, centre: tuple[float, float]) -> None:
    """Lay a piece over the canvas, moved as little as it must to stay within it; all premultiplied."""
    height, width = piece.shape[:2]
    left = min(max(round(centre[0] * SIDE_PX - width / 2), 0), SIDE_PX - width)
    top = min(max(round(centre[1] * SIDE_PX - height / 2), 0), SIDE_PX - height)
    under = canvas[top : top + height, left : left + width]
    rest = (under.astype(np.uint16) * (255 - piece[..., 3:].astype(np.uint16)) + 127) // 255
    under[:] = np.minimum(piece + rest, 255)


def _premultiplied(rgba: np.ndarray) -> np.ndarray:
    alpha = rgba[..., 3:].astype(np.uint16)
    return np.concatenate([((rgba[..., :3] * alpha + 127) // 255).astype(np.uint8), rgba[..., 3:]], axis=-1)


def _straight(rgba: np.ndarray) -> np.ndarray:
    """Unpremultiplied, in place; only the edges, which alone are neither clear nor opaque, need any work."""
    edge = (rgba[..., 3] > 0) & (rgba[..., 3] < 255)
    alpha = rgba[edge, 3:].astype(np.uint16)
    rgba[edge, :3] = np.minimum((rgba[edge, :3].astype(np.uint16) * 255 + alpha // 2) // alpha, 255)
    return rgba
