"""Mini's finished runs -> `weights/mini`: nets, tokenizer, card and attribution."""

from __future__ import annotations

import shutil
import tomllib
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from impasto.data.dataset import open_dataset
from impasto.models.nets.denoiser import Mini
from impasto.training.checkpoint import averaged_weights, read
from impasto.training.denoiser import Settings
from impasto.training.export import WordsNet, export_net, write_card
from impasto.training.latents import load_autoencoder
from impasto.training.recipe import load, parse

if TYPE_CHECKING:
    from pathlib import Path


def publish(recipe_path: Path, card_path: Path, out: Path) -> Path:
    """Export the run of a denoiser recipe as a model folder; `card_path` is the card's hand-written half."""
    recipe = load(recipe_path)
    settings = parse(Settings, recipe.stage, where="[stage]")
    cpu = torch.device("cpu")
    autoencoder = load_autoencoder(settings.autoencoder, cpu)
    mini = Mini(**recipe.net, styles=len(settings.styles))
    mini.load_state_dict(averaged_weights(recipe.run.out))
    mini.eval().requires_grad_(False)
    export_nets(mini, autoencoder, recipe.net["words"]["max_tokens"], out)
    shutil.copyfile(settings.tokenizer, out / "tokenizer.json")
    shutil.copyfile(recipe.run.data / "ATTRIBUTION.md", out / "ATTRIBUTION.md")
    write_card(out, card_of(recipe_path, card_path, autoencoder, settings))
    return out


def export_nets(mini: Mini, autoencoder: torch.nn.Module, max_tokens: int, out: Path) -> None:
    two, generator = 2, torch.Generator().manual_seed(0)
    tokens = torch.randint(1, 200, (two, max_tokens), generator=generator)
    words = WordsNet(mini)
    given = {"tokens": tokens, "weights": torch.ones(two, max_tokens), "style": torch.zeros(two, dtype=torch.long)}
    export_net(words, given, ["plan", "condition"], out, "words")
    plan, condition = words(**given)
    latents = torch.randn(two, mini.painter.enter.in_features // 4, 16, 16, generator=generator)
    given = {"x": latents, "t": torch.rand(two, generator=generator), "plan": plan, "condition": condition}
    export_net(mini.painter, given, ["denoised"], out, "denoiser")
    export_net(autoencoder.decoder, {"latents": latents}, ["picture"], out, "decoder")
    export_net(autoencoder.encoder, {"picture": torch.rand(two, 4, 256, 256)}, ["latents"], out, "encoder")


def card_of(recipe_path: Path, card_path: Path, autoencoder: torch.nn.Module, settings: Settings) -> dict[str, Any]:
    """The hand-written half, with styles, preview and what the runs cost filled in."""
    card, recipe = tomllib.loads(card_path.read_text()), load(recipe_path)
    titles = card.pop("styles")
    card["styles"] = {style: {"index": i, **titles[style]} for i, style in enumerate(settings.styles)}
    card["preview"] = preview_of(autoencoder, recipe.run.data)
    runs = {"denoiser": recipe.run.out, "autoencoder": load(settings.autoencoder).run.out}
    if settings.words:
        runs["words"] = load(settings.words).run.out
    card.setdefault("results", {})["training"] = {
        name: {
            "seen": state["step"] * load_batch(name, recipe, settings),
            "core_hours": round(state["core_s"] / 3600, 2),
        }
        for name, folder in runs.items()
        if (state := read(folder))
    }
    return card


def load_batch(name: str, recipe: Any, settings: Settings) -> int:
    path = {"autoencoder": settings.autoencoder, "words": settings.words}.get(name)
    return load(path).run.batch if path else recipe.run.batch


@torch.no_grad()
def preview_of(autoencoder: torch.nn.Module, data: Path) -> dict[str, list]:
    """The linear map from latents to a 16 px picture that fits some training pictures best (least squares)."""
    from impasto.training.autoencoder import premultiplied

    dataset = open_dataset(data)
    chosen = [i for i, record in enumerate(dataset.records) if record.split == "train"][::40]
    picture = premultiplied(dataset.pictures(256)[chosen])
    z = autoencoder.encoder(picture).permute(0, 2, 3, 1).flatten(0, 2).numpy()
    small = torch.nn.functional.avg_pool2d(picture, 16).permute(0, 2, 3, 1).flatten(0, 2).numpy()
    solved = np.linalg.lstsq(np.column_stack([z, np.ones(len(z))]), small, rcond=None)[0]
    return {"matrix": np.round(solved[:-1], 5).tolist(), "bias": np.round(solved[-1], 5).tolist()}
