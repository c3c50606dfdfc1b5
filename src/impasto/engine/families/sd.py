"""Stable Diffusion 1.x and 2.x (Rombach et al. 2022): CLIP, a UNet that answers with noise or v, an autoencoder.

Nets with 9 channels, which were taught to fill in what a mask leaves open, are given that mask and the rest of the
picture beside x; where there is no picture all of it is open.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from impasto.core import Damaged
from impasto.engine import editing, pixels, predictions
from impasto.engine.clip import Clip, tokenizer_of
from impasto.engine.decider import Limits
from impasto.engine.families.latent import Latent
from impasto.engine.sigmas import table_of
from impasto.engine.vae import Vae

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    from numpy import ndarray

    from impasto.core import Drawing, Edit
    from impasto.engine.families.latent import Given
    from impasto.engine.runtimes.torch_eager import Place
    from impasto.models.cards import Card
    from impasto.models.registry import InstalledModel
    from impasto.ports import Runtime

FILLING_CHANNELS = 5
"""one of the mask and four of the picture"""


class StableDiffusion(Latent):
    """The family's verbs over its nets (see engine.runner.Family)."""

    def __init__(self, card: Card, vae: Vae, *, clip: Clip, unet: Runtime, fills: bool) -> None:
        """`fills`: whether the UNet takes a mask and the rest of a picture."""
        super().__init__(card, vae)
        if card.net is None or (time := table_of(card.sigmas.betas)) is None:
            raise Damaged(f"the card of {card.model.name} must have [net] and [sigmas.betas]")
        self._clip, self._unet, self._fills = clip, unet, fills
        self._time, self._kind = time, card.net.prediction
        self._open = lru_cache(8)(self._left_open)

    def encode(self, text: str, style: str) -> dict[str, ndarray]:
        return {"words": self._clip.encode(text)["hidden"]}

    def given(self, encoded: Given, drawing: Drawing) -> Given:
        if not self._fills:
            return encoded
        return {**encoded, "open": self._open(drawing.edit, drawing.width_px, drawing.height_px)}

    def ask(self, xs: Sequence[ndarray], sigmas: Sequence[float], given: Given) -> ndarray:
        inputs = dict(given)
        x = predictions.scaled(xs, sigmas)
        inputs["x"] = np.concatenate([x, inputs.pop("open")], axis=1) if self._fills else x
        inputs["t"] = (self._time.time(np.asarray(sigmas)) * (self._time.levels - 1)).astype(np.float32)
        return predictions.denoised(self._kind, xs, sigmas, self._unet.run(inputs)["answer"])

    def _left_open(self, edit: Edit | None, width_px: int, height_px: int) -> ndarray:
        """(1, 5, rows, columns): what is to be filled, and latents of the rest on grey."""
        _, rows, columns = self._card.picture.latent_of((width_px, height_px))
        change, colours = np.ones((1, rows, columns), np.float32), np.full((3, height_px, width_px), 0.5, np.float32)
        if edit is not None and edit.mask is not None:
            change = editing.cells(edit.mask.pixels, (rows, columns))
            painted = pixels.premultiplied(edit.init.pixels)
            kept = edit.mask.pixels < 128
            colours[:, kept] = (painted[:3] + (1 - painted[3:]))[:, kept]
        return np.concatenate([change.round(), self._vae.encode_rgb(colours)])[None]


def open_sd(model: InstalledModel, threads: int) -> tuple[StableDiffusion, Limits]:
    """A folder as diffusers keeps it, the hash of each file checked. Raises Damaged, Invalid without the extra."""
    from impasto.engine.runtimes.torch_eager import best_place, open_clip, open_unet

    place, card = best_place(threads), model.card
    tokenizer, marks = tokenizer_of(model.part("tokenizer"))
    reader = open_clip(model.part("text_encoder"), place, skipped=card.words.skipped_layers)
    unet = model.part("unet")
    channels, taken = card.picture.latent_shape[0], config(unet)["in_channels"]
    if taken not in {channels, channels + FILLING_CHANNELS}:
        raise Damaged(f"{unet}: takes {taken} channels, which no text-to-image net of this family does")
    family = StableDiffusion(
        card,
        open_latents(model.part("vae"), place),
        clip=Clip(tokenizer=tokenizer, net=reader, marks=marks, length=card.words.max_tokens),
        unet=open_unet(unet, place),
        fills=taken != channels,
    )
    return family, Limits(rows=place.rows)


def open_latents(folder: Path, place: Place) -> Vae:
    """An autoencoder's folder -> the autoencoder, by the scale its configuration names."""
    from impasto.engine.runtimes.torch_eager import open_vae

    encoder, decoder = open_vae(folder, place)
    told = config(folder)
    return Vae(encoder=encoder, decoder=decoder, scale=told["scaling_factor"], shift=told.get("shift_factor") or 0.0)


def config(folder: Path) -> dict[str, Any]:
    """A net's `config.json`. Raises Damaged."""
    try:
        told: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise Damaged(f"{folder / 'config.json'}: cannot be read: {error}") from None
    return told
