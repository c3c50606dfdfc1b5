"""What stands in for safety until its own room is built: says yes to everything and marks nothing."""

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


class Unmarked:
    """Leaves a file as it is; the document that every picture carries says by which model it was made."""

    def mark(self, content: bytes, picture: Picture) -> bytes:
        return content
