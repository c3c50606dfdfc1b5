"""Which concept a picture shows: `fxemoji:rooster` and `noto:rooster` are one, also across aliases and old names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from impasto.data.items import Named
from impasto.data.words import slug, split_words, squash, without_number, without_size, word_counts, words_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from impasto.data.items import Item
    from impasto.data.lexicon import Names


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """How sets that write words apart write names, to read the squashed ones by."""

    whole: dict[str, str]
    """squashed name -> slug"""
    counts: dict[str, int]
    """word -> how often it occurs"""

    def read(self, item: Item) -> str:
        """The item's plain name with its words apart; "" if a squashed name cannot be read."""
        plain = plain_name(item)
        if not item.squashed or "-" in plain:
            return plain
        return self.whole.get(plain) or slug(split_words(plain, self.counts))


def spelling_of(items: Iterable[Item], names: Names, nouns: Iterable[str]) -> Spelling:
    """Learn spellings from the items of sets that write words apart, from the lexicon, and from English nouns."""
    plain = [plain_name(item) for item in items if not item.squashed and not item.on_page]
    known = sorted([*plain, *names.exact, *names.loose])
    whole = {squash(name): name for name in reversed(known) if "-" in name}
    return Spelling(whole=whole, counts=word_counts([*known, *(noun for noun in nouns if len(noun) > 3)]))


def name_item(item: Item, names: Names, spelling: Spelling) -> Named:
    """Give an item its concept: an emoji's where its name or code points say so, else that of its plain words.

    A squashed name that cannot be read gives an empty name, which the chain drops.
    """
    key = item.codepoints if item.codepoints in names.emoji else _find(item, names, spelling)
    if key is None:
        plain = spelling.read(item)
        return Named(
            item=item, concept=plain or slug(item.icon), name=words_of(plain), emoji=None, key=item.codepoints,
            group=None, subgroup=None,
        )  # fmt: skip
    emoji = names.emoji[key]
    name = names.english(key)
    return Named(
        item=item, concept=slug(name), name=name, emoji=emoji.text, key=key, group=emoji.group, subgroup=emoji.subgroup
    )


def plain_name(item: Item) -> str:
    """The item's name without sizes and numbers that only tell drawings apart."""
    base, _ = without_size(slug(item.title))
    return (without_number(base) if item.number_variants else base) or base


def _find(item: Item, names: Names, spelling: Spelling) -> str | None:
    """Exact names first, the item's own before its package's others; loose ones only where the recipe says emoji."""
    own = [slug(item.title), plain_name(item), *item.known_as]
    for loose in (False, True) if item.loose_names else (False,):
        for name in dict.fromkeys([*own, spelling.read(item)] if loose else own):
            key = names.find(name, loose=loose) if name else None
            if key is not None:
                return key
    if item.on_page and plain_name(item) not in spelling.counts:
        return names.foreign.get(plain_name(item))
    return None
