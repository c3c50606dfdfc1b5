"""T5 as a reader of words (Raffel et al. 2020): up to so many tokens, what is longer is cut; weights as in clip.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from impasto.core import Damaged
from impasto.engine import words
from impasto.engine.clip import read_tokenizer

if TYPE_CHECKING:
    from pathlib import Path

    from numpy import ndarray
    from tokenizers import Tokenizer

    from impasto.ports import Runtime

FILL = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class T5:
    """A tokenizer and the net behind it: tokens and mask (1, length) -> hidden (1, length, width)."""

    tokenizer: Tokenizer
    net: Runtime
    end: int
    """the token after what is said"""
    length: int
    masked: bool
    """whether what is not said is hidden from the net too"""

    def encode(self, text: str) -> dict[str, ndarray]:
        """Words with weights in brackets -> hidden (1, length, width) and mask (1, length), 1 where one is."""
        tokens, mask, weights = self.read(text)
        hidden = self._hidden(tokens, mask)
        if (weights != 1).any():
            nothing = self._hidden(*self.read("")[:2])
            hidden = hidden + (hidden - nothing) * (weights[..., None] - 1)
        return {"hidden": hidden, "mask": mask}

    def read(self, text: str) -> tuple[ndarray, ndarray, ndarray]:
        """Words -> tokens and mask, int64, and weights, float32, (1, length) each."""
        spans = words.parse(text)
        encoding = self.tokenizer.encode(words.plain(spans), add_special_tokens=False)
        said = min(len(encoding.ids), self.length - 1)
        tokens, mask = np.full((1, self.length), FILL, np.int64), np.zeros((1, self.length), np.int64)
        weights = np.ones((1, self.length), np.float32)
        tokens[0, :said], tokens[0, said], mask[0, : said + 1] = encoding.ids[:said], self.end, 1
        weights[0, :said] = words.token_weights(spans, encoding.offsets)[:said]
        return tokens, mask, weights

    def _hidden(self, tokens: ndarray, mask: ndarray) -> ndarray:
        seen = mask if self.masked else np.ones_like(mask)
        return self.net.run({"tokens": tokens, "mask": seen})["hidden"]


def t5_of(folder: Path, net: Runtime, *, length: int, masked: bool = False) -> T5:
    """T5 of a tokenizer's folder and its net. Raises Damaged."""
    tokenizer = read_tokenizer(folder)
    end = tokenizer.token_to_id("</s>")
    if end is None:
        raise Damaged(f"{folder}: has no token '</s>', so it is not T5's")
    return T5(tokenizer=tokenizer, net=net, end=end, length=length, masked=masked)
