"""PixArt-alpha and PixArt-Sigma (Chen et al. 2023, 2024): a transformer that answers with noise, told by T5."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from impasto.engine.decider import Limits
from impasto.engine.families.latent import Taught, config, open_latents
from impasto.engine.t5 import t5_of

if TYPE_CHECKING:
    from numpy import ndarray

    from impasto.core import Drawing
    from impasto.engine.families.latent import Given
    from impasto.engine.t5 import T5
    from impasto.engine.vae import Vae
    from impasto.models.cards import Card
    from impasto.models.registry import InstalledModel
    from impasto.ports import Runtime


class PixArt(Taught):
    """The family's verbs over its nets (see engine.runner.Family)."""

    def __init__(self, card: Card, vae: Vae, *, t5: T5, net: Runtime, sized: bool) -> None:
        """`sized`: whether the net is told the picture's size."""
        super().__init__(card, vae, net)
        self._t5, self._sized = t5, sized

    def encode(self, text: str, style: str) -> dict[str, ndarray]:
        encoded = self._t5.encode(text.lower().strip())
        return {"words": encoded["hidden"], "mask": encoded["mask"]}

    def given(self, encoded: Given, drawing: Drawing) -> Given:
        if not self._sized:
            return encoded
        width, height = drawing.width_px, drawing.height_px
        told = {"resolution": np.asarray([[height, width]], np.float32)}
        return {**encoded, **told, "aspect_ratio": np.asarray([[height / width]], np.float32)}


def open_pixart(model: InstalledModel, threads: int) -> tuple[PixArt, Limits]:
    """A folder as diffusers keeps it, the hash of each file checked. Raises Damaged, Invalid without the extra."""
    from impasto.engine.runtimes.torch_eager import best_place, open_pixart_net, open_t5

    place, card, net = best_place(threads), model.card, model.part("transformer")
    reader = open_t5(model.part("text_encoder"), place)
    family = PixArt(
        card,
        open_latents(model.part("vae"), place),
        t5=t5_of(model.part("tokenizer"), reader, length=card.words.max_tokens, masked=True),
        net=open_pixart_net(net, place),
        sized=config(net)["sample_size"] == 128,
    )
    return family, Limits(rows=place.rows)
