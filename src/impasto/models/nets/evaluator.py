"""The evaluator: says what a picture is of, so that drawings can be measured. Never part of drawing or its training."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from impasto.models.nets.autoencoder import Block, rms_norm

SIZE_PX = 64


class Evaluator(nn.Module):
    """(batch, 4, 64, 64) premultiplied RGBA, 0..1 -> unit vectors (batch, features); `names` scores them by concept."""

    def __init__(self, *, concepts: int, features: int = 192, width: int = 96, depth: tuple[int, int] = (2, 3)) -> None:
        super().__init__()
        self.enter = nn.Conv2d(4 * 16, width, 1)
        self.fine = nn.Sequential(*(Block(width) for _ in range(depth[0])))
        self.down = nn.Conv2d(4 * width, 2 * width, 1)
        self.coarse = nn.Sequential(*(Block(2 * width) for _ in range(depth[1])))
        self.gain = nn.Parameter(torch.ones(2 * width))
        self.leave = nn.Linear(2 * width * 16, features)
        self.names = nn.Parameter(torch.randn(concepts, features) * 0.05)
        self.to(memory_format=torch.channels_last)

    def forward(self, picture: Tensor) -> Tensor:
        x = F.pixel_unshuffle(picture * 2 - 1, 4).contiguous(memory_format=torch.channels_last)
        x = self.down(F.pixel_unshuffle(self.fine(self.enter(x)), 2))
        x = F.avg_pool2d(rms_norm(self.coarse(x), self.gain), 2)
        return F.normalize(self.leave(x.flatten(1)).float(), dim=-1)

    def scores(self, features: Tensor) -> Tensor:
        """Cosine similarity to every concept, (batch, concepts)."""
        return features @ F.normalize(self.names, dim=-1).T
