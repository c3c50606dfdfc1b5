"""What a picture is called in training: its name mostly, else another caption or a name in another language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from impasto.data.split import held_out_name

if TYPE_CHECKING:
    import numpy as np

    from impasto.data.dataset import Dataset, Record

ARTICLES = ("a ", "the ", "one ", "")


class Captions:
    """Draws captions for records; the chances are the recipe's."""

    def __init__(self, dataset: Dataset, *, name: float, foreign: float, dropped: float) -> None:
        """`name`, `foreign`, `dropped`: chances of the English name, another language's name, and no words at all."""
        self.name, self.foreign, self.dropped = name, foreign, dropped
        self.concepts = dataset.concepts

    def draw(self, record: Record, rng: np.random.Generator) -> str:
        roll = rng.random()
        if roll < self.dropped:
            return ""
        roll = (roll - self.dropped) / (1 - self.dropped)
        if roll < self.foreign:
            names = self.names(record)
            if names:
                return names[rng.integers(len(names))]
        if roll < self.foreign + self.name or not record.captions:
            return self.with_article(record.name, rng)
        return record.captions[rng.integers(len(record.captions))]

    def names(self, record: Record) -> list[str]:
        """The concept's name in each language that has one, but for those that are held out."""
        concept = self.concepts.get(record.concept)
        names = [] if concept is None else [entry.name for entry in concept.names if entry.name]
        return [name for name in names if not held_out_name(record.concept, name)]

    @staticmethod
    def with_article(name: str, rng: np.random.Generator) -> str:
        if rng.random() < 0.7:
            return name
        return ARTICLES[rng.integers(len(ARTICLES))] + name
