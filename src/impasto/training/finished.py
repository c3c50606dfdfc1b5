"""The nets of finished runs, by their recipes, each followed back along what it was made from.

A denoiser's run holds words, planner and painter; a distil run another painter for it; a meanings run another
text encoder; a polish run another decoder.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from impasto.core import Invalid
from impasto.models.nets.denoiser import Mini
from impasto.training.checkpoint import averaged_weights
from impasto.training.denoiser import Settings
from impasto.training.latents import load_autoencoder
from impasto.training.recipe import Recipe, load, parse

if TYPE_CHECKING:
    import torch

    from impasto.models.nets.autoencoder import Autoencoder

LATER = ("polish", "meanings", "distil")
"""stages that go on from another run, which they name `painter`, the last one first"""


def line_of(recipe: Recipe) -> dict[str, Recipe]:
    """Stage -> recipe: this one, what it goes on from, and so on back to the denoiser's.

    Raises Invalid where `painter` names a recipe that such a stage cannot go on from.
    """
    line, left = {recipe.run.stage: recipe}, LATER
    while recipe.run.stage in left:
        left = left[left.index(recipe.run.stage) + 1 :]
        recipe = load(Path(recipe.stage.get("painter", "")))
        line[recipe.run.stage] = recipe
    if recipe.run.stage != "denoiser":
        raise Invalid("stage.painter", f"leads back to {recipe.run.stage!r}, not to a denoiser")
    return line


def settings_of(line: dict[str, Recipe]) -> Settings:
    """What the line's denoiser was trained by."""
    return parse(Settings, line["denoiser"].stage, where="[stage] of the denoiser")


def load_mini(line: dict[str, Recipe], device: torch.device) -> Mini:
    """Planner, with the line's last text encoder and painter; averaged weights, not to be trained."""
    recipe = line["denoiser"]
    mini = Mini(**recipe.net, styles=len(settings_of(line).styles))
    mini.load_state_dict(averaged_weights(recipe.run.out))
    if "distil" in line:
        mini.painter.load_state_dict(averaged_weights(line["distil"].run.out))
    if "meanings" in line:
        mini.words.load_state_dict(averaged_weights(line["meanings"].run.out))
    return mini.to(device).eval().requires_grad_(False)


def load_halves(line: dict[str, Recipe], device: torch.device) -> Autoencoder:
    """The autoencoder, with the line's last decoder."""
    autoencoder = load_autoencoder(settings_of(line).autoencoder, device)
    if "polish" in line:
        autoencoder.decoder.load_state_dict(averaged_weights(line["polish"].run.out))
    return autoencoder
