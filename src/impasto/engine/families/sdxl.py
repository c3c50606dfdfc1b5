"""Stable Diffusion XL (Podell et al. 2023): two CLIPs side by side, and a UNet that is also told the picture's size."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from impasto.engine.decider import Limits
from impasto.engine.families.filling import filling_of
from impasto.engine.families.latent import Taught, config, open_latents, open_reader

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy import ndarray

    from impasto.core import Drawing
    from impasto.engine.clip import Clip
    from impasto.engine.families.filling import Filling
    from impasto.engine.families.latent import Given
    from impasto.engine.vae import Vae
    from impasto.models.cards import Card
    from impasto.models.registry import InstalledModel
    from impasto.ports import Runtime


class StableDiffusionXL(Taught):
    """The family's verbs over its nets (see engine.runner.Family)."""

    def __init__(
        self, card: Card, vae: Vae, *, clips: tuple[Clip, Clip], unet: Runtime, filling: Filling | None
    ) -> None:
        super().__init__(card, vae, unet, filling)
        self._clips = clips

    def dress(self, put: Callable[[str, Runtime], Runtime]) -> None:
        self._net = put("unet", self._net)
        first, second = self._clips
        self._clips = (
            replace(first, net=put("text_encoder", first.net)),
            replace(second, net=put("text_encoder_2", second.net)),
        )

    def encode(self, text: str, style: str) -> dict[str, ndarray]:
        first, second = (clip.encode(text) for clip in self._clips)
        encoded = {
            "words": np.concatenate([first["hidden"], second["hidden"]], axis=-1),
            "text_embeds": second["pooled"],
        }
        if self._card.words.empty_is_zero and not text.strip():
            return {name: np.zeros_like(value) for name, value in encoded.items()}
        return encoded

    def given(self, encoded: Given, drawing: Drawing) -> Given:
        size = (drawing.height_px, drawing.width_px)
        told = np.asarray(
            [[*size, 0, 0, *size]], np.float32
        )  # the original's size, where it was cropped, the picture's
        return {**super().given(encoded, drawing), "time_ids": told}


def open_sdxl(model: InstalledModel, threads: int) -> tuple[StableDiffusionXL, Limits]:
    """A folder as diffusers keeps it, the hash of each file checked. Raises Damaged, Invalid without the extra."""
    from impasto.engine.runtimes.torch_eager import best_place, open_unet

    place, card, unet = best_place(threads), model.card, model.part("unet")
    vae = open_latents(model.part("vae"), place)
    family = StableDiffusionXL(
        card,
        vae,
        clips=(open_reader(model, place, "", projected=False), open_reader(model, place, "_2", projected=True)),
        unet=open_unet(unet, place),
        filling=filling_of(unet, config(unet)["in_channels"], card, vae),
    )
    return family, Limits(rows=place.rows)
