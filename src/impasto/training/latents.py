"""Every picture's latents, computed once: what the denoiser trains on."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import torch

from impasto.models.nets.autoencoder import Autoencoder
from impasto.training.autoencoder import premultiplied
from impasto.training.checkpoint import averaged_weights
from impasto.training.recipe import built, load

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from impasto.data.dataset import Dataset


def load_autoencoder(recipe_path: Path, device: torch.device) -> Autoencoder:
    """The autoencoder of a finished run, by its recipe."""
    recipe = load(recipe_path)
    net = built(recipe, Autoencoder)
    net.load_state_dict(averaged_weights(recipe.run.out))
    return net.to(device).eval().requires_grad_(False)


def encoder_hash(encoder: nn.Module) -> str:
    """sha256 of its weights, hex."""
    return hashlib.sha256(b"".join(v.cpu().numpy().tobytes() for v in encoder.state_dict().values())).hexdigest()


@torch.no_grad()
def all_latents(dataset: Dataset, autoencoder: Autoencoder, device: torch.device, cache: Path) -> np.ndarray:
    """(n, channels, 16, 16) float16, unit scale, in record order, encoded in bfloat16.

    Kept in `cache` under the encoder's hash, until the data set is built again.
    """
    encoder = autoencoder.encoder
    path = cache / f"latents-{encoder_hash(encoder)[:12]}-{len(dataset.records)}.npy"
    if dataset.is_older_than(path):
        return np.load(path)
    pictures, parts = dataset.pictures(256), []
    for start in range(0, len(pictures), 64):
        with torch.autocast(device.type, torch.bfloat16):
            z = encoder(premultiplied(pictures[start : start + 64]).to(device))
        parts.append(z.half().cpu().numpy())
    latents = np.concatenate(parts)
    cache.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.npy")
    np.save(part, latents)
    part.replace(path)
    return latents
