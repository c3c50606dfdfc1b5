"""What nets are given that were taught to fill in what a mask leaves open: the mask, and the rest of the picture."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from impasto.core import Damaged
from impasto.engine import editing, pixels

if TYPE_CHECKING:
    from pathlib import Path

    from numpy import ndarray

    from impasto.core import Drawing, Edit
    from impasto.engine.vae import Vae
    from impasto.models.cards import Card

GREY = 0.5
REMEMBERED = 8


class Filling:
    """Latents of what is left, remembered, as both sides of a picture and all its steps want the same ones."""

    def __init__(self, card: Card, vae: Vae) -> None:
        self._card, self._vae = card, vae
        self._remembered = lru_cache(REMEMBERED)(self._left)

    def left(self, drawing: Drawing) -> ndarray:
        """(1, 1 + channels, rows, columns): 1 where it is open, and latents of the rest on grey.

        Where there is no picture all of it is open."""
        return self._remembered(drawing.edit, (drawing.width_px, drawing.height_px))

    def _left(self, edit: Edit | None, size_px: tuple[int, int]) -> ndarray:
        _, rows, columns = self._card.picture.latent_of(size_px)
        change = np.ones((1, rows, columns), np.float32)
        colours = np.full((3, size_px[1], size_px[0]), GREY, np.float32)
        if edit is not None and edit.mask is not None:
            change = editing.cells(edit.mask.pixels, (rows, columns)).round()
            painted, kept = pixels.premultiplied(edit.init.pixels), edit.mask.pixels < 128
            colours[:, kept] = (painted[:3] + (1 - painted[3:]))[:, kept]
        return np.concatenate([change, self._vae.encode_rgb(colours)])[None]


def filling_of(folder: Path, taken: int, card: Card, vae: Vae) -> Filling | None:
    """By the channels a net takes; None where they are the latents' own. Raises Damaged for any other number."""
    channels = card.picture.latent_shape[0]
    if taken not in {channels, 2 * channels + 1}:
        raise Damaged(f"{folder}: takes {taken} channels, which no text-to-image net of this family does")
    return None if taken == channels else Filling(card, vae)
