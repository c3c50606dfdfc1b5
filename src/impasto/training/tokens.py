"""Words to subword numbers: one tokenizer for training and for the model folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


class Tokens:
    """Callable: texts -> (n, max_tokens) int64, cut and padded with 0."""

    def __init__(self, path: Path, max_tokens: int) -> None:
        from tokenizers import Tokenizer

        self.tokenizer = Tokenizer.from_file(str(path))
        self.max_tokens = max_tokens

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        out = np.zeros((len(texts), self.max_tokens), np.int64)
        for row, encoding in zip(out, self.tokenizer.encode_batch(list(texts)), strict=True):
            ids = encoding.ids[: self.max_tokens]
            row[: len(ids)] = ids
        return out


def train_tokenizer(texts: Iterable[str], *, vocabulary: int, out: Path) -> None:
    """A byte-level BPE (Sennrich et al. 2016; every script works), normalised by NFKC and lowercased; 0 is padding."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase(), normalizers.Strip()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=["<pad>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    out.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(out))
