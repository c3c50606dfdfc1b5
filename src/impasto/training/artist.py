"""A model at work for the measures: what it is asked, how it is to draw it, and the drawings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from impasto.core import Drawing, Picture
from impasto.training.autoencoder import premultiplied

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from impasto.models.cards import Card
    from impasto.ports import Engine
    from impasto.training.judge import Judge

    Told = Callable[[int, int], None]
    """hears how many of how many are done"""

AT_ONCE = 64
"""drawings held in memory at a time: 64 MiB of them"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One drawing as a measure asks for it."""

    words: str
    style: str
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Artist:
    """An engine and its card; steps, guidance and sampler are the card's defaults where None."""

    engine: Engine
    card: Card
    steps: int | None = None
    guidance: float | None = None
    sampler: str | None = None

    def drawing(self, asked: Asked) -> Drawing:
        drawing = drawing_of(self.card, asked.words, asked.style, asked.seed)
        own = {"steps": self.steps, "guidance": self.guidance, "sampler": self.sampler}
        return replace(drawing, **{name: value for name, value in own.items() if value is not None})

    @property
    def way(self) -> str:
        """How it draws, for a person: "16 steps of dpmpp_2m, guidance 2.5"."""
        drawing = self.drawing(Asked(words="", style=self.card.defaults.style, seed=0))
        return f"{drawing.steps} steps of {drawing.sampler}, guidance {drawing.guidance:g}"

    def draw(self, asked: Sequence[Asked]) -> Tensor:
        """(n, 4, 256, 256) premultiplied RGBA, in the order asked; 1 MiB each. Raises what Engine.draw raises."""
        drawings = [self.drawing(each) for each in asked]
        made = {event.index: event.pixels for event in self.engine.draw(drawings) if isinstance(event, Picture)}
        return premultiplied(np.stack([made[i] for i in range(len(drawings))]))

    def in_parts(self, asked: Sequence[Asked], told: Told | None = None) -> Iterator[Tensor]:
        """The same, AT_ONCE at a time."""
        for start in range(0, len(asked), AT_ONCE):
            part = asked[start : start + AT_ONCE]
            yield self.draw(part)
            if told:
                told(start + len(part), len(asked))

    def seen_by(self, judge: Judge, asked: Sequence[Asked], told: Told | None = None) -> Tensor:
        """(n, features): what the judge sees in the drawings."""
        return torch.cat([judge.see(part) for part in self.in_parts(asked, told)])


def drawing_of(card: Card, words: str, style: str, seed: int) -> Drawing:
    """A drawing with the model's defaults."""
    width, height = card.picture.sizes[0]
    d = card.defaults
    return Drawing(
        words=words,
        negative="",
        style=style,
        width_px=width,
        height_px=height,
        steps=d.steps,
        guidance=d.guidance,
        sampler=d.sampler,
        sigmas=d.sigmas,
        seed=seed,
        background="transparent",
    )
