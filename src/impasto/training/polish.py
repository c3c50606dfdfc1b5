"""The polish stage: the decoder trained on, on what the painter really answers, so that it forgives what is blurred.

Half of the latents are clean, so that true pictures come back as before; the others are the painter's one answer to
them under a little noise, and the decoder is still to give the true picture. Loss: the autoencoder's reconstruction,
with more weight on edges, over black, white or any colour, where grey halos show; and crispness, how strong
the edges are in each small window wherever they lie in it, since an error for each pixel alone is least for a blur
where the latents leave open where an edge lies. The encoder stays what it is, and with it all latents.
"""

from __future__ import annotations

from copy import deepcopy
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from impasto.models.nets.autoencoder import CELL_PX
from impasto.training.autoencoder import premultiplied, psnr_db, reconstruction
from impasto.training.batches import torch_rng_at
from impasto.training.examples import Examples
from impasto.training.finished import line_of, load_mini, settings_of
from impasto.training.measures import edge_width_px, halo
from impasto.training.recipe import Recipe, Strict, parse
from impasto.training.sheets import tile

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

EXAMINED, SHOWN, TIME = 96, 16, 0.25
"""held-out pairs measured, held-out pairs on a sheet, and from which time the painter answers for both"""
EDGE_PX, STEP = 5, 0.1
"""an edge is where a channel changes by more than this share within a window of this side"""


class Settings(Strict):
    """`[stage]` of a polish recipe."""

    painter: Path
    """recipe of the distil or denoiser run whose painter answers"""
    painted: float = Field(default=0.5, ge=0, le=1)
    """the share of latents that are its answers; the rest are clean"""
    times: tuple[float, float] = (0.1, 0.4)
    """between which it answers; t = 1 is noise"""
    plain: float = Field(default=0.5, ge=0, le=1)
    """the share of pictures compared over black or white; the rest are over a random colour"""
    edges: float = Field(default=2.0, ge=0)
    """weight of the absolute error of finite differences"""
    squared: float = Field(default=1.0, ge=0)
    """weight of the squared error"""
    crisp: float = Field(default=0.5, ge=0)
    """weight of the error of crispness"""


class PolishStage:
    """What the loop trains: the decoder alone (see run.Stage)."""

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        self.recipe = recipe
        self.settings = parse(Settings, recipe.stage, where="[stage]")
        self.device, self.seed = device, recipe.run.seed
        line = line_of(recipe)
        taught = settings_of(line).model_copy(update={"scenes": None, "dropped": 0.0})
        self.examples = Examples(line["denoiser"], taught, recipe.run, device)
        self.pictures = self.examples.dataset.pictures(256)
        self.mini = load_mini(line, device)
        self.before = self.examples.autoencoder.decoder
        self.net = deepcopy(self.before).requires_grad_(True)

    def loss(self, step: int) -> dict[str, Tensor]:
        s, rng = self.settings, torch_rng_at(self.seed, step)
        clean, tokens, style = self.examples.at(step)
        picture = self.true(self.examples.order.at(step))
        low, high = s.times
        t = low + (high - low) * torch.rand(len(clean), generator=rng)
        noise = torch.randn(clean.shape, generator=rng)
        answered = torch.rand(len(clean), generator=rng) < s.painted
        back = backs(len(clean), s.plain, rng).to(self.device)
        with torch.no_grad():
            painted = self.answers(clean, t.to(self.device), noise.to(self.device), tokens, style)
        made = self.net(torch.where(answered.to(self.device)[:, None, None, None], painted, clean)).float()
        values = reconstruction(made, picture, back)
        values["crisp"] = (crispness(made) - crispness(picture)).abs().mean()
        values["loss"] = values["absolute"] + s.edges * values["edges"] + s.squared * values["squared"]
        values["loss"] = values["loss"] + s.crisp * values["crisp"]
        return values

    def true(self, chosen: np.ndarray) -> Tensor:
        """(n, 4, 256, 256) premultiplied RGBA, 0..1."""
        return premultiplied(self.pictures[chosen]).to(self.device)

    def answers(self, clean: Tensor, t: Tensor, noise: Tensor, tokens: Tensor, style: Tensor) -> Tensor:
        """What the painter makes of clean latents (b, c, 16, 16) under noise at t (b,), told the words."""
        at = t[:, None, None, None]
        return self.mini.painter((1 - at) * clean + at * noise, t, *self.mini.plan(tokens, style))

    @cached_property
    def examined(self) -> tuple[Tensor, Tensor, Tensor, dict[str, float]]:
        """Held-out pairs: true pictures, clean latents, the painter's answers; and what the decoder made of them
        before it was polished."""
        chosen, clean, tokens, style = self.examples.held_out(EXAMINED)
        picture = self.true(chosen)
        noise = torch.randn(clean.shape, generator=torch_rng_at(7, 0)).to(self.device)
        painted = self.answers(clean, torch.full((len(clean),), TIME, device=self.device), noise, tokens, style)
        return picture, clean, painted, numbers_of(self.before, picture, clean, painted)

    def sheet(self) -> np.ndarray:
        """Held-out pairs, four rows: the true picture; what the painter's answer becomes without and with polish; and
        what the clean latents become with it."""
        picture, clean, painted, _ = self.examined
        made = [self.before(painted[:SHOWN]), self.net(painted[:SHOWN]), self.net(clean[:SHOWN])]
        shown = torch.cat([picture[:SHOWN], *made]).clamp(0, 1)
        return tile(shown.cpu().numpy(), columns=len(picture[:SHOWN]))

    def measure(self) -> dict[str, float]:
        """See `numbers_of`; those that end in `_before` are the unpolished decoder's."""
        picture, clean, painted, before = self.examined
        now = numbers_of(self.net, picture, clean, painted)
        return now | {f"{name}_before": value for name, value in before.items()}

    def finish(self) -> None:
        """Nothing to close: the averaged weights are the result."""

    def export(self, folder: Path) -> None:
        """The whole model, with the line's painter and this decoder."""
        from impasto.training.publish import publish

        publish(self.recipe, folder)


