"""Finished runs -> a model folder: nets, tokenizer, card and attribution."""

from __future__ import annotations

import shutil
import tomllib
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from impasto.data.dataset import open_dataset
from impasto.training.checkpoint import read
from impasto.training.distil import Settings as DistilSettings
from impasto.training.export import WordsNet, export_net, write_card
from impasto.training.finished import line_of, load_halves, load_mini, settings_of
from impasto.training.recipe import Recipe, load, parse

if TYPE_CHECKING:
    from pathlib import Path

    from impasto.models.nets.autoencoder import Autoencoder
    from impasto.models.nets.denoiser import Mini
    from impasto.training.denoiser import Settings


def publish(recipe: Recipe, out: Path) -> Path:
    """Export the averaged weights of a denoiser's, distil or polish run, and of what it goes on from, as a model
    folder. Raises Damaged where one of those has not been run."""
    line, cpu = line_of(recipe), torch.device("cpu")
    settings, base = settings_of(line), line["denoiser"]
    autoencoder = load_halves(line, cpu)
    export_nets(load_mini(line, cpu), autoencoder, base.net["words"]["max_tokens"], out)
    shutil.copyfile(settings.tokenizer, out / "tokenizer.json")
    shutil.copyfile(base.run.data / "ATTRIBUTION.md", out / "ATTRIBUTION.md")
    write_card(out, card_of(line, autoencoder, settings))
    return out


def export_nets(mini: Mini, autoencoder: Autoencoder, max_tokens: int, out: Path) -> None:
    two, generator = 2, torch.Generator().manual_seed(0)
    tokens = torch.randint(1, 200, (two, max_tokens), generator=generator)
    words = WordsNet(mini)
    given = {"tokens": tokens, "weights": torch.ones(two, max_tokens), "style": torch.zeros(two, dtype=torch.long)}
    export_net(words, given, ["plan", "condition"], out, "words")
    plan, condition = words(**given)
    latents = torch.randn(two, mini.painter.enter.in_features // 4, 16, 16, generator=generator)
    given = {"x": latents, "t": torch.rand(two, generator=generator), "plan": plan, "condition": condition}
    export_net(mini.painter, given, ["denoised"], out, "denoiser")
    export_autoencoder(autoencoder, out)


def export_autoencoder(autoencoder: Autoencoder, out: Path) -> None:
    latents = torch.randn(2, autoencoder.decoder.enter.in_channels, 16, 16)
    export_net(autoencoder.decoder, {"latents": latents}, ["picture"], out, "decoder")
    export_net(autoencoder.encoder, {"picture": torch.rand(2, 4, 256, 256)}, ["latents"], out, "encoder")


def card_of(line: dict[str, Recipe], autoencoder: Autoencoder, settings: Settings) -> dict[str, Any]:
    """The denoiser's card, with styles, preview and what the runs cost filled in, and how a distilled one draws."""
    card = tomllib.loads(settings.card.read_text())
    titles = card.pop("styles")
    card["styles"] = {style: {"index": i, **titles[style]} for i, style in enumerate(settings.styles)}
    card["preview"] = preview_of(autoencoder, line["denoiser"].run.data)
    if "distil" in line:
        steps = parse(DistilSettings, line["distil"].stage, where="[stage] of the distil recipe").steps
        card["defaults"] |= {"steps": steps, "guidance": 1.0, "sampler": "euler", "sigmas": "flow"}
    runs = {**line, "autoencoder": load(settings.autoencoder)}
    if settings.words:
        runs["words"] = load(settings.words)
    card.setdefault("results", {})["training"] = {name: _cost(run) for name, run in runs.items()}
    return card


def _cost(recipe: Recipe) -> dict[str, float]:
    state = read(recipe.run.out) or {"step": 0, "core_s": 0.0}
    return {"seen": state["step"] * recipe.run.batch, "core_hours": round(state["core_s"] / 3600, 2)}


@torch.no_grad()
def preview_of(autoencoder: Autoencoder, data: Path) -> dict[str, list]:
    """The linear map from latents to a 16 px picture that fits some training pictures best (least squares)."""
    from impasto.training.autoencoder import premultiplied

    dataset = open_dataset(data)
    chosen = [i for i, record in enumerate(dataset.records) if record.split == "train"][::40]
    picture = premultiplied(dataset.pictures(256)[chosen])
    z = autoencoder.encoder(picture).permute(0, 2, 3, 1).flatten(0, 2).numpy()
    small = torch.nn.functional.avg_pool2d(picture, 16).permute(0, 2, 3, 1).flatten(0, 2).numpy()
    solved = np.linalg.lstsq(np.column_stack([z, np.ones(len(z))]), small, rcond=None)[0]
    return {"matrix": np.round(solved[:-1], 5).tolist(), "bias": np.round(solved[-1], 5).tolist()}
