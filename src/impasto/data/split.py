"""What is held out of training, by hash, so that it never depends on order.

Pairs of concept and style, only where the concept can be learned from other styles: no step sees their pictures. And
pairs of concept and name in another language: no step is told that the name means the concept.
"""

from __future__ import annotations

import hashlib
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

OTHER_STYLES = 2
HELD_OUT_NAMES = 0.05


def held_out_pairs(pairs: Iterable[tuple[str, str]], share: float) -> frozenset[tuple[str, str]]:
    """The (concept, style) pairs to hold out: `share` of those whose concept exists in two other styles or more."""
    styles: dict[str, set[str]] = {}
    for concept, style in pairs:
        styles.setdefault(concept, set()).add(style)
    return frozenset(
        (concept, style)
        for concept, found in styles.items()
        if len(found) > OTHER_STYLES
        for style in found
        if _fraction(concept, style) < share
    )


def held_out_name(concept: str, name: str) -> bool:
    """Whether training must not be told that `name`, a word or words not English, means `concept`.

    Decided by spelling and not by language: the same word is often a name in one language, a keyword beside it and
    the name in the next, and held out of one only it would still be learned from the others.
    """
    spelling = unicodedata.normalize("NFKC", name).strip().casefold()
    return _fraction(concept, f"name|{spelling}") < HELD_OUT_NAMES


def _fraction(concept: str, style: str) -> float:
    """A number in [0, 1) that only the pair decides."""
    return int.from_bytes(hashlib.sha256(f"{concept}|{style}".encode()).digest()[:8], "big") / 2**64
