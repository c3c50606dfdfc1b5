"""The judge of drawings: the evaluator, and every picture of the data set as it sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from impasto.core import Damaged
from impasto.models.nets.evaluator import SIZE_PX, Evaluator
from impasto.training.autoencoder import premultiplied
from impasto.training.checkpoint import averaged_weights
from impasto.training.evaluator import concepts_of
from impasto.training.recipe import load

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from impasto.data.dataset import Dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Ranks drawings among pictures of a style, and concepts by how much a drawing shows them."""

    net: nn.Module
    features: Tensor
    """(records, features), unit length"""
    styles: np.ndarray
    """(records,) names"""
    classes: dict[str, int]
    """concept -> its class; those of the training split"""

    def see(self, pictures: Tensor) -> Tensor:
        """(n, 4, 256, 256) premultiplied RGBA -> (n, features)."""
        small = nn.functional.avg_pool2d(pictures, 256 // SIZE_PX)
        return torch.cat([self.net(part) for part in small.split(64)])

    def rank(self, feature: Tensor, place: int, *, without: int | None = None) -> int:
        """The rank, from 1, of record `place` among all of its style by likeness to `feature`."""
        rivals = self.styles == self.styles[place]
        if without is not None:
            rivals[without] = False
        likeness = self.features[torch.from_numpy(rivals)] @ feature
        return int((likeness > self.features[place] @ feature).sum()) + 1

    def places(self, features: Tensor, wanted: Collection[Collection[str]]) -> list[int]:
        """For each of (n, features): the place, from 1, of the best of its wanted concepts among all concepts.

        Concepts without a class are passed over; a row that wants none that is known comes last of all.
        """
        scores = self.net.scores(features)
        found = []
        for row, concepts in zip(scores, wanted, strict=True):
            known = [self.classes[concept] for concept in concepts if concept in self.classes]
            found.append(int((row > row[known].max()).sum()) + 1 if known else len(row))
        return found


def load_judge(recipe_path: Path, dataset: Dataset) -> Judge:
    """The judge of an evaluator recipe's run. Raises Damaged where it has not been run, or on another data set."""
    recipe = load(recipe_path)
    classes = concepts_of(dataset, tuple(recipe.stage["styles"]))
    net = Evaluator(concepts=len(classes), **recipe.net)
    weights = averaged_weights(recipe.run.out)
    if len(weights["names"]) != len(classes):
        raise Damaged(
            f"{recipe.run.out} was trained on another data set than {dataset.folder}; run {recipe_path} again"
        )
    net.load_state_dict(weights)
    net.eval()
    pictures = dataset.pictures(SIZE_PX)
    with torch.no_grad():
        parts = [net(premultiplied(pictures[i : i + 256])) for i in range(0, len(pictures), 256)]
    styles = np.array([r.style for r in dataset.records])
    return Judge(net=net, features=torch.cat(parts), styles=styles, classes=classes)
