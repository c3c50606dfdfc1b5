"""What all families have in common whose pictures are the latents of an autoencoder: those taught by a table of noise
levels, and those that are rectified flows.
"""

from __future__ import annotations

import json
from copy import copy
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np

from impasto.core import Damaged, Invalid
from impasto.engine import pixels, predictions
from impasto.engine.clip import Clip, tokenizer_of
from impasto.engine.sigmas import table_of
from impasto.engine.vae import Vae

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy import ndarray

    from impasto.core import Drawing
    from impasto.engine.families.filling import Filling
    from impasto.engine.loras import Lora
    from impasto.engine.runtimes.torch_eager import Place, TorchNet
    from impasto.engine.runtimes.torch_lora import Dressed, Wardrobe
    from impasto.models.cards import Card
    from impasto.models.registry import InstalledModel
    from impasto.ports import Runtime

    Given = Mapping[str, ndarray]


class Latent:
    """Six of the verbs of engine.runner.Family; a family adds `encode` and `ask`, and `dress` if it takes LoRAs."""

    def __init__(self, card: Card, vae: Vae) -> None:
        self._card, self._vae = card, vae
        self._wardrobe: Wardrobe | None = None

    def ask(self, xs: Sequence[ndarray], sigmas: Sequence[float], given: Given) -> ndarray:
        """As denoise, for rows whose conditioning, (batch, ...) each, has one shape."""
        raise NotImplementedError

    def dress(self, put: Callable[[str, Runtime], Runtime]) -> None:
        """Replace each net that a LoRA may change by what `put` makes of it and of the name of its folder."""
        raise Invalid("words", f"{self._card.model.name} takes no LoRAs")

    def wearing(self, loras: tuple[Lora, ...], find: Callable[[str], Path]) -> Self:
        if self._wardrobe is None:
            self._open_wardrobe(find)
        wardrobe, other = cast("Wardrobe", self._wardrobe), copy(self)
        wardrobe.check(loras)
        other.dress(lambda part, net: wardrobe.dressed(cast("Dressed", net).net, loras))
        return other

    def _open_wardrobe(self, find: Callable[[str], Path]) -> None:
        """From here on what is drawn without a LoRA has to take off what another picture wears."""
        from impasto.engine.runtimes.torch_lora import Wardrobe

        nets: dict[str, TorchNet] = {}
        copy(self).dress(lambda part, net: nets.setdefault(part, cast("TorchNet", net)))
        modules = {part: net.module for part, net in nets.items()}
        self._wardrobe = wardrobe = Wardrobe(self._card.model.family, modules, find)
        self.dress(lambda part, net: wardrobe.dressed(nets[part], ()))

    def given(self, encoded: Given, drawing: Drawing) -> Given:
        return encoded

    def noise(self, seed: int, size_px: tuple[int, int]) -> Callable[[], ndarray]:
        generator = np.random.Generator(np.random.Philox(seed))
        return lambda: generator.standard_normal(self._card.picture.latent_of(size_px), np.float32)

    def denoise(self, xs: Sequence[ndarray], sigmas: Sequence[float], given: Sequence[Given]) -> Sequence[ndarray]:
        """Rows whose words became as long are run together."""
        answers: dict[int, ndarray] = {}
        for rows in _alike(given):
            together = {name: np.concatenate([given[row][name] for row in rows]) for name in given[rows[0]]}
            found = self.ask([xs[row] for row in rows], [sigmas[row] for row in rows], together)
            answers |= dict(zip(rows, found, strict=True))
        return [answers[row] for row in range(len(xs))]

    def decode(self, latents: ndarray) -> ndarray:
        return self._vae.decode(latents)

    @property
    def reads(self) -> bool:
        return True

    def read(self, painted: ndarray) -> ndarray:
        return self._vae.encode(painted)

    def preview(self, latents: ndarray) -> ndarray | None:
        return pixels.preview(latents, self._card.preview)


class Taught(Latent):
    """A family of nets that were taught by a table of noise levels."""

    def __init__(self, card: Card, vae: Vae, net: Runtime, filling: Filling | None = None) -> None:
        super().__init__(card, vae)
        if card.net is None or (time := table_of(card.sigmas.betas)) is None:
            raise Damaged(f"the card of {card.model.name} must have [net] and [sigmas.betas]")
        self._net, self._filling, self._time, self._kind = net, filling, time, card.net.prediction

    def given(self, encoded: Given, drawing: Drawing) -> Given:
        return {**encoded, "left": self._filling.left(drawing)} if self._filling else encoded

    def ask(self, xs: Sequence[ndarray], sigmas: Sequence[float], given: Given) -> ndarray:
        inputs, x = dict(given), predictions.scaled(xs, sigmas)
        inputs["x"] = np.concatenate([x, inputs.pop("left")], axis=1) if self._filling else x
        inputs["t"] = (self._time.time(np.asarray(sigmas)) * (self._time.levels - 1)).astype(np.float32)
        return predictions.denoised(self._kind, xs, sigmas, self._net.run(inputs)["answer"])


class Flow(Latent):
    """A family of nets that answer with a rectified flow's velocity."""

    def __init__(self, card: Card, vae: Vae, net: Runtime) -> None:
        super().__init__(card, vae)
        self._net = net

    def dress(self, put: Callable[[str, Runtime], Runtime]) -> None:
        self._net = put("transformer", self._net)

    def ask(self, xs: Sequence[ndarray], sigmas: Sequence[float], given: Given) -> ndarray:
        level = np.asarray(sigmas, np.float64)
        x_t, t = predictions.flow_scaled(xs, sigmas), (level / (1 + level)).astype(np.float32)
        return predictions.flow_denoised(x_t, sigmas, self._net.run({**given, "x": x_t, "t": t})["answer"])


def open_latents(folder: Path, place: Place) -> Vae:
    """An autoencoder's folder -> the autoencoder, by the scale its configuration names."""
    from impasto.engine.runtimes.torch_eager import open_vae

    encoder, decoder = open_vae(folder, place)
    told = config(folder)
    return Vae(encoder=encoder, decoder=decoder, scale=told["scaling_factor"], shift=told.get("shift_factor") or 0.0)


def open_reader(model: InstalledModel, place: Place, which: str, *, projected: bool) -> Clip:
    """One of several CLIPs of a model, `which` the end of its folders' names: the last layer but one, not normed."""
    from impasto.engine.runtimes.torch_eager import open_clip

    known = model.card.words
    tokenizer, marks = tokenizer_of(model.part(f"tokenizer{which}"))
    skipped = 1 + known.skipped_layers
    net = open_clip(model.part(f"text_encoder{which}"), place, skipped=skipped, projected=projected, normed=False)
    return Clip(tokenizer=tokenizer, net=net, marks=marks, length=known.max_tokens)


def config(folder: Path) -> dict[str, Any]:
    """A net's `config.json`. Raises Damaged."""
    try:
        told: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise Damaged(f"{folder / 'config.json'}: cannot be read: {error}") from None
    return told


def _alike(given: Sequence[Given]) -> list[list[int]]:
    """The places of rows whose conditioning has one shape, together."""
    groups: dict[tuple[tuple[int, ...], ...], list[int]] = {}
    for row, conditioning in enumerate(given):
        groups.setdefault(tuple(value.shape for value in conditioning.values()), []).append(row)
    return list(groups.values())
