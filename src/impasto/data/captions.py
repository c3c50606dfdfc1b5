"""English captions of a picture: its names first, then names with a keyword, then tags and synonyms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from impasto.data.wordnet import synonyms_of
from impasto.data.words import slug, words_of

if TYPE_CHECKING:
    from impasto.data.items import Named
    from impasto.data.lexicon import Names

    Nouns = dict[str, tuple[str, tuple[str, ...]]]

MOST_CAPTIONS = 16
MOST_KEYWORDS = 8


def captions_of(named: Named, names: Names, nouns: Nouns) -> tuple[str, ...]:
    """Distinct captions, the plainest first, at most sixteen."""
    found = [named.name]
    if " " in named.item.title and not named.item.number_variants:
        found.append(named.item.title)
    tags: list[str] = []
    if named.key in names.emoji:
        emoji = names.emoji[named.key]
        english = next((local for local in names.local.get(named.key, ()) if local.lang == "en"), None)
        found += [words_of(code) for code in emoji.shortcodes if _reads_well(code)][:3]
        tags = list(dict.fromkeys([*(english.keywords if english else ()), *emoji.tags]))
    tags += named.item.keywords
    found += synonyms_of(named.name, named.group, nouns)
    said = set(slug(named.name).split("-"))
    fresh = [tag for tag in tags if slug(tag) and not set(slug(tag).split("-")) <= said]
    found += [f"{named.name}: {tag}" for tag in fresh[:MOST_KEYWORDS]]
    if len(fresh) > 1:
        found.append(", ".join([named.name, *fresh[:4]]))
    distinct: dict[str, str] = {}
    for caption in found:
        distinct.setdefault(slug(caption) or caption, caption)
    return tuple(distinct.values())[:MOST_CAPTIONS]


def _reads_well(code: str) -> bool:
    """Short codes that are words, not "+1" or "man_tone2"."""
    return len(code) > 2 and code.replace("_", "").replace("-", "").isalpha() and "tone" not in code
