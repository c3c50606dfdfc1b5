"""A card, and an engine that only remembers what it was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from impasto.core import Drawing, ModelRef, Picture, Progress, Unknown
from impasto.models.cards import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from impasto.models.cards import Card
    from impasto.ports import Engine

MODEL = ModelRef(name="some", version="1", sha256="ab" * 32)
CARD = """
[model]
name = "some"
version = "1"
family = "none"
licence = "CC0-1.0"
description = ""
[picture]
sizes = [[64, 32], [32, 32]]
latent_shape = [4, 4, 4]
[styles]
flat = { index = 0 }
line = { index = 1 }
[defaults]
style = "line"
steps = 12
guidance = 3.5
sampler = "heun"
sigmas = "karras"
[sigmas]
min = 0.02
max = 40.0
[words]
max_tokens = 8
[files]
"""


class Remembering:
    """Answers with blank pictures, the last drawing first."""

    model, samplers, curves = MODEL, ("euler", "heun"), ("karras",)

    def __init__(self) -> None:
        self.asked: list[Drawing] = []

    def check(self, drawing: Drawing) -> None:
        if drawing.sampler not in self.samplers:
            raise Unknown("sampler", drawing.sampler, self.samplers)

    def draw(self, drawings: Sequence[Drawing]) -> Iterator[Progress | Picture]:
        for drawing in drawings:
            self.check(drawing)
        self.asked += drawings
        return self._draw(drawings)

    def _draw(self, drawings: Sequence[Drawing]) -> Iterator[Progress | Picture]:
        for index, drawing in reversed(list(enumerate(drawings))):
            yield Progress(index=index, step=1, steps=1)
            pixels = np.zeros((drawing.height_px, drawing.width_px, 4), np.uint8)
            yield Picture(pixels=pixels, drawing=drawing, model=MODEL, sigma_values=(1.0, 0.0), took_s=0.0, index=index)

    def close(self) -> None:
        pass


@pytest.fixture
def card() -> Card:
    return parse(CARD)


@pytest.fixture
def engine() -> Remembering:
    return Remembering()


def never() -> Engine:
    raise AssertionError("the engine must not be opened for a request that is refused")
