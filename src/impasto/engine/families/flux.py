"""FLUX.1 (Black Forest Labs 2024): a flow by a transformer, told by T5 and by what CLIP makes of all the words.

Guidance is a number that the dev model is given; schnell takes none and draws in four steps.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from impasto.engine.clip import Clip, tokenizer_of
from impasto.engine.decider import Limits
from impasto.engine.families.latent import Flow, open_latents
from impasto.engine.t5 import t5_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy import ndarray

    from impasto.core import Drawing
    from impasto.engine.families.latent import Given
    from impasto.engine.t5 import T5
    from impasto.engine.vae import Vae
    from impasto.models.cards import Card
    from impasto.models.registry import InstalledModel
    from impasto.ports import Runtime


class Flux(Flow):
    """The family's verbs over its nets (see engine.runner.Family)."""

    def __init__(self, card: Card, vae: Vae, *, clip: Clip, t5: T5, net: Runtime) -> None:
        super().__init__(card, vae, net)
        self._clip, self._t5 = clip, t5
        self._guided = card.net is not None and card.net.distilled_guidance

    def dress(self, put: Callable[[str, Runtime], Runtime]) -> None:
        super().dress(put)
        self._clip = replace(self._clip, net=put("text_encoder", self._clip.net))

    def encode(self, text: str, style: str) -> dict[str, ndarray]:
        return {"words": self._t5.encode(text)["hidden"], "pooled": self._clip.encode(text)["pooled"]}

    def given(self, encoded: Given, drawing: Drawing) -> Given:
        if not self._guided:
            return encoded
        return {**encoded, "guidance": np.asarray([drawing.guidance], np.float32)}


def open_flux(model: InstalledModel, threads: int) -> tuple[Flux, Limits]:
    """A folder as diffusers keeps it, the hash of each file checked. Raises Damaged, Invalid without the extra."""
    from impasto.engine.runtimes.torch_eager import best_place, open_clip, open_flux_net, open_t5

    place, card = best_place(threads), model.card
    tokenizer, marks = tokenizer_of(model.part("tokenizer"))
    reader = open_clip(model.part("text_encoder"), place)
    long = open_t5(model.part("text_encoder_2"), place)
    family = Flux(
        card,
        open_latents(model.part("vae"), place),
        clip=Clip(tokenizer=tokenizer, net=reader, marks=marks, length=card.words.max_tokens),
        t5=t5_of(model.part("tokenizer_2"), long, length=card.words.long_tokens),
        net=open_flux_net(model.part("transformer"), place),
    )
    return family, Limits(rows=place.rows)
