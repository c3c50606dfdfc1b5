"""What stands in for the judges until they are built: says yes to everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from impasto.core import Verdict

if TYPE_CHECKING:
    from impasto.core import ImageRequest, Picture
    from impasto.models.cards import Card


class Permissive:
    """Judges words and pixels: never refuses."""

    def judge(self, asked: ImageRequest | Picture, card: Card) -> Verdict:
        return Verdict()
