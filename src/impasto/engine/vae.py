"""Between pixels and the latents of an autoencoder that knows no transparency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy import ndarray

    from impasto.ports import Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class Vae:
    """Latents are (z - shift) * scale of what the encoder gives (Rombach et al. 2022, section D.1)."""

    encoder: Runtime
    decoder: Runtime
    scale: float
    shift: float = 0.0

    def decode(self, latents: ndarray) -> ndarray:
        """(channels, rows, columns) -> (4, height, width), premultiplied RGBA about 0..1, opaque."""
        z = (latents[None] / np.float32(self.scale) + np.float32(self.shift)).astype(np.float32)
        picture = self.decoder.run({"latents": z})["picture"][0] / 2 + np.float32(0.5)
        return np.concatenate([picture, np.ones_like(picture[:1])])

    def encode(self, painted: ndarray) -> ndarray:
        """(4, height, width) float32, premultiplied RGBA 0..1 -> clean latents; what is transparent is white."""
        return self.encode_rgb(painted[:3] + (1 - painted[3:]))

    def encode_rgb(self, colours: ndarray) -> ndarray:
        """(3, height, width) float32, 0..1 -> clean latents."""
        z = self.encoder.run({"picture": colours[None] * 2 - 1})["latents"][0]
        latents: ndarray = (z - np.float32(self.shift)) * np.float32(self.scale)
        return latents
