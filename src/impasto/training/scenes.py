"""Composed scenes as training pictures: their latents made once, their captions kept beside them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from pydantic import Field

from impasto.data.painting import paint
from impasto.data.scenes import VERSION, Scene, compose
from impasto.data.things import things_of
from impasto.training.autoencoder import premultiplied
from impasto.training.latents import encoder_hash
from impasto.training.recipe import Strict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from impasto.data.dataset import Dataset
    from impasto.models.nets.autoencoder import Autoencoder

PART = 16
"""scenes encoded at once; more are slower on a CPU"""


class Settings(Strict):
    count: int = Field(default=40_000, gt=0)
    """how many different scenes there are"""
    share: float = Field(default=0.25, ge=0, lt=1)
    """of a batch that scenes take"""
    dropped: float = Field(default=0.1, ge=0, le=1)
    """the chance that a scene is shown without words"""
    coloured: float = Field(default=0.35, ge=0, le=1)
    """the chance that a thing which has one colour is named by a colour"""
    common: float = Field(default=0.75, ge=0, le=1)
    """the share of scenes made of everyday things"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenes:
    """Every scene of a run; row i of `latents` is what `styles[i]` and `captions[i]` are of."""

    latents: np.ndarray
    """(count, channels, 16, 16) float16, memory-mapped"""
    styles: list[str]
    captions: list[tuple[str, ...]]
    dropped: float

    def draw(self, number: int, rng: np.random.Generator) -> tuple[np.ndarray, list[str], list[str]]:
        """`number` scenes: latents (number, channels, 16, 16), a wording and the style of each."""
        chosen = rng.integers(len(self.styles), size=number)
        words = [
            "" if rng.random() < self.dropped else self.captions[i][rng.integers(len(self.captions[i]))] for i in chosen
        ]
        return self.latents[chosen], words, [self.styles[i] for i in chosen]


def scene_at(things: dict, seed: int, index: int, settings: Settings) -> Scene:
    """Scene `index` of a run, a function of the run's seed."""
    rng = np.random.default_rng([seed, 3, index])
    return compose(things, rng, coloured=settings.coloured, common=settings.common)


def all_scenes(
    dataset: Dataset,
    autoencoder: Autoencoder,
    device: torch.device,
    cache: Path,
    *,
    styles: tuple[str, ...],
    settings: Settings,
    seed: int,
) -> Scenes:
    """Compose, paint and encode `settings.count` scenes, or read them from `cache` if they are there."""
    made_of = [VERSION, seed, styles, settings.count, settings.coloured, settings.common, len(dataset.records)]
    told = hashlib.sha256(json.dumps([encoder_hash(autoencoder.encoder), made_of]).encode()).hexdigest()
    path = cache / f"scenes-{told[:12]}-{settings.count}.npy"
    if not (path.exists() and path.with_suffix(".jsonl").exists()):
        cache.mkdir(parents=True, exist_ok=True)
        things = things_of(dataset, styles)
        scenes = [scene_at(things, seed, i, settings) for i in range(settings.count)]
        part = path.with_suffix(".part.jsonl")
        part.write_text("".join(json.dumps([scene.style, scene.captions]) + "\n" for scene in scenes))
        part.replace(path.with_suffix(".jsonl"))
        _write(path, scenes, encoded(scenes, dataset.pictures(256), autoencoder, device))
    rows = [json.loads(line) for line in path.with_suffix(".jsonl").read_text().splitlines()]
    return Scenes(
        latents=np.load(path, mmap_mode="r"),
        styles=[style for style, _ in rows],
        captions=[tuple(captions) for _, captions in rows],
        dropped=settings.dropped,
    )


@torch.no_grad()
def encoded(
    scenes: list[Scene], pictures: np.ndarray, autoencoder: Autoencoder, device: torch.device
) -> Iterator[np.ndarray]:
    """Latents of a few scenes at a time, (few, channels, 16, 16) float16."""
    for start in range(0, len(scenes), PART):
        painted = np.stack([paint(scene, pictures) for scene in scenes[start : start + PART]])
        with torch.autocast(device.type, torch.bfloat16):
            z = autoencoder.encoder(premultiplied(painted).to(device))
        yield z.half().cpu().numpy()


def _write(path: Path, scenes: list[Scene], parts: Iterator[np.ndarray]) -> None:
    """Whole or not at all."""
    unfinished, latents, start = path.with_suffix(".part.npy"), None, 0
    for part in parts:
        if latents is None:
            shape = (len(scenes), *part.shape[1:])
            latents = np.lib.format.open_memmap(unfinished, mode="w+", dtype=np.float16, shape=shape)
        latents[start : start + len(part)] = part
        start += len(part)
    latents.flush()
    unfinished.replace(path)
