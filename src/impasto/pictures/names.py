"""File names made from words. Any script is kept; only what file systems dislike is left out."""

from __future__ import annotations

import re
import unicodedata

MAX_SLUG_CHARS = 60
MAX_SLUG_BYTES = 160
"""file systems stop at 255 bytes a name; the seed, a number and the ending need room too"""

_WEIGHT = re.compile(r":\s*[\d.]+(?=\s*\))")


def slug(words: str) -> str:
    """Lower-case letters and digits of any script joined by hyphens, weights such as `(red:1.3)` taken off.

    At most MAX_SLUG_CHARS characters and MAX_SLUG_BYTES bytes, cut between words where that is possible; `picture`
    where nothing is left.
    """
    text = unicodedata.normalize("NFKC", _WEIGHT.sub("", words)).lower()
    kept = "".join(c if c.isalnum() or unicodedata.category(c).startswith("M") else " " for c in text)
    cut = ""
    for word in kept.split():
        longer = f"{cut}-{word}" if cut else word
        if len(longer) > MAX_SLUG_CHARS or len(longer.encode()) > MAX_SLUG_BYTES:
            break
        cut = longer
    return cut or _hard_cut(kept.strip()) or "picture"


def _hard_cut(word: str) -> str:
    """The start of a single word that is too long by itself."""
    return word[:MAX_SLUG_CHARS].encode()[:MAX_SLUG_BYTES].decode(errors="ignore").split(" ")[0]


def stem(words: str, seed: int) -> str:
    """`a-red-fox-7` for "a red fox" and seed 7."""
    return f"{slug(words)}-{seed}"
