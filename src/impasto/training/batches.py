"""Which pictures a step sees: a pure function of the seed and the step, so that resuming needs no state."""

from __future__ import annotations

import numpy as np
import torch

from impasto.core import Invalid


class Order:
    """An endless shuffled stream over `items`, each as often an epoch as `times` says; any step's batch on request.

    Raises Invalid where that leaves none.
    """

    def __init__(self, items: np.ndarray, times: np.ndarray, *, seed: int, batch: int) -> None:
        """`items` and `times`: (n,) whole numbers."""
        self.epoch_items = np.repeat(items, times)
        if not len(self.epoch_items):
            raise Invalid("run.data", "leaves no picture to train on")
        self.seed, self.batch = seed, batch
        self._epoch, self._shuffled = -1, self.epoch_items

    def at(self, step: int) -> np.ndarray:
        """The items of step `step`, (batch,)."""
        positions = np.arange(step * self.batch, (step + 1) * self.batch)
        epochs, places = np.divmod(positions, len(self.epoch_items))
        parts = [self._shuffle(epoch)[places[epochs == epoch]] for epoch in np.unique(epochs)]
        return np.concatenate(parts)

    def _shuffle(self, epoch: int) -> np.ndarray:
        if epoch != self._epoch:
            self._shuffled = np.random.default_rng([self.seed, 1, int(epoch)]).permutation(self.epoch_items)
            self._epoch = epoch
        return self._shuffled


def rng_at(seed: int, step: int, purpose: int = 0) -> np.random.Generator:
    """The generator of one step, another for each purpose."""
    return np.random.default_rng([seed, 2 + purpose, step])


def torch_rng_at(seed: int, step: int, purpose: int = 0) -> torch.Generator:
    """Drawn on the CPU whatever the device, so that a run moved between devices sees the same noise."""
    drawn = int(rng_at(seed, step, 100 + purpose).integers(2**62))
    return torch.Generator("cpu").manual_seed(drawn)
