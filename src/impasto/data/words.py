"""Small changes of spelling: slugs, squashed names, emoji keys."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_TRAILING_SIZE = re.compile(r"-(8|10|12|16|20|24|28|32|40|48|64)$")
_TRAILING_NUMBER = re.compile(r"-(\d{1,2}|one|two|three|four|five|six)$")

_SHORT_WORDS = frozenset({"at", "by", "cd", "go", "id", "in", "no", "of", "ok", "on", "or", "to", "tv", "up"})


def slug(text: str) -> str:
    """Lower-case ASCII words joined by hyphens: "Piñata" -> "pinata"."""
    text = (
        text.replace("&", " and ").replace("’", "").replace("'", "").replace("ʻ", "").replace("“", "").replace("”", "")
    )
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def squash(text: str) -> str:
    """A slug without its hyphens: how sets with squashed names write "broken heart"."""
    return slug(text).replace("-", "")


def words_of(name: str) -> str:
    """An icon name as words: "red-apple" -> "red apple"."""
    return " ".join(part for part in re.split(r"[-_\s]+", name) if part)


def emoji_key(points: str) -> str:
    """Code points in capital hex joined by hyphens, without variation selectors, so that spellings agree."""
    return "-".join(p for p in points.upper().replace("_", "-").split("-") if p.lstrip("0") not in {"FE0F", "FE0E", ""})


def key_of(emoji: str) -> str:
    """The key of an emoji given as text."""
    return emoji_key("-".join(f"{ord(char):X}" for char in emoji))


def emoji_of(key: str) -> str:
    """The emoji of a key, as text (without variation selectors)."""
    return "".join(chr(int(point, 16)) for point in key.split("-"))


def without_size(name: str) -> tuple[str, int]:
    """(name without a trailing pixel size, that size or 0)."""
    found = _TRAILING_SIZE.search(name)
    return (name[: found.start()], int(found.group(1))) if found else (name, 0)


def without_number(name: str) -> str:
    """The name without a trailing number that only tells drawings apart: "bird-2" -> "bird"."""
    return _TRAILING_NUMBER.sub("", name)


def word_counts(names: Iterable[str]) -> dict[str, int]:
    """How often each word occurs in names whose words stand apart; of the shortest only those that are words."""
    found = Counter(word for name in names for word in slug(name).split("-") if word.isalpha())
    return {word: count for word, count in found.items() if len(word) > 2 or word in _SHORT_WORDS}


def split_words(squashed: str, counts: dict[str, int]) -> str:
    """The likeliest reading of a name without spaces by words that are known, or "" if there is none.

    Unigram segmentation (Norvig, "Natural Language Corpus Data", in Beautiful Data, 2009): digits stand alone.
    """
    parts = re.findall(r"[a-z]+|\d+", squashed.lower())
    read = [part if part.isdigit() else _read(part, counts) for part in parts]
    return " ".join(read) if all(read) else ""


def _read(text: str, counts: dict[str, int]) -> str:
    total = sum(counts.values()) or 1
    best: list[tuple[float, str] | None] = [(0.0, "")] + [None] * len(text)
    for end in range(1, len(text) + 1):
        for start in range(max(0, end - 20), end):
            before, word = best[start], text[start:end]
            if before is None or word not in counts:
                continue
            cost = before[0] - math.log(counts[word] / total)
            if best[end] is None or cost < best[end][0]:  # type: ignore[index]
                best[end] = (cost, f"{before[1]} {word}".strip())
    last = best[-1]
    return last[1] if last else ""
