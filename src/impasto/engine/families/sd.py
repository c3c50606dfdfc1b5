"""Stable Diffusion 1.x and 2.x (Rombach et al. 2022): CLIP, a UNet that answers with noise or v, an autoencoder."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from impasto.engine.clip import Clip, tokenizer_of
from impasto.engine.decider import Limits
from impasto.engine.families.filling import filling_of
from impasto.engine.families.latent import Taught, config, open_latents

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy import ndarray

    from impasto.engine.families.filling import Filling
    from impasto.engine.vae import Vae
    from impasto.models.cards import Card
    from impasto.models.registry import InstalledModel
    from impasto.ports import Runtime


class StableDiffusion(Taught):
    """The family's verbs over its nets (see engine.runner.Family)."""

    def __init__(self, card: Card, vae: Vae, *, clip: Clip, unet: Runtime, filling: Filling | None) -> None:
        super().__init__(card, vae, unet, filling)
        self._clip = clip

    def dress(self, put: Callable[[str, Runtime], Runtime]) -> None:
        self._net = put("unet", self._net)
        self._clip = replace(self._clip, net=put("text_encoder", self._clip.net))

    def encode(self, text: str, style: str) -> dict[str, ndarray]:
        return {"words": self._clip.encode(text)["hidden"]}


def open_sd(model: InstalledModel, threads: int) -> tuple[StableDiffusion, Limits]:
    """A folder as diffusers keeps it, the hash of each file checked. Raises Damaged, Invalid without the extra."""
    from impasto.engine.runtimes.torch_eager import best_place, open_clip, open_unet

    place, card, unet = best_place(threads), model.card, model.part("unet")
    tokenizer, marks = tokenizer_of(model.part("tokenizer"))
    reader = open_clip(model.part("text_encoder"), place, skipped=card.words.skipped_layers)
    vae = open_latents(model.part("vae"), place)
    family = StableDiffusion(
        card,
        vae,
        clip=Clip(tokenizer=tokenizer, net=reader, marks=marks, length=card.words.max_tokens),
        unet=open_unet(unet, place),
        filling=filling_of(unet, config(unet)["in_channels"], card, vae),
    )
    return family, Limits(rows=place.rows)
