"""Stable Diffusion 3 and 3.5 (Esser et al. 2024): a rectified flow by a transformer, told by two CLIPs and by T5.

A model added without T5 draws without it, as it was taught to.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from impasto.engine.decider import Limits
from impasto.engine.families.latent import Flow, config, open_latents, open_reader
from impasto.engine.t5 import t5_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy import ndarray

    from impasto.engine.clip import Clip
    from impasto.engine.t5 import T5
    from impasto.engine.vae import Vae
    from impasto.models.cards import Card
    from impasto.models.registry import InstalledModel
    from impasto.ports import Runtime


class StableDiffusion3(Flow):
    """The family's verbs over its nets (see engine.runner.Family)."""

    def __init__(
        self, card: Card, vae: Vae, *, clips: tuple[Clip, Clip], t5: T5 | None, width: int, net: Runtime
    ) -> None:
        """`width` is that of the words the net is told."""
        super().__init__(card, vae, net)
        self._clips, self._t5, self._width = clips, t5, width

    def dress(self, put: Callable[[str, Runtime], Runtime]) -> None:
        super().dress(put)
        first, second = self._clips
        self._clips = (
            replace(first, net=put("text_encoder", first.net)),
            replace(second, net=put("text_encoder_2", second.net)),
        )

    def encode(self, text: str, style: str) -> dict[str, ndarray]:
        first, second = (clip.encode(text) for clip in self._clips)
        short = np.concatenate([first["hidden"], second["hidden"]], axis=-1)
        short = np.pad(short, ((0, 0), (0, 0), (0, self._width - short.shape[-1])))
        long = np.zeros((1, self._card.words.long_tokens, self._width), np.float32)
        if self._t5 is not None:
            long = self._t5.encode(text)["hidden"]
        return {
            "words": np.concatenate([short, long], axis=1),
            "pooled": np.concatenate([first["pooled"], second["pooled"]], axis=-1),
        }


def open_sd3(model: InstalledModel, threads: int) -> tuple[StableDiffusion3, Limits]:
    """A folder as diffusers keeps it, the hash of each file checked. Raises Damaged, Invalid without the extra."""
    from impasto.engine.runtimes.torch_eager import best_place, open_sd3_net, open_t5

    place, card, net = best_place(threads), model.card, model.part("transformer")
    t5 = None
    if model.has("text_encoder_3"):
        reader = open_t5(model.part("text_encoder_3"), place)
        t5 = t5_of(model.part("tokenizer_3"), reader, length=card.words.long_tokens)
    family = StableDiffusion3(
        card,
        open_latents(model.part("vae"), place),
        clips=(open_reader(model, place, "", projected=True), open_reader(model, place, "_2", projected=True)),
        t5=t5,
        width=config(net)["joint_attention_dim"],
        net=open_sd3_net(net, place),
    )
    return family, Limits(rows=place.rows)