def numbers_of(decoder: nn.Module, picture: Tensor, clean: Tensor, painted: Tensor) -> dict[str, float]:
    """PSNR in dB, error at edges, halo and edge width of what a decoder makes of clean and of painted latents."""
    found = {}
    for name, latents in (("clean", clean), ("painted", painted)):
        made = torch.cat([decoder(part) for part in latents.split(32)]).clamp(0, 1)
        found[f"{name}_psnr_db"] = float(psnr_db(made, picture).mean())
        found[f"{name}_edges"] = float(error_at_edges(made, picture))
        found[f"{name}_halo"] = float(halo(made).median())
        found[f"{name}_edge_width_px"] = float(edge_width_px(made).median())
    return found


def error_at_edges(made: Tensor, picture: Tensor) -> Tensor:
    """The mean absolute error, in levels of 255, of premultiplied pixels beside an edge of the true picture."""
    highest, lowest = (sign * F.max_pool2d(sign * picture, EDGE_PX, 1, EDGE_PX // 2) for sign in (1, -1))
    beside = ((highest - lowest).amax(dim=1) > STEP).float()
    return 255 * ((made - picture).abs().mean(dim=1) * beside).sum() / beside.sum().clamp_min(1)


def crispness(pictures: Tensor) -> Tensor:
    """The root mean square of finite differences in each cell of 8x8 pixels, (b, 4, height / 8, width / 8).

    A blurred edge has the same sum of differences as a sharp one, but a smaller sum of their squares.
    """
    across, down = F.pad(pictures.diff(dim=-1), (0, 1)), F.pad(pictures.diff(dim=-2), (0, 0, 0, 1))
    return (F.avg_pool2d(across.square() + down.square(), CELL_PX) + 1e-6).sqrt()


def backs(count: int, plain: float, rng: torch.Generator) -> Tensor:
    """(count, 3, 1, 1) colours 0..1 to lay pictures over: black or white with the chance `plain`, or any."""
    any_colour = torch.rand(count, 3, 1, 1, generator=rng)
    black_or_white = torch.rand(count, 1, 1, 1, generator=rng).round()
    return torch.where(torch.rand(count, 1, 1, 1, generator=rng) < plain, black_or_white, any_colour)
