"""Words to meaning: a small multilingual subword transformer, distilled from a sentence encoder, then trained on."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from impasto.models.nets.transformer import Block

PAD = 0


class Words(nn.Module):
    """tokens (b, m) int64, 0 = padding -> states (b, m, width) and their weighted mean, pooled (b, width).

    Empty words are all padding: their pooled state is a learned vector, which is what a dropped caption looks like.
    """

    def __init__(
        self, *, vocabulary: int = 16_000, width: int = 256, depth: int = 3, max_tokens: int = 24, teacher: int = 384
    ) -> None:
        super().__init__()
        self.max_tokens = max_tokens
        self.embed = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.embed.weight, std=0.5)
        self.place = nn.Parameter(torch.randn(max_tokens, width) * 0.1)
        self.blocks = nn.ModuleList(Block(width, adaptive=False) for _ in range(depth))
        self.gain = nn.Parameter(torch.ones(width))
        self.empty = nn.Parameter(torch.zeros(width))
        self.to_teacher = nn.Linear(width, teacher)

    def forward(self, tokens: Tensor, weights: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Returns states (b, m, width), pooled (b, width), mask (b, m). `weights` (b, m): how much each word counts."""
        mask = tokens != PAD
        some = mask.any(dim=1, keepdim=True)
        attend = mask | ~some
        x = self.embed(tokens) + self.place[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x, own_mask=attend)
        states = F.rms_norm(x, x.shape[-1:], self.gain.to(x.dtype), 1e-6)
        counts = mask.to(x.dtype) if weights is None else mask * weights
        pooled = (states * counts[..., None]).sum(1) / counts.abs().sum(1, keepdim=True).clamp_min(1e-3)
        if weights is not None:
            states = states * weights[..., None]
            pooled = pooled * (counts.sum(1) / mask.sum(1).clamp_min(1))[:, None]
        pooled = torch.where(some, pooled, self.empty.to(x.dtype))
        states = torch.where(some[..., None], states, self.empty.to(x.dtype))
        return states, pooled, attend
