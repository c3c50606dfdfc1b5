"""What a painter is shown: clean latents of pictures and composed scenes, each with its words and its style."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from impasto.core import Invalid
from impasto.data.dataset import open_dataset
from impasto.models.nets.words import PAD
from impasto.training.autoencoder import held_out
from impasto.training.batches import Order, rng_at
from impasto.training.captions import Captions
from impasto.training.latents import all_latents, load_autoencoder
from impasto.training.scenes import all_scenes
from impasto.training.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from impasto.data.dataset import Dataset
    from impasto.training.denoiser import Settings
    from impasto.training.recipe import Recipe, Run
    from impasto.training.scenes import Scenes


class Examples:
    """Batches by step, and held-out pairs.

    `recipe` is a denoiser's and `settings` its `[stage]`; `run` is of the recipe that asks, which may be a later
    stage's: it says the data, the seed and the size of a batch. Scenes are those of the denoiser, whoever asks.
    """

    def __init__(self, recipe: Recipe, settings: Settings, run: Run, device: torch.device) -> None:
        self.settings, self.device, self.seed = settings, device, run.seed
        self.dataset = open_dataset(run.data)
        self.autoencoder = load_autoencoder(settings.autoencoder, device)
        self.latents = all_latents(self.dataset, self.autoencoder, device, run.data / "cache")
        self.scenes = self.make_scenes(recipe, run)
        self.tokens = Tokens(settings.tokenizer, recipe.net["words"]["max_tokens"])
        chances = {name: getattr(settings, name) for name in ("name", "foreign", "dropped", "keyword")}
        self.captions = Captions(self.dataset, **chances, styles=settings.styles)
        self.style_index = {style: i for i, style in enumerate(settings.styles)}
        self.order = make_order(self.dataset, settings.styles, run)

    def make_scenes(self, recipe: Recipe, run: Run) -> Scenes | None:
        s, cache = self.settings, run.data / "cache"
        if s.scenes is None:
            return None
        styles, seed = tuple(s.styles), recipe.run.seed
        return all_scenes(
            self.dataset, self.autoencoder, self.device, cache, styles=styles, settings=s.scenes, seed=seed
        )

    def at(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """Clean latents (b, c, 16, 16), tokens (b, m), style (b,); m is the batch's longest caption, in fours."""
        rng, chosen = rng_at(self.seed, step), self.order.at(step)
        records = [self.dataset.records[i] for i in chosen]
        words, styles = [self.captions.draw(record, rng) for record in records], [record.style for record in records]
        clean = self.latents[chosen].astype(np.float32)
        if self.scenes and (places := np.flatnonzero(rng.random(len(chosen)) < self.settings.scenes.share)).size:
            clean[places], said, of = self.scenes.draw(len(places), rng)
            for place, caption, style in zip(places, said, of, strict=True):
                words[place], styles[place] = caption, style
        tokens, style = self.read(words, styles)
        longest = int((tokens != PAD).sum(1).max())
        return torch.from_numpy(clean).to(self.device), tokens[:, : max(4, -(-longest // 4) * 4)], style

    def read(self, words: Sequence[str], styles: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Tokens (b, max_tokens) and style (b,)."""
        style = torch.tensor([self.style_index[name] for name in styles])
        return torch.from_numpy(self.tokens(words)).to(self.device), style.to(self.device)

    def held_out(self, count: int) -> tuple[np.ndarray, Tensor, Tensor, Tensor]:
        """Up to `count` held-out pairs: their places, clean latents, the tokens of their names, and styles."""
        chosen = held_out(self.dataset, set(self.style_index))[:count]
        records = [self.dataset.records[i] for i in chosen]
        true = torch.from_numpy(self.latents[chosen].astype(np.float32)).to(self.device)
        return chosen, true, *self.read([record.name for record in records], [record.style for record in records])


def make_order(dataset: Dataset, times: dict[str, int], run: Run) -> Order:
    """The training split of the styles in `times`. Raises Invalid for a style the data set does not have."""
    known = {record.style for record in dataset.records}
    for style in times:
        if style not in known:
            raise Invalid("stage.styles", f"the data set has no style {style!r}; it has {', '.join(sorted(known))}")
    chosen = [(i, times[r.style]) for i, r in enumerate(dataset.records) if r.split == "train" and r.style in times]
    items, counts = np.array(chosen).T
    return Order(items, counts, seed=run.seed, batch=run.batch)
