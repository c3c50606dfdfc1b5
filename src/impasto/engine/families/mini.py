"""Mini: words, a denoiser that answers x_0 under a rectified flow, and a decoder to premultiplied RGBA; an encoder from
there, opened only when a picture is drawn from another one.

The nets speak of x_t = (1 - t) * x_0 + t * noise (Lipman et al. 2023), samplers of x = x_0 + sigma * noise. Dividing
the second by 1 + sigma gives the first, at t = sigma / (1 + sigma).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from impasto.core import Damaged, Invalid
from impasto.engine import pixels, words
from impasto.engine.decider import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy import ndarray
    from tokenizers import Tokenizer

    from impasto.core import Drawing
    from impasto.engine.loras import Lora
    from impasto.engine.runtimes.onnx import OnnxNet
    from impasto.models.cards import Card
    from impasto.models.registry import InstalledModel
    from impasto.ports import Runtime

PAD = 0


class Mini:
    """The family's verbs over its nets (see engine.runner.Family). `encoder` opens the fourth one when it is wanted."""

    def __init__(
        self,
        card: Card,
        tokenizer: Tokenizer,
        *,
        words: Runtime,
        denoiser: Runtime,
        decoder: Runtime,
        encoder: Callable[[], Runtime] | None = None,
    ) -> None:
        self._card, self._tokenizer = card, tokenizer
        self._words, self._denoiser, self._decoder = words, denoiser, decoder
        self._encoder = cache(encoder) if encoder else None

    def encode(self, text: str, style: str) -> dict[str, ndarray]:
        """Words and a style -> the outputs of the words net, (1, ...) each."""
        tokens, weights = self._tokens(text)
        index = np.asarray([self._card.style(style).index], np.int64)
        return self._words.run({"tokens": tokens, "weights": weights, "style": index})

    def wearing(self, loras: tuple[Lora, ...], find: Callable[[str], Path]) -> Mini:
        raise Invalid("words", f"{self._card.model.name} takes no LoRAs")

    def given(self, encoded: dict[str, ndarray], drawing: Drawing) -> dict[str, ndarray]:
        return encoded

    def noise(self, seed: int, size_px: tuple[int, int]) -> Callable[[], ndarray]:
        generator = np.random.Generator(np.random.Philox(seed))
        return lambda: generator.standard_normal(self._card.picture.latent_of(size_px), np.float32)

    def denoise(
        self, xs: Sequence[ndarray], sigmas: Sequence[float], given: Sequence[Mapping[str, ndarray]]
    ) -> Sequence[ndarray]:
        level = np.asarray(sigmas, np.float64)
        scale = (1 / (1 + level)).astype(np.float32)
        inputs = {name: np.concatenate([row[name] for row in given]) for name in given[0]}
        inputs["x"] = np.stack(xs) * scale[:, None, None, None]
        inputs["t"] = (level / (1 + level)).astype(np.float32)
        return list(self._denoiser.run(inputs)["denoised"])

    def decode(self, latents: ndarray) -> ndarray:
        picture: ndarray = self._decoder.run({"latents": latents[None].astype(np.float32)})["picture"][0]
        return picture

    @property
    def reads(self) -> bool:
        return self._encoder is not None

    def read(self, painted: ndarray) -> ndarray:
        if self._encoder is None:
            raise Invalid("init", f"{self._card.model.name} has no encoder, so it cannot draw from a picture")
        latents: ndarray = self._encoder().run({"picture": painted[None]})["latents"][0]
        return latents

    def preview(self, latents: ndarray) -> ndarray | None:
        return pixels.preview(latents, self._card.preview)

    def _tokens(self, text: str) -> tuple[ndarray, ndarray]:
        """Words -> tokens (1, max_tokens) int64 and their weights (1, max_tokens) float32; what is too long is cut."""
        length = self._card.words.max_tokens
        tokens, weights = np.full((1, length), PAD, np.int64), np.ones((1, length), np.float32)
        spans = words.parse(text)
        said = words.plain(spans)
        if said.strip():
            encoding = self._tokenizer.encode(said)
            count = min(length, len(encoding.ids))
            tokens[0, :count] = encoding.ids[:count]
            weights[0, :count] = words.token_weights(spans, encoding.offsets)[:count]
        return tokens, weights


def open_mini(model: InstalledModel, threads: int) -> tuple[Mini, Limits]:
    """A folder's nets, the hash of each file checked before it is read. Raises Damaged, also if nets do not fit."""
    from concurrent.futures import ThreadPoolExecutor

    from impasto.engine.runtimes.onnx import OnnxNet

    def net(name: str) -> OnnxNet:
        model.file(f"{name}.safetensors")
        often = name == "denoiser"  # its rows run side by side, one thread each
        return OnnxNet(model.file(f"{name}.onnx"), threads=1 if often else threads, often=often)

    with ThreadPoolExecutor(threads) as pool:
        opening = {name: pool.submit(net, name) for name in ("denoiser", "words", "decoder")}
        tokenizer = _tokenizer(model.file("tokenizer.json"))
        nets = {name: opened.result() for name, opened in opening.items()}
    _check(model, "words", nets["words"], {"tokens", "weights", "style"})
    _check(model, "denoiser", nets["denoiser"], {"x", "t", *nets["words"].outputs})
    _check(model, "decoder", nets["decoder"], {"latents"})

    def encoder() -> OnnxNet:
        opened = net("encoder")
        _check(model, "encoder", opened, {"picture"})
        return opened

    mini = Mini(model.card, tokenizer, **nets, encoder=encoder if "encoder.onnx" in model.card.files else None)
    return mini, Limits(rows=1, calls=threads)


def _check(model: InstalledModel, name: str, net: OnnxNet, inputs: set[str]) -> None:
    if set(net.inputs) != inputs:
        raise Damaged(f"{model.folder / name}.onnx: takes {net.inputs}, should take {tuple(sorted(inputs))}")


def _tokenizer(path: Path) -> Tokenizer:
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise Damaged(f"{path}: is no tokenizer: {error}") from error
