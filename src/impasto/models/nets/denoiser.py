"""Plan, then paint: a latent rectified-flow model in two halves.

The *plan* reads words and style and never sees noise: from learned queries it lays out what goes where, once a
picture. It is trained to predict the clean latents themselves, so every picture teaches it the whole way from words
to layout. The *painter* sees the noisy latents with the plan laid under them, cell by cell, and the time; it runs once
a step and is small, because what the picture is about is already decided.

    tokens (b, m), weights (b, m), style (b,)          -> plan (b, n, w), condition (b, w)
    x (b, c, 16, 16) at time t (b,), plan, condition   -> denoised (b, c, 16, 16)

n is 64: latents are read in patches of 2x2 cells. Flow: x_t = (1 - t) x_0 + t noise (Lipman et al. 2023), the net
predicts x_0 (Li & He 2025, "JiT").
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from impasto.models.nets.transformer import Block, Modulation, fourier
from impasto.models.nets.words import Words

GRID = 8
PATCH = 2


class Planner(nn.Module):
    """Words and style -> plan. A coarse 4x4 half with attention over the words, then an 8x8 half."""

    def __init__(
        self, *, words: int, width: int, coarse_width: int, coarse_depth: int, fine_depth: int, styles: int
    ) -> None:
        super().__init__()
        self.style = nn.Embedding(styles, words)
        self.condition = nn.Linear(2 * words, coarse_width)
        self.query = nn.Parameter(torch.randn(16, coarse_width) * 0.2)
        self.coarse_modulation = Modulation(coarse_width)
        self.coarse = nn.ModuleDict(
            {"blocks": nn.ModuleList(Block(coarse_width, context=words) for _ in range(coarse_depth))}
        )
        self.up = nn.Linear(coarse_width, 4 * width)
        self.place = nn.Parameter(torch.randn(GRID * GRID, width) * 0.1)
        self.to_fine = nn.Linear(coarse_width, width)
        self.fine_modulation = Modulation(width)
        self.fine = nn.ModuleDict({"blocks": nn.ModuleList(Block(width) for _ in range(fine_depth))})

    def forward(self, states: Tensor, pooled: Tensor, mask: Tensor, style: Tensor) -> tuple[Tensor, Tensor]:
        condition = self.condition(torch.cat([pooled, self.style(style).to(pooled.dtype)], dim=-1))
        x = self.query.to(condition.dtype) + condition[:, None]
        modulation = self.coarse_modulation(condition)
        for block in self.coarse["blocks"]:
            x = block(x, modulation, states, mask)
        x = self.up(x).unflatten(1, (4, 4)).unflatten(-1, (2, 2, -1))
        x = x.permute(0, 1, 3, 2, 4, 5).flatten(1, 4) + self.place
        narrow = self.to_fine(condition)
        modulation = self.fine_modulation(narrow)
        for block in self.fine["blocks"]:
            x = block(x, modulation)
        return x, narrow


class Painter(nn.Module):
    """Noisy latents on top of the plan -> clean latents.

    The plan can also be read by itself as a guess at the clean latents. The answer lies between that guess and what
    the blocks made of the noisy latents, as far towards the guess as the time says: all the way there is only noise.
    """

    def __init__(self, *, channels: int, width: int, depth: int) -> None:
        super().__init__()
        self.width = width
        self.enter = nn.Linear(channels * PATCH**2, width)
        self.under = nn.Linear(width, width)
        self.time = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.modulation = Modulation(width)
        self.blocks = nn.ModuleList(Block(width) for _ in range(depth))
        self.leave = nn.Linear(width, channels * PATCH**2)
        self.sketch = nn.Linear(width, channels * PATCH**2)
        self.trust = nn.Linear(width, 1)
        nn.init.zeros_(self.trust.weight)
        nn.init.zeros_(self.trust.bias)

    def guess(self, plan: Tensor) -> Tensor:
        """The plan read as clean latents, (b, c, 16, 16): what the planner's half of the loss compares."""
        return unfold(self.sketch(self.norm(plan)).float())

    def forward(self, x: Tensor, t: Tensor, plan: Tensor, condition: Tensor) -> Tensor:
        time = self.time(fourier(t, self.width).to(plan.dtype))
        h = self.enter(fold(x)) + self.under(self.norm(plan))
        modulation = self.modulation(condition + time)
        for block in self.blocks:
            h = block(h, modulation)
        made = unfold(self.leave(self.norm(h)).float())
        return made + self.trust(time).float()[:, :, None, None] * (self.guess(plan) - made)

    def norm(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, (self.width,), eps=1e-6)


class Mini(nn.Module):
    """Words, planner and painter, trained together; exported as `words` (words + planner) and `denoiser` (painter)."""

    def __init__(
        self,
        *,
        words: dict,
        styles: int,
        channels: int = 16,
        width: int = 320,
        coarse_width: int = 512,
        coarse_depth: int = 4,
        fine_depth: int = 1,
        paint_depth: int = 5,
    ) -> None:
        super().__init__()
        self.words = Words(**words)
        self.planner = Planner(
            words=self.words.embed.embedding_dim,
            width=width,
            coarse_width=coarse_width,
            coarse_depth=coarse_depth,
            fine_depth=fine_depth,
            styles=styles,
        )
        self.painter = Painter(channels=channels, width=width, depth=paint_depth)

    def plan(self, tokens: Tensor, style: Tensor, weights: Tensor | None = None) -> tuple[Tensor, Tensor]:
        states, pooled, mask = self.words(tokens, weights)
        return self.planner(states, pooled, mask, style)


def fold(x: Tensor) -> Tensor:
    """(b, c, 16, 16) -> (b, 64, 4c): one token a patch of 2x2 cells, row by row."""
    return F.pixel_unshuffle(x, PATCH).flatten(2).transpose(1, 2)


def unfold(tokens: Tensor) -> Tensor:
    """(b, 64, 4c) -> (b, c, 16, 16)."""
    return F.pixel_shuffle(tokens.transpose(1, 2).unflatten(2, (GRID, GRID)), PATCH)
