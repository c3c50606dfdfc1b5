"""The denoiser stage: words, planner and painter together, on precomputed latents.

Loss: the planner's guess against the clean latents, and the painter's prediction of them at a random time, weighted
as an error of velocity (1/t^2, with t floored; Li & He 2025). Times are logit-normal (Esser et al. 2024).
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from impasto.models.nets.denoiser import Mini
from impasto.training.batches import torch_rng_at
from impasto.training.examples import Examples
from impasto.training.recipe import Recipe, Strict, parse
from impasto.training.scenes import Settings as SceneSettings
from impasto.training.sheets import tile

if TYPE_CHECKING:
    import numpy as np


class Settings(Strict):
    autoencoder: Path
    """recipe of the run that made the autoencoder"""
    words: Path | None = None
    """recipe of the run whose text encoder is the start; None: from nothing"""
    start: Path | None = None
    """a run of this stage, or a model folder, to take the first weights from; `words` then replaces its text encoder"""
    tokenizer: Path
    card: Path
    """the hand-written half of the model's card"""
    styles: dict[str, int]
    """style -> how often its pictures come an epoch; the order gives each style its index"""
    name: float = 0.55
    foreign: float = 0.15
    dropped: float = 0.1
    keyword: float = 0.1
    """chances of the English name, another language's name, no words, and a keyword or last word of a name alone; the
    rest are other captions"""
    scenes: SceneSettings | None = None
    """composed scenes among the pictures; None: none"""
    plan_weight: float = 1.0
    time_mean: float = 0.4
    time_spread: float = 1.0
    """of the logit of t; t = 1 is noise"""
    time_floor: float = 0.1


class DenoiserStage:
    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        self.recipe = recipe
        self.settings = s = parse(Settings, recipe.stage, where="[stage]")
        self.device, self.seed = device, recipe.run.seed
        self.examples = Examples(recipe, s, recipe.run, device)
        self.net = Mini(**recipe.net, styles=len(s.styles)).to(device)
        self.take_first_weights()
        if recipe.run.compile:
            for block in (*self.net.planner.fine["blocks"], *self.net.painter.blocks):  # the ones of one fixed shape
                block.compile(dynamic=False)

    def take_first_weights(self) -> None:
        from impasto.training.checkpoint import averaged_weights, first_weights
        from impasto.training.recipe import load

        if self.settings.start:
            self.net.load_state_dict(first_weights(self.settings.start))
        if self.settings.words:
            weights = averaged_weights(load(self.settings.words).run.out)
            own = {k.removeprefix("words."): v for k, v in weights.items() if k.startswith("words.")}
            self.net.words.load_state_dict(own)

    def loss(self, step: int) -> dict[str, Tensor]:
        s = self.settings
        clean, tokens, style = self.examples.at(step)
        t, noise = self.times_and_noise(step, clean)
        plan, condition = self.net.plan(tokens, style)
        planned = (self.net.painter.guess(plan) - clean).square().mean()
        x = (1 - t)[:, None, None, None] * clean + t[:, None, None, None] * noise
        painted = (self.net.painter(x, t, plan, condition) - clean).square().mean(dim=(1, 2, 3))
        painting = (painted / t.clamp_min(s.time_floor).square()).mean()
        return {"loss": painting + s.plan_weight * planned, "planned": planned, "painted": painted.mean()}

    def times_and_noise(self, step: int, clean: Tensor) -> tuple[Tensor, Tensor]:
        rng = torch_rng_at(self.seed, step)
        logits = torch.randn(len(clean), generator=rng) * self.settings.time_spread + self.settings.time_mean
        return logits.sigmoid().to(self.device), torch.randn(clean.shape, generator=rng).to(self.device)

    def sheet(self) -> np.ndarray:
        """Held-out pairs, four rows: the true picture through the autoencoder, the plan's guess, two drawings."""
        _, true, tokens, style = self.examples.held_out(16)
        plan, condition = self.net.plan(tokens, style)
        noises = [torch.randn(true.shape, generator=torch_rng_at(7, k)).to(self.device) for k in range(2)]
        rows = [true, self.net.painter.guess(plan)]
        rows += [walk(self.net, noise, plan, condition, steps=12) for noise in noises]
        made = torch.cat([self.examples.autoencoder.decoder(row) for row in rows]).clamp(0, 1)
        return tile(made.cpu().numpy(), columns=16)

    def measure(self) -> dict[str, float]:
        """Mean squared error of the guess, and of the painter at fixed times, on up to 256 held-out pairs."""
        _, true, tokens, style = self.examples.held_out(256)
        noise = torch.randn(true.shape, generator=torch_rng_at(7, 0)).to(self.device)
        plan, condition = self.net.plan(tokens, style)
        found = {"planned": float((self.net.painter.guess(plan) - true).square().mean())}
        for t in (0.98, 0.8, 0.5, 0.2):
            at = torch.full((len(true),), t, device=self.device)
            made = self.net.painter((1 - t) * true + t * noise, at, plan, condition)
            found[f"painted_{t}"] = float((made - true).square().mean())
        return found

    def finish(self) -> None:
        """Nothing to close: the averaged weights are the result."""

    def export(self, folder: Path) -> None:
        """The whole model: words, denoiser and both halves of the autoencoder, tokenizer and card."""
        from impasto.training.publish import publish

        publish(self.recipe, folder)


def walk(net: Mini, noise: Tensor, plan: Tensor, condition: Tensor, *, steps: int) -> Tensor:
    """A plain Euler walk down the flow, for sheets; the engine has the real samplers."""
    x, times = noise, torch.linspace(0.995, 0, steps + 1)
    for t, t_next in pairwise(times):
        clean = net.painter(x, t.expand(len(x)).to(x.device), plan, condition)
        x = clean + (x - clean) * (t_next / t)
    return x
