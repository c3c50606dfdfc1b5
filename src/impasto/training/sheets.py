"""Sample sheets: many small pictures on one, for the eye."""

from __future__ import annotations

import numpy as np

PAPER = np.array([0.93, 0.93, 0.95], np.float32)


def tile(pictures: np.ndarray, *, columns: int, size_px: int = 96) -> np.ndarray:
    """(n, 4, h, w) premultiplied RGBA 0..1 -> (height, width, 3) uint8, laid over light grey, row by row."""
    n, _, height, _ = pictures.shape
    step = max(1, height // size_px)
    small = pictures[:, :, : height // step * step, : height // step * step]
    small = small.reshape(n, 4, height // step, step, height // step, step).mean(axis=(3, 5))
    over = small[:, :3] + (1 - small[:, 3:]) * PAPER[:, None, None]
    rows = -(-n // columns)
    canvas = np.broadcast_to(PAPER[:, None, None], (rows * columns, *over.shape[1:])).copy()
    canvas[:n] = over
    side = over.shape[-1]
    grid = canvas.reshape(rows, columns, 3, side, side).transpose(0, 3, 1, 4, 2).reshape(rows * side, columns * side, 3)
    return (grid.clip(0, 1) * 255 + 0.5).astype(np.uint8)
