"""The distil stage: a painter that walks in a few steps, with one pass a step, where another needs many with two.

The teacher is a denoiser's painter under guidance (Ho & Salimans 2022). The student begins as its copy and learns to
land after one step where the teacher lands after several: progressive distillation (Salimans & Ho 2022) with the
guidance folded in (Meng et al. 2023), in one go and piece by piece of the way (Yan et al. 2024, "PeRFlow") instead of
halving the steps again and again. The steps are those of the engine's own curve, from noise and, for editing, from
part of the way down. Half of them set out from where the student itself has walked to, since that is what it will
meet (Ross et al. 2011, "DAgger"), the rest from pictures under noise.

Loss: the squared distance from where the teacher lands, over the step's length in time: an error of mean velocity.
A step's length is not told to the student, so it should mostly be trained for one number of steps.
"""

from __future__ import annotations

import tomllib
from copy import deepcopy
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from impasto.engine import samplers
from impasto.engine.sigmas import curve
from impasto.training.batches import rng_at, torch_rng_at
from impasto.training.examples import Examples
from impasto.training.finished import line_of, load_mini, settings_of
from impasto.training.recipe import Recipe, Strict, parse
from impasto.training.sheets import tile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from impasto.models.nets.denoiser import Painter
    from impasto.training.denoiser import Settings as DenoiserSettings

    Denoise = Callable[[Tensor, Tensor], Tensor]
    """x (b, c, 16, 16) at times t (b,) -> denoised"""
    Given = tuple[Tensor, Tensor]
    """plan and condition"""

MOST_STEPS, EXAMINED, SHOWN = 30, 96, 16
"""of the teacher where it is the yardstick, and on how many held-out pairs; how many a sheet shows"""


class Settings(Strict):
    """`[stage]` of a distil recipe."""

    painter: Path
    """recipe of the denoiser whose painter is the teacher and the start"""
    guidance: float = Field(default=2.5, ge=0)
    """of the teacher"""
    substeps: int = Field(default=3, ge=1)
    """of the teacher in one step of the student"""
    steps: int = Field(default=4, ge=1)
    """the walk that the student is for; the card says it"""
    also: tuple[int, ...] = (2, 3, 6, 8)
    """walks of other numbers of steps"""
    also_share: float = Field(default=0.15, ge=0, le=1)
    """of the steps that belong to those"""
    edited: float = Field(default=0.25, ge=0, le=1)
    """the share of walks that set out from a picture, at any strength"""
    rolled: float = Field(default=0.5, ge=0, le=1)
    """the share of steps that set out from where the student walked to, not from a picture under noise"""
    dropped: float = Field(default=0.03, ge=0, le=1)
    """the chance of no words, where there is nothing to guide: what a second pass at inference compares with"""
    time_floor: float = Field(default=0.1, gt=0, le=1)


