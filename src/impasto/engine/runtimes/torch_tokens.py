"""Tokenizers that were kept as sentencepiece models, written as the one file that Impasto reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from impasto.core import Damaged

if TYPE_CHECKING:
    from pathlib import Path


def write_tokenizer(folder: Path) -> None:
    """`spiece.model` of T5's -> `tokenizer.json` beside it, which says the same. Raises Damaged."""
    from transformers import T5Tokenizer

    try:
        tokenizer = T5Tokenizer.from_pretrained(folder, local_files_only=True)
        tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    except Exception as error:  # the libraries have no error of their own for this
        raise Damaged(f"{folder}: is no tokenizer: {str(error).splitlines()[0]}") from error
