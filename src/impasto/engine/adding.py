"""What is done to a checkpoint as it is added that takes its nets or the libraries that run them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from impasto.engine.previews import preview_of

if TYPE_CHECKING:
    from pathlib import Path


def finish(folder: Path) -> dict[str, Any]:
    """A folder of parts, its tokenizers made readable -> what else its card says. Raises Damaged, Invalid."""
    from impasto.engine.runtimes.torch_tokens import write_tokenizer

    for model in sorted(folder.glob("*/spiece.model")):
        if not model.with_name("tokenizer.json").exists():
            write_tokenizer(model.parent)
    return {"preview": preview_of(folder / "vae")}
