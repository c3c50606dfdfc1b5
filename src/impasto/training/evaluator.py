"""The evaluator stage: a picture of any style is told its concept; trained on the training split alone.

Cosine softmax over concepts (Wang et al. 2018, without margin), on pictures moved, resized, blurred and recoloured a
little, so that a drawing is judged by what it shows and not by how sharp it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from impasto.data.dataset import open_dataset
from impasto.models.nets.evaluator import SIZE_PX, Evaluator
from impasto.training.autoencoder import held_out, premultiplied, train_order
from impasto.training.batches import torch_rng_at
from impasto.training.recipe import Recipe, Strict, parse
from impasto.training.sheets import tile

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from impasto.data.dataset import Dataset


class Settings(Strict):
    styles: tuple[str, ...]
    sharpness: float = 24.0
    """what cosines are multiplied by before the softmax"""


class EvaluatorStage:
    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        self.settings = parse(Settings, recipe.stage, where="[stage]")
        self.device, self.seed = device, recipe.run.seed
        self.dataset = open_dataset(recipe.run.data)
        self.pictures = self.dataset.pictures(SIZE_PX)
        times = {style: int(style in self.settings.styles) for style in self.dataset.styles}
        self.order = train_order(self.dataset, times, seed=self.seed, batch=recipe.run.batch)
        self.concept_index = concepts_of(self.dataset, self.settings.styles)
        self.net = Evaluator(concepts=len(self.concept_index), **recipe.net).to(device)

    def loss(self, step: int) -> dict[str, Tensor]:
        chosen = self.order.at(step)
        picture = premultiplied(self.pictures[chosen])
        picture = disturbed(picture, torch_rng_at(self.seed, step)).to(self.device)
        labels = torch.tensor([self.concept_index[self.dataset.records[i].concept] for i in chosen])
        scores = self.net.scores(self.net(picture)) * self.settings.sharpness
        loss = F.cross_entropy(scores, labels.to(self.device), label_smoothing=0.05)
        return {"loss": loss, "right": (scores.argmax(-1).cpu() == labels).float().mean()}

    def known(self) -> list[int]:
        """Held-out pictures, whose concepts are all known from other styles."""
        places = held_out(self.dataset, set(self.settings.styles))
        return [i for i in places if self.dataset.records[i].concept in self.concept_index]

    def sheet(self) -> np.ndarray:
        return tile(premultiplied(self.pictures[self.known()[:32]]).numpy(), columns=16, size_px=SIZE_PX)

    def measure(self) -> dict[str, float]:
        """The share of held-out pictures whose concept is named first, and among the first five."""
        known = self.known()
        scores = self.net.scores(self.net(premultiplied(self.pictures[known]).to(self.device))).cpu()
        labels = torch.tensor([self.concept_index[self.dataset.records[i].concept] for i in known])
        hits = scores.topk(min(5, scores.shape[1]), dim=-1).indices == labels[:, None]
        return {"top1": float(hits[:, 0].float().mean()), "top5": float(hits.any(1).float().mean())}

    def finish(self) -> None:
        """Nothing to close."""

    def export(self, folder: Path) -> None:
        """Never shipped: it measures, from its checkpoint."""


def concepts_of(dataset: Dataset, styles: tuple[str, ...]) -> dict[str, int]:
    """Concept -> class, over the training split of these styles."""
    concepts = sorted({r.concept for r in dataset.records if r.split == "train" and r.style in styles})
    return {concept: i for i, concept in enumerate(concepts)}


def disturbed(picture: Tensor, rng: torch.Generator) -> Tensor:
    """Each picture moved up to 10%, resized by 0.8 to 1.2, its colours scaled by 0.9 to 1.1, half of them blurred."""
    n = len(picture)
    scale = torch.rand(n, generator=rng) * 0.4 + 0.8
    move = (torch.rand(n, 2, generator=rng) - 0.5) * 0.4
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = 1 / scale
    theta[:, :, 2] = move
    grid = F.affine_grid(theta, list(picture.shape), align_corners=False)
    moved = F.grid_sample(picture, grid, align_corners=False)
    blurred = F.interpolate(F.avg_pool2d(moved, 4), scale_factor=4, mode="bilinear", align_corners=False)
    share = (torch.rand(n, generator=rng) * 2 - 1).clamp_min(0)[:, None, None, None]
    tint = torch.rand(n, 3, 1, 1, generator=rng) * 0.2 + 0.9
    mixed = torch.lerp(moved, blurred, share)
    return torch.cat([torch.minimum(mixed[:, :3] * tint, mixed[:, 3:]), mixed[:, 3:]], dim=1)
