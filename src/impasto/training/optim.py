"""Steps: Muon for matrices inside blocks, AdamW for the rest, one learning-rate curve, averaged weights.

Knows parameters and seen pictures; does not know what is trained.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from impasto.training.recipe import Optim


def rate_at(seen: int, total: int, optim: Optim) -> float:
    """The share of the peak rate after `seen` of `total` pictures: linear warm-up, a plateau, linear decay to zero."""
    warm = min(1.0, (seen + 1) / max(1, optim.warmup))
    decay_from = total * (1 - optim.decay)
    left = 1.0 if seen <= decay_from else max(0.0, (total - seen) / max(1.0, total - decay_from))
    return warm * left


def is_block_matrix(name: str, parameter: Tensor) -> bool:
    """Muon is for the hidden matrices: not for embeddings, entries, exits, gains or biases (Jordan et al. 2024)."""
    return parameter.ndim == 2 and ".blocks." in f".{name}" and min(parameter.shape) > 16


class Optimizers:
    """AdamW and perhaps Muon behind one step()."""

    def __init__(self, net: nn.Module, optim: Optim) -> None:
        named = [(name, p) for name, p in net.named_parameters() if p.requires_grad]
        matrices = [p for name, p in named if optim.muon_rate and is_block_matrix(name, p)]
        chosen = {id(p) for p in matrices}
        rest = [p for _, p in named if id(p) not in chosen]
        self.peak = {"adamw": optim.rate, "muon": optim.muon_rate}
        self.each: dict[str, torch.optim.Optimizer] = {
            "adamw": torch.optim.AdamW(
                [
                    {"params": [p for p in rest if p.ndim >= 2], "weight_decay": optim.weight_decay},
                    {"params": [p for p in rest if p.ndim < 2], "weight_decay": 0.0},
                ],
                lr=optim.rate,
                betas=optim.betas,
                fused=True,
            )
        }
        if matrices:
            self.each["muon"] = torch.optim.Muon(
                matrices, lr=optim.muon_rate, weight_decay=optim.weight_decay, adjust_lr_fn="match_rms_adamw"
            )

    def step(self, share: float) -> None:
        for name, optimizer in self.each.items():
            for group in optimizer.param_groups:
                group["lr"] = self.peak[name] * share
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def state_dict(self) -> dict[str, dict]:
        return {name: optimizer.state_dict() for name, optimizer in self.each.items()}

    def load_state_dict(self, state: dict[str, dict]) -> None:
        for name, optimizer in self.each.items():
            optimizer.load_state_dict(state[name])


class Averages:
    """Exponential moving averages of a net's weights, one a horizon; young ones follow faster (cf. EDM2, 2024)."""

    def __init__(self, net: nn.Module, horizons: tuple[float, ...]) -> None:
        self.net, self.horizons = net, horizons
        self.each = [{k: v.detach().clone() for k, v in net.state_dict().items()} for _ in horizons]

    @torch.no_grad()
    def update(self, step: int) -> None:
        current = self.net.state_dict()
        keys = [k for k, v in current.items() if v.is_floating_point()]
        for horizon, average in zip(self.horizons, self.each, strict=True):
            keep = min(horizon, (1 + step) / (10 + step))
            torch._foreach_lerp_([average[k] for k in keys], [current[k] for k in keys], 1 - keep)