class DistilStage:
    """What the loop trains: the painter alone (see run.Stage)."""

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        self.recipe = recipe
        self.settings = s = parse(Settings, recipe.stage, where="[stage]")
        self.device, self.seed, self.batch = device, recipe.run.seed, recipe.run.batch
        line = line_of(recipe)
        taught = settings_of(line)
        self.levels = levels_of(taught)
        self.examples = Examples(line["denoiser"], with_words(taught, s.dropped), recipe.run, device)
        self.teacher = load_mini({"denoiser": line["denoiser"]}, device)
        self.net = deepcopy(self.teacher.painter).requires_grad_(True)
        styles = torch.arange(len(taught.styles), device=device)
        with torch.no_grad():
            self.wordless = self.teacher.plan(torch.zeros(len(styles), 4, dtype=torch.long, device=device), styles)
        self.paint, self.teach = self.net, self.teacher.painter
        if recipe.run.compile:
            self.paint, self.teach = compiled(self.paint), compiled(self.teach)

    def loss(self, step: int) -> dict[str, Tensor]:
        clean, tokens, style = self.examples.at(step)
        with torch.no_grad():
            given = self.teacher.plan(tokens, style)
            x, t, t_next = self.setting_out(step, clean, given)
            landed = walked(self.guided(given, style, self.teach), x, t, t_next, self.settings.substeps)
            kept = rows(t_next / t)
            aim = (landed - kept * x) / (1 - kept)  # what the student must say to land there
        apart = (self.paint(x, t, *given) - aim).square().mean(dim=(1, 2, 3))
        return {"loss": (apart / t.clamp_min(self.settings.time_floor).square()).mean(), "apart": apart.mean()}

    def setting_out(self, step: int, clean: Tensor, given: Given) -> tuple[Tensor, Tensor, Tensor]:
        """Where the batch's steps set out: x (b, c, 16, 16) at t (b,), and the times where they end (b,)."""
        times, walking, place = self.walks(step)
        rng, b = rng_at(self.seed, step, 1), np.arange(self.batch)
        rolled = rng.random(self.batch) < self.settings.rolled
        first = np.where(rolled, 0, place)
        noise = torch.randn(clean.shape, generator=torch_rng_at(self.seed, step)).to(self.device)
        others = torch.from_numpy(np.where(rng.random(self.batch) < 0.5, b, rng.permutation(b))).to(self.device)
        clean = torch.where(self.mask(walking), clean[others], clean)  # people have other things drawn over a picture
        there = self.mask(walking | (first > 0))  # a walk from nothing has no picture in it
        t = self.times(times[b, first])
        x = torch.where(there, (1 - rows(t)) * clean, 0) + rows(t) * noise
        for k in range(int(place[rolled].max(initial=0))):
            on = np.flatnonzero(rolled & (place > k))
            t, t_next = self.times(times[on, k]), self.times(times[on, k + 1])
            on = torch.from_numpy(on).to(self.device)
            x[on] = walked(given_to(self.net, given, on), x[on], t, t_next, 1)
        return x, self.times(times[b, place]), self.times(times[b, place + 1])

    def walks(self, step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The batch's walks: their times (b, most + 1), falling to 0; which set out from a picture (b,); and which of
        its steps each row is to learn (b,)."""
        s, rng = self.settings, rng_at(self.seed, step, 2)
        steps = np.where(rng.random(self.batch) < s.also_share, rng.choice(s.also or (s.steps,), self.batch), s.steps)
        edited = rng.random(self.batch) < s.edited
        strength = np.where(edited, 1 - rng.random(self.batch), 1.0)
        times, place = np.zeros((self.batch, steps.max() + 1)), np.zeros(self.batch, np.int64)
        for row in range(self.batch):
            sigmas = np.array(self.levels(int(steps[row]), strength=float(strength[row])))
            times[row, : len(sigmas)] = sigmas / (1 + sigmas)
            place[row] = rng.integers(len(sigmas) - 1)
        return times, edited, place

    def times(self, t: np.ndarray) -> Tensor:
        return torch.from_numpy(t.astype(np.float32)).to(self.device)

    def mask(self, chosen: np.ndarray) -> Tensor:
        return rows(torch.from_numpy(chosen).to(self.device))

    def guided(self, given: Given, style: Tensor, painter: Callable[..., Tensor]) -> Denoise:
        """The teacher under guidance: both of its answers in one call."""
        both = [torch.cat([words, none[style]]) for words, none in zip(given, self.wordless, strict=True)]

        def denoise(x: Tensor, t: Tensor) -> Tensor:
            words, none = painter(torch.cat([x, x]), torch.cat([t, t]), *both).chunk(2)
            return none + (words - none) * self.settings.guidance

        return denoise

    @cached_property
    def examined(self) -> tuple[Tensor, Tensor, Given, dict[str, Tensor]]:
        """Held-out pairs: true latents, noise, plans, and where the teacher's walks end."""
        _, true, tokens, style = self.examples.held_out(EXAMINED)
        given = self.teacher.plan(tokens, style)
        noise = torch.randn(true.shape, generator=torch_rng_at(7, 0)).to(self.device)
        guided = self.guided(given, style, self.teacher.painter)
        ends = {
            "whole": self.drawn(guided, noise, MOST_STEPS, sampler="dpmpp_2m"),
            "edited": self.drawn(guided, noise, MOST_STEPS, true, sampler="dpmpp_2m"),
            "hurried": self.drawn(guided, noise, self.settings.steps),
        }
        return true, noise, given, ends

    def drawn(
        self, denoise: Denoise, noise: Tensor, steps: int, start: Tensor | None = None, *, sampler: str = "euler"
    ) -> Tensor:
        """Latents as the engine's own sampler draws them: from noise, or half of the way down from `start`."""
        levels = self.levels(steps, strength=1.0 if start is None else 0.5)
        x = noise * levels[0] + (0 if start is None else start)
        return followed(denoise, samplers.STEADY[sampler](x, levels))

    def sheet(self) -> np.ndarray:
        """Held-out pairs, four rows: the true picture, the teacher's long walk, its walk in as few steps as the
        student's, and the student's."""
        true, noise, given, ends = self.examined
        mine = self.drawn(given_to(self.net, given, slice(SHOWN)), noise[:SHOWN], self.settings.steps)
        shown = [true[:SHOWN], ends["whole"][:SHOWN], ends["hurried"][:SHOWN], mine]
        made = torch.cat([self.examples.autoencoder.decoder(row) for row in shown]).clamp(0, 1)
        return tile(made.cpu().numpy(), columns=len(mine))

    def measure(self) -> dict[str, float]:
        """Mean squared distances of latents on up to 96 held-out pairs, none of which says how good the planner is.

        `landed_N` is the student's walk of N steps, and `landed_edited` its walk from half of the way down, from the
        teacher's long one; `landed_teacher` is the teacher's own walk in as few steps; `true` and `true_teacher` are
        from the true picture.
        """
        true, noise, given, ends = self.examined
        painter, steps = given_to(self.net, given, slice(None)), self.settings.steps
        mine = {n: self.drawn(painter, noise, n) for n in sorted({steps, *self.settings.also})}
        edited = self.drawn(painter, noise, steps, true)
        pairs = {f"landed_{n}": (made, ends["whole"]) for n, made in mine.items()} | {
            "landed_teacher": (ends["hurried"], ends["whole"]),
            "landed_edited": (edited, ends["edited"]),
            "true": (mine[steps], true),
            "true_teacher": (ends["whole"], true),
        }
        return {name: float((a - b).square().mean()) for name, (a, b) in pairs.items()}

    def finish(self) -> None:
        """Nothing to close: the averaged weights are the result."""

    def export(self, folder: Path) -> None:
        """The whole model, as the denoiser's is, with this painter."""
        from impasto.training.publish import publish

        publish(self.recipe, folder)


def walked(denoise: Denoise, x: Tensor, t: Tensor, t_next: Tensor, steps: int) -> Tensor:
    """From t down to t_next (b,) in even steps of DPM-Solver++(2M) (Lu et al. 2022b, Algorithm 2), the first of them
    DDIM's, which is all there is of a single one. In the flow's own terms: x = (1 - t) x_0 + t noise."""
    before = h_before = None
    for k in range(steps):
        here, there = (torch.lerp(t, t_next, share / steps) for share in (k, k + 1))
        denoised = ahead = denoise(x, here)
        h = torch.logit(here) - torch.logit(there)  # infinite for a step to 0, which has nothing ahead to guess
        if before is not None:
            ahead = torch.where(rows(there > 0), denoised + (denoised - before) * rows(h / (2 * h_before)), denoised)
        x = ahead + (x - ahead) * rows(there / here)
        before, h_before = denoised, h
    return x


def followed(denoise: Denoise, walk: samplers.Walk) -> Tensor:
    """Where a walk of the engine's ends. It speaks of x = x_0 + sigma noise, nets of that over 1 + sigma."""
    x, sigma = next(walk)
    while True:
        t = torch.full((len(x),), sigma / (1 + sigma), device=x.device)
        try:
            x, sigma = walk.send(denoise(x / (1 + sigma), t))
        except StopIteration as stop:
            return stop.value


def compiled(painter: Painter) -> Painter:
    """The same weights behind compiled blocks, for batches of one size; rolling out has batches of any."""
    twin = deepcopy(painter, {id(each): each for each in painter.parameters()})
    for block in twin.blocks:
        block.compile(dynamic=False)
    return twin


def given_to(painter: Callable[..., Tensor], given: Given, chosen: Tensor | slice) -> Denoise:
    """A painter with the plans of the chosen rows."""
    plan, condition = (each[chosen] for each in given)
    return lambda x, t: painter(x, t, plan, condition)


def with_words(settings: DenoiserSettings, dropped: float) -> DenoiserSettings:
    """A denoiser's settings with another chance of no words, scenes included."""
    scenes = settings.scenes and settings.scenes.model_copy(update={"dropped": dropped})
    return settings.model_copy(update={"dropped": dropped, "scenes": scenes})


def levels_of(settings: DenoiserSettings) -> Callable[..., Sequence[float]]:
    """(steps, strength=...) -> the noise levels that the engine walks by default, as the model's card says."""
    sigmas = tomllib.loads(settings.card.read_text())["sigmas"]
    return partial(curve, "flow", sigma_min=sigmas["min"], sigma_max=sigmas["max"], flow_shift=sigmas.get("shift", 1.0))


def rows(values: Tensor) -> Tensor:
    """(b,) -> (b, 1, 1, 1)."""
    return values[:, None, None, None]
