"""The autoencoder stage: pictures to latents and back, sharp at 256 px.

Loss, on premultiplied RGBA: absolute error of the picture laid over a random colour (colour and alpha together), of
alpha, and of their finite differences (edges); a little squared error. Latents carry a fixed noise and a small penalty
on their power, a variational autoencoder with one known variance (Kingma & Welling 2014 with sigma fixed): what is
worth little shrinks towards zero, so the latents order themselves by importance and forgive a denoiser's small errors.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from impasto.core import Unknown
from impasto.data.dataset import open_dataset
from impasto.models.nets.autoencoder import Autoencoder
from impasto.training.batches import Order, rng_at, torch_rng_at
from impasto.training.recipe import Recipe, Strict, built, parse
from impasto.training.sheets import tile

if TYPE_CHECKING:
    from impasto.data.dataset import Dataset


SIZE_PX = 256
"""of the pictures it is trained on and made for"""
STEP_PX = 32
"""crops are cut at multiples of it"""


class Settings(Strict):
    """`[stage]` of an autoencoder's recipe."""

    crop_px: int = Field(default=128, ge=STEP_PX, le=SIZE_PX, multiple_of=STEP_PX)
    """256 trains on whole pictures"""
    noise: float = Field(default=0.15, ge=0)
    """standard deviation of the noise on raw latents"""
    power: float = Field(default=2e-4, ge=0)
    """weight of the mean square of raw latents"""
    squared: float = Field(default=2.0, ge=0)
    """weight of the squared error"""
    edges: float = Field(default=1.0, ge=0)
    """weight of the absolute error of finite differences"""
    times: dict[str, int] = Field(default_factory=dict)
    """style -> how often an epoch (0 leaves it out); 1 where not named"""
    freeze_encoder: bool = False
    """train the decoder alone, latents staying what they are"""
    start: Path | None = None
    """a run to take the first weights from"""


