"""The block that Mini's nets share: a pre-norm transformer, adaptive norms where there is something to adapt to.

Shape letters: b batch, n tokens, m context tokens, w width, h heads.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

HEAD = 64


class Attention(nn.Module):
    """Multi-head attention with RMS-normalised queries and keys (Dehghani et al. 2023); over `context` if given."""

    def __init__(self, width: int, context: int | None = None) -> None:
        super().__init__()
        self.heads = width // HEAD
        self.q = nn.Linear(width, width, bias=False)
        self.kv = nn.Linear(context or width, 2 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        nn.init.zeros_(self.out.weight)

    def forward(self, x: Tensor, context: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """x (b, n, w), context (b, m, c), mask (b, m) true where there is a token -> (b, n, w)."""
        source = x if context is None else context
        q = self.q(x).unflatten(-1, (self.heads, HEAD)).transpose(1, 2)
        k, v = self.kv(source).unflatten(-1, (2, self.heads, HEAD)).permute(2, 0, 3, 1, 4)
        q, k = F.rms_norm(q, (HEAD,), eps=1e-6), F.rms_norm(k, (HEAD,), eps=1e-6)
        scores = q @ k.transpose(-1, -2) * HEAD**-0.5
        if mask is not None:
            scores = scores.masked_fill(~mask[:, None, None, :], -1e4)
        return self.out((scores.softmax(-1).to(v.dtype) @ v).transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Attention, perhaps attention over a context, then an MLP; scale, shift and gate from `condition` if adaptive.

    One modulation (b, 6w) is computed for all blocks; each adds its own learned offset (PixArt-alpha's adaLN-single).
    """

    def __init__(self, width: int, *, expand: int = 4, context: int | None = None, adaptive: bool = True) -> None:
        super().__init__()
        self.attention = Attention(width)
        self.look = Attention(width, context) if context else None
        self.up = nn.Linear(width, expand * width)
        self.down = nn.Linear(expand * width, width)
        nn.init.zeros_(self.down.weight)
        nn.init.zeros_(self.down.bias)
        offset = torch.zeros(6, width)
        offset[2] = offset[5] = 1.0
        self.offset = nn.Parameter(offset) if adaptive else None
        self.width = width

    def forward(
        self,
        x: Tensor,
        modulation: Tensor | None = None,
        context: Tensor | None = None,
        mask: Tensor | None = None,
        own_mask: Tensor | None = None,
    ) -> Tensor:
        if self.offset is None:
            x = x + self.attention(self.norm(x), mask=own_mask)
            return x + self.mlp(self.norm(x))
        shift, scale, gate, shift2, scale2, gate2 = (
            (modulation.unflatten(-1, (6, -1)) + self.offset).unsqueeze(2).unbind(1)
        )
        x = x + gate * self.attention(self.norm(x) * (1 + scale) + shift)
        if self.look is not None:
            x = x + self.look(self.norm(x), context, mask)
        return x + gate2 * self.mlp(self.norm(x) * (1 + scale2) + shift2)

    def norm(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, (self.width,), eps=1e-6)

    def mlp(self, x: Tensor) -> Tensor:
        return self.down(F.gelu(self.up(x), approximate="tanh"))


class Modulation(nn.Module):
    """A condition vector (b, w) -> the six modulations of every block, (b, 6w)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.enter = nn.Linear(width, width)
        self.leave = nn.Linear(width, 6 * width)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, condition: Tensor) -> Tensor:
        return self.leave(F.silu(self.enter(F.silu(condition))))


def fourier(t: Tensor, width: int) -> Tensor:
    """Times (b,) in 0..1 -> (b, width) sines and cosines, frequencies 1 to 1000 turns geometrically spaced."""
    frequencies = torch.exp(torch.linspace(0.0, 6.9, width // 2, device=t.device)) * torch.pi
    angles = t[:, None].float() * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=-1)
