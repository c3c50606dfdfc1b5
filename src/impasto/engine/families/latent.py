"""What all families have in common whose pictures are the latents of an autoencoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from impasto.engine import pixels

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy import ndarray

    from impasto.core import Drawing
    from impasto.engine.vae import Vae
    from impasto.models.cards import Card

    Given = Mapping[str, ndarray]


class Latent:
    """Five of the verbs of engine.runner.Family; a family adds `encode` and `ask`."""

    def __init__(self, card: Card, vae: Vae) -> None:
        self._card, self._vae = card, vae

    def ask(self, xs: Sequence[ndarray], sigmas: Sequence[float], given: Given) -> ndarray:
        """As denoise, for rows whose conditioning, (batch, ...) each, has one shape."""
        raise NotImplementedError

    def given(self, encoded: Given, drawing: Drawing) -> Given:
        return encoded

    def noise(self, seed: int, size_px: tuple[int, int]) -> Callable[[], ndarray]:
        generator = np.random.Generator(np.random.Philox(seed))
        return lambda: generator.standard_normal(self._card.picture.latent_of(size_px), np.float32)

    def denoise(self, xs: Sequence[ndarray], sigmas: Sequence[float], given: Sequence[Given]) -> Sequence[ndarray]:
        """Rows whose words became as long are run together."""
        answers: dict[int, ndarray] = {}
        for rows in _alike(given):
            together = {name: np.concatenate([given[row][name] for row in rows]) for name in given[rows[0]]}
            found = self.ask([xs[row] for row in rows], [sigmas[row] for row in rows], together)
            answers |= dict(zip(rows, found, strict=True))
        return [answers[row] for row in range(len(xs))]

    def decode(self, latents: ndarray) -> ndarray:
        return self._vae.decode(latents)

    @property
    def reads(self) -> bool:
        return True

    def read(self, painted: ndarray) -> ndarray:
        return self._vae.encode(painted)

    def preview(self, latents: ndarray) -> ndarray | None:
        return pixels.preview(latents, self._card.preview)


def _alike(given: Sequence[Given]) -> list[list[int]]:
    """The places of rows whose conditioning has one shape, together."""
    groups: dict[tuple[tuple[int, ...], ...], list[int]] = {}
    for row, conditioning in enumerate(given):
        groups.setdefault(tuple(value.shape for value in conditioning.values()), []).append(row)
    return list(groups.values())
