"""Pictures to latents and back: a small convolutional autoencoder for flat RGBA art.

    picture (batch, 4, 256, 256) premultiplied RGBA, 0..1  <->  latents (batch, channels, 16, 16), about unit variance

No convolution runs on more than 32x32 cells: the picture is folded into cells of 8x8 pixels at the door (pixel
unshuffle, Shi et al. 2016) and unfolded on the way out, which is what makes it quick on a CPU. Fully convolutional:
any size divisible by 16 works, and training on crops teaches whole pictures.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

CELL_PX = 8


class Block(nn.Module):
    """x + pointwise(gelu(3x3(rms_norm(x)))), channels-last."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))
        self.spread = nn.Conv2d(width, width, 3, padding=1)
        self.mix = nn.Conv2d(width, width, 1)
        nn.init.zeros_(self.mix.weight)
        nn.init.zeros_(self.mix.bias)

    def forward(self, x: Tensor) -> Tensor:
        h = rms_norm(x, self.gain)
        return x + self.mix(F.gelu(self.spread(h), approximate="tanh"))


def rms_norm(x: Tensor, gain: Tensor) -> Tensor:
    """Root-mean-square norm over the channels of (batch, channels, height, width)."""
    return F.rms_norm(x.permute(0, 2, 3, 1), (x.shape[1],), gain.to(x.dtype), 1e-6).permute(0, 3, 1, 2)


class Encoder(nn.Module):
    """(batch, 4, 16h, 16w) premultiplied RGBA -> (batch, channels, h, w)."""

    def __init__(
        self, *, channels: int, fine_width: int, coarse_width: int, fine_depth: int, coarse_depth: int
    ) -> None:
        super().__init__()
        self.enter = nn.Conv2d(4 * CELL_PX**2, fine_width, 1)
        self.fine = nn.Sequential(*(Block(fine_width) for _ in range(fine_depth)))
        self.down = nn.Conv2d(4 * fine_width, coarse_width, 1)
        self.coarse = nn.Sequential(*(Block(coarse_width) for _ in range(coarse_depth)))
        self.leave = nn.Conv2d(coarse_width, channels, 1)
        self.register_buffer("latent_mean", torch.zeros(channels))
        self.register_buffer("latent_std", torch.ones(()))

    def raw(self, picture: Tensor) -> Tensor:
        x = (F.pixel_unshuffle(picture, CELL_PX) * 2 - 1).contiguous(memory_format=torch.channels_last)
        x = self.fine(self.enter(x))
        return self.leave(self.coarse(self.down(F.pixel_unshuffle(x, 2))))

    def forward(self, picture: Tensor) -> Tensor:
        return (self.raw(picture) - self.latent_mean[:, None, None]) / self.latent_std


class Decoder(nn.Module):
    """(batch, channels, h, w) -> (batch, 4, 16h, 16w) premultiplied RGBA, about 0..1 (not clipped)."""

    def __init__(
        self, *, channels: int, fine_width: int, coarse_width: int, fine_depth: int, coarse_depth: int
    ) -> None:
        super().__init__()
        self.register_buffer("latent_mean", torch.zeros(channels))
        self.register_buffer("latent_std", torch.ones(()))
        self.enter = nn.Conv2d(channels, coarse_width, 3, padding=1)
        self.coarse = nn.Sequential(*(Block(coarse_width) for _ in range(coarse_depth)))
        self.up = nn.Conv2d(coarse_width, 4 * fine_width, 1)
        self.fine = nn.Sequential(*(Block(fine_width) for _ in range(fine_depth)))
        self.gain = nn.Parameter(torch.ones(fine_width))
        self.leave = nn.Conv2d(fine_width, 4 * CELL_PX**2, 1)

    def raw(self, z: Tensor) -> Tensor:
        x = self.coarse(self.enter(z.contiguous(memory_format=torch.channels_last)))
        x = self.fine(F.pixel_shuffle(self.up(x), 2))
        return F.pixel_shuffle(self.leave(rms_norm(x, self.gain)), CELL_PX) * 0.5 + 0.5

    def forward(self, latents: Tensor) -> Tensor:
        return self.raw(latents * self.latent_std + self.latent_mean[:, None, None])


class Autoencoder(nn.Module):
    """The two halves, trained together; each is exported as a net of its own."""

    def __init__(
        self,
        *,
        channels: int = 16,
        fine_width: int = 128,
        coarse_width: int = 256,
        encoder_depth: tuple[int, int] = (2, 2),
        decoder_depth: tuple[int, int] = (4, 3),
    ) -> None:
        """Depths are (fine, coarse) blocks."""
        super().__init__()
        widths = {"channels": channels, "fine_width": fine_width, "coarse_width": coarse_width}
        self.encoder = Encoder(**widths, fine_depth=encoder_depth[0], coarse_depth=encoder_depth[1])
        self.decoder = Decoder(**widths, fine_depth=decoder_depth[0], coarse_depth=decoder_depth[1])
        self.to(memory_format=torch.channels_last)

    @torch.no_grad()
    def set_scale(self, mean: Tensor, std: Tensor) -> None:
        """Fix the latents' units: `mean` (channels,) and one `std` for all: detail keeps its smaller variance."""
        for half in (self.encoder, self.decoder):
            half.latent_mean.copy_(mean)
            half.latent_std.copy_(std)