class AutoencoderStage:
    """What the loop trains: the encoder and the decoder together (see run.Stage)."""

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        self.recipe = recipe
        self.settings = parse(Settings, recipe.stage, where="[stage]")
        self.device, self.seed = device, recipe.run.seed
        self.dataset = open_dataset(recipe.run.data)
        self.pictures = self.dataset.pictures(SIZE_PX)
        self.net = built(recipe, Autoencoder).to(device)
        if self.settings.start:
            from impasto.training.checkpoint import averaged_weights

            self.net.load_state_dict(averaged_weights(self.settings.start))
        if self.settings.freeze_encoder:
            self.net.encoder.requires_grad_(False)
        self.order = train_order(self.dataset, self.settings.times, seed=self.seed, batch=recipe.run.batch)

    def loss(self, step: int) -> dict[str, Tensor]:
        picture = self.batch(step)
        raw = self.net.encoder.raw(picture)
        noise = torch.randn(raw.shape, generator=torch_rng_at(self.seed, step)).to(self.device)
        made = self.net.decoder.raw(raw + self.settings.noise * noise).float()
        back = torch.rand(len(picture), 3, 1, 1, generator=torch_rng_at(self.seed, step, 1)).to(self.device)
        values = reconstruction(made, picture, back)
        values["power"] = raw.float().square().mean()
        s = self.settings
        values["loss"] = values["absolute"] + s.edges * values["edges"] + s.squared * values["squared"]
        values["loss"] = values["loss"] + s.power * values["power"]
        return values

    def batch(self, step: int) -> Tensor:
        """(batch, 4, crop, crop) premultiplied RGBA, 0..1."""
        crop, rng = self.settings.crop_px, rng_at(self.seed, step)
        chosen = self.order.at(step)
        corners = rng.integers(0, (SIZE_PX - crop) // STEP_PX + 1, size=(len(chosen), 2)) * STEP_PX
        cut = [self.pictures[i, y : y + crop, x : x + crop] for i, (y, x) in zip(chosen, corners, strict=True)]
        return premultiplied(np.stack(cut)).to(self.device)

    def sheet(self) -> np.ndarray:
        """Held-out pictures, or where none are the training's, above what comes back of them."""
        chosen = held_out(self.dataset)[:24]
        chosen = chosen if len(chosen) else np.unique(self.order.epoch_items)[:24]
        picture = premultiplied(self.pictures[chosen]).to(self.device)
        made = self.net.decoder.raw(self.net.encoder.raw(picture)).clamp(0, 1)
        rows = [picture[:12], made[:12], picture[12:], made[12:]]
        return tile(torch.cat(rows).cpu().numpy(), columns=12)

    def measure(self) -> dict[str, float]:
        """Mean PSNR, dB, of up to 128 held-out pictures; nothing where none are."""
        chosen = held_out(self.dataset)[:128]
        if not len(chosen):
            return {}
        picture = premultiplied(self.pictures[chosen]).to(self.device)
        made = torch.cat([self.net.decoder.raw(self.net.encoder.raw(part)) for part in picture.split(32)])
        return {"psnr_db": float(psnr_db(made, picture).mean())}

    def finish(self) -> None:
        """Measure the latents' mean and spread on training pictures, so that a denoiser meets about unit variance."""
        if self.settings.freeze_encoder:
            return
        chosen = np.unique(self.order.epoch_items)[:: max(1, len(self.order.epoch_items) // 2000)]
        parts = [chosen[start : start + 64] for start in range(0, len(chosen), 64)]
        raw = torch.cat([self.net.encoder.raw(premultiplied(self.pictures[p]).to(self.device)) for p in parts])
        mean = raw.mean(dim=(0, 2, 3))
        self.net.set_scale(mean, (raw - mean[:, None, None]).std())

    def export(self, folder: Path) -> None:
        from impasto.training.checkpoint import averaged_weights
        from impasto.training.publish import export_autoencoder

        net = built(self.recipe, Autoencoder)
        net.load_state_dict(averaged_weights(self.recipe.run.out))
        export_autoencoder(net.eval().requires_grad_(False), folder)


def reconstruction(made: Tensor, picture: Tensor, back: Tensor) -> dict[str, Tensor]:
    """The parts of the loss; `made`, `picture` (batch, 4, height, width), `back` (batch, 3, 1, 1) colours, 0..1."""
    error = made - picture
    over = torch.cat([error[:, :3] - error[:, 3:] * back, error[:, 3:]], dim=1)
    edges = over.diff(dim=-1).abs().mean() + over.diff(dim=-2).abs().mean()
    return {"absolute": over.abs().mean(), "edges": edges, "squared": error.square().mean()}


def premultiplied(pixels: np.ndarray) -> Tensor:
    """(n, h, w, 4) uint8 unpremultiplied -> (n, 4, h, w) float32 premultiplied, 0..1, channels-last in memory."""
    x = torch.from_numpy(np.array(pixels, np.float32)).div_(255)
    x[..., :3] *= x[..., 3:]
    return x.permute(0, 3, 1, 2)


def train_order(dataset: Dataset, times: dict[str, int], *, seed: int, batch: int) -> Order:
    """The training split only: a held-out picture is never an item of any training step.

    `times` is style -> how often an epoch, 1 where not named. Raises Unknown for a style the data set does not have.
    """
    for style in set(times) - set(dataset.styles):
        raise Unknown("stage.times", style, dataset.styles)
    chosen = [(i, times.get(r.style, 1)) for i, r in enumerate(dataset.records) if r.split == "train"]
    items, counts = np.array(chosen, np.int64).reshape(-1, 2).T
    return Order(items, counts, seed=seed, batch=batch)


def held_out(dataset: Dataset, styles: set[str] | None = None) -> np.ndarray:
    """Places of the held-out records, in a fixed shuffled order so that the first few are a fair sample."""
    places = [
        i for i, r in enumerate(dataset.records) if r.split == "held_out" and (styles is None or r.style in styles)
    ]
    return np.random.default_rng(0).permutation(np.array(places, np.int64))


def psnr_db(made: Tensor, picture: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of each picture over its four premultiplied channels, (batch,), dB."""
    return -10 * torch.log10(F.mse_loss(made.clamp(0, 1), picture, reduction="none").mean(dim=(1, 2, 3)))
