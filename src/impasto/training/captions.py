"""What a picture is called in training: its name mostly, else another caption or a name in another language."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

from impasto.data.split import held_out_name
from impasto.data.things import common_words

if TYPE_CHECKING:
    from collections.abc import Collection

    import numpy as np

    from impasto.data.dataset import Dataset, Record

ARTICLES = ("a", "the", "one", "")
MOST_CONCEPTS = 20
"""a word that more concepts share says too little to stand alone"""
PLURAL = 0.04
"""the chance that a name is said in the plural"""


class Captions:
    """Draws captions for records; the chances are the recipe's."""

    def __init__(
        self,
        dataset: Dataset,
        *,
        name: float,
        foreign: float,
        dropped: float,
        keyword: float = 0.0,
        styles: Collection[str] | None = None,
    ) -> None:
        """`name`, `foreign`, `dropped`, `keyword`: chances of the English name, another language's name, no words at
        all, and one word alone: a keyword ("flower" of a tulip) or a name's last word ("moon" of a full moon).

        `styles` are those trained on; pictures of others have no say in which words stand for how many concepts.
        """
        self.name, self.foreign, self.dropped, self.keyword = name, foreign, dropped, keyword
        self.concepts = dataset.concepts
        self.records = [r for r in dataset.records if styles is None or r.style in styles]

    def draw(self, record: Record, rng: np.random.Generator) -> str:
        roll = rng.random()
        if roll < self.dropped:
            return ""
        roll = (roll - self.dropped) / (1 - self.dropped)
        if roll < self.foreign:
            names = self.names(record)
            if names:
                return names[rng.integers(len(names))]
        words = self.words.get(record.concept)
        if words and self.foreign <= roll < self.foreign + self.keyword:
            return self.said(words[rng.integers(len(words))], rng)
        if roll < self.foreign + self.keyword + self.name or not record.captions:
            return self.said(record.name, rng)
        return record.captions[rng.integers(len(record.captions))]

    def names(self, record: Record) -> list[str]:
        """The concept's name in each language that has one, but for those that are held out."""
        concept = self.concepts.get(record.concept)
        names = [] if concept is None else [entry.name for entry in concept.names if entry.name]
        return [name for name in names if not held_out_name(record.concept, name)]

    def said(self, name: str, rng: np.random.Generator) -> str:
        """The name bare mostly, with an article at times, now and then in the plural."""
        roll = rng.random()
        if roll < PLURAL:
            return self.forms.get(name, (name, name))[1]
        if roll < 0.7:
            return name
        article = ARTICLES[rng.integers(len(ARTICLES))]
        return self.forms.get(name, (f"a {name}", name))[0] if article == "a" else f"{article} {name}".lstrip()

    @cached_property
    def words(self) -> dict[str, tuple[str, ...]]:
        """Concept -> the words that may stand alone for it, half of them what people call it where that is known."""
        of = defaultdict(set)
        for record in self.records:
            of[record.concept] |= single_words(record)
        concepts = defaultdict(set)
        for concept, words in of.items():
            for word in words:
                concepts[word].add(concept)
        alone = {}
        for concept, words in of.items():
            kept = sorted(word for word in words if len(concepts[word]) <= MOST_CONCEPTS)
            common = common_words(concept)
            kept += [common[i % len(common)] for i in range(max(len(kept), len(common)))] if common else []
            if kept:
                alone[concept] = tuple(kept)
        return alone

    @cached_property
    def forms(self) -> dict[str, tuple[str, str]]:
        """A name, or a word that stands alone, in plain letters -> with its article, and in the plural."""
        from inflect import engine

        english = engine()
        alone = {word for words in self.words.values() for word in words}
        plain = {n for n in alone | {r.name for r in self.records} if n.replace(" ", "").isalpha() and n.isascii()}
        forms = {}
        for name in sorted(plain):
            several = english.singular_noun(name)  # False where it is singular
            forms[name] = (name, name) if several else (english.a(name), english.plural_noun(name))
        return forms


def single_words(record: Record) -> set[str]:
    """Its keywords ("flower" of "tulip: flower") and its name's last word, in plain letters."""
    keywords = {caption.split(": ", 1)[1] for caption in record.captions if caption.startswith(f"{record.name}: ")}
    last = {record.name.rsplit(" ", 1)[1]} if " " in record.name else set()
    return {word for word in keywords | last if len(word) > 2 and word.isalpha() and word.isascii()}
