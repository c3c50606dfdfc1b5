"""The held-out split: by hash, so that it never depends on order, and only where a concept can be learned elsewhere."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

OTHER_STYLES = 2


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


def _fraction(concept: str, style: str) -> float:
    """A number in [0, 1) that only the pair decides."""
    return int.from_bytes(hashlib.sha256(f"{concept}|{style}".encode()).digest()[:8], "big") / 2**64
