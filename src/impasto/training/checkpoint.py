"""A run that is killed goes on as if it had not been: one file, written whole or not at all."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import torch

from impasto.core import Damaged

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import nn

    from impasto.training.optim import Averages, Optimizers

NAME = "checkpoint.pt"


def save(folder: Path, *, told: Mapping[str, Any], net: nn.Module, optimizers: Optimizers, averages: Averages) -> None:
    """Write `checkpoint.pt`: first beside it, then renamed over the last one.

    `told` is what the loop wants to hear again, plain values by name.
    """
    state = {
        **told,
        "net": net.state_dict(),
        "optimizers": optimizers.state_dict(),
        "averages": averages.each,
    }
    part = folder / f"{NAME}.part"
    with part.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / NAME)


def read(folder: Path) -> dict[str, Any] | None:
    """The run's state, or None where there is none yet. Tensors and plain containers only (weights_only).

    Raises Damaged if it cannot be read.
    """
    path = folder / NAME
    if not path.exists():
        return None
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise Damaged(f"{path} cannot be read: {error}") from error


def restore(state: dict[str, Any], *, net: nn.Module, optimizers: Optimizers, averages: Averages) -> None:
    """Put a state back into what it was taken from."""
    net.load_state_dict(state["net"])
    optimizers.load_state_dict(state["optimizers"])
    for average, saved in zip(averages.each, state["averages"], strict=True):
        for key, value in saved.items():
            average[key].copy_(value)


def first_weights(folder: Path) -> dict[str, torch.Tensor]:
    """The weights of Mini to start from: a run's, or those of a published model folder (a parent)."""
    if (folder / NAME).exists():
        return averaged_weights(folder)
    from safetensors.torch import load_file

    parts = {"": "words.safetensors", "painter.": "denoiser.safetensors"}
    missing = [file for file in parts.values() if not (folder / file).is_file()]
    if missing:
        raise Damaged(f"{folder} is neither a run ({NAME}) nor a model folder: {missing[0]} is missing")
    return {
        prefix + key: value.float() for prefix, file in parts.items() for key, value in load_file(folder / file).items()
    }


def averaged_weights(folder: Path, horizon: int = 0) -> dict[str, torch.Tensor]:
    """The averaged weights of a run, for the stages that build on it. Raises Damaged if it has not been run."""
    state = read(folder)
    if state is None:
        raise Damaged(f"{folder} holds no checkpoint; run its recipe first")
    return state["averages"][horizon]
