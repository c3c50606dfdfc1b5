"""`impasto evaluate MODEL`: what a model reaches on held-out pairs, drawn by the engine that people use.

A pair is a (concept, style) whose picture no training step saw, though the concept was seen in other styles. The model
draws it by name; the evaluator, trained on the training split alone, ranks all pictures of that style by likeness to
the drawing; the place of the true one is the score. What real pictures get (the same concept in another style, ranked
in the same way) stands beside it as the yardstick.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from impasto.core import Drawing, Picture
from impasto.data.dataset import Dataset, open_dataset
from impasto.models.nets.evaluator import SIZE_PX, Evaluator
from impasto.training.autoencoder import held_out, premultiplied, psnr_db
from impasto.training.checkpoint import averaged_weights
from impasto.training.evaluator import concepts_of
from impasto.training.recipe import load
from impasto.training.sheets import tile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from impasto.models.cards import Card
    from impasto.models.registry import InstalledModel
    from impasto.ports import Engine

COMMON = (
    "a cat", "a dog", "a pizza", "a rocket", "a smiling face", "a red heart", "a tree", "a red fox", "a house",
    "a car", "the sun", "a full moon", "a star", "a flower", "a rose", "a fish", "a bird", "an owl", "a frog",
    "a panda",    "a monkey", "an apple", "a banana", "a strawberry", "a hamburger", "an ice cream", "a birthday cake",
    "a cup of coffee", "a robot", "a ghost", "an alien", "a crown", "a book", "a guitar", "a soccer ball", "a bicycle",
    "an airplane", "a sailboat", "a snowman", "a thumbs up",
)  # fmt: skip
"""the forty things people are most likely to try first"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """The evaluator and every picture of the data set as it sees them."""

    net: nn.Module
    features: Tensor
    """(records, features), unit length"""
    styles: np.ndarray
    """(records,) names"""

    def rank(self, feature: Tensor, place: int, *, without: int | None = None) -> int:
        """The rank, from 1, of record `place` among all of its style by likeness to `feature`."""
        rivals = self.styles == self.styles[place]
        if without is not None:
            rivals[without] = False
        likeness = self.features[torch.from_numpy(rivals)] @ feature
        return int((likeness > self.features[place] @ feature).sum()) + 1

    def see(self, pictures: Tensor) -> Tensor:
        """(n, 4, 256, 256) premultiplied RGBA -> (n, features)."""
        return self.net(nn.functional.avg_pool2d(pictures, 256 // SIZE_PX))


@torch.no_grad()
def evaluate(
    installed: InstalledModel,
    engine: Engine,
    *,
    evaluator: Path = Path("recipes/mini/evaluator.toml"),
    out: Path = Path("runs/mini/evaluate"),
    training_pairs: int = 500,
    say: Callable[[str], None] = print,
) -> dict[str, float]:
    """Measure a model; sheets go to `out`. Returns the numbers for the card's [results]."""
    recipe = load(evaluator)
    dataset = open_dataset(recipe.run.data)
    judge = load_judge(evaluator, dataset)
    card, styles = installed.card, set(installed.card.styles)
    out.mkdir(parents=True, exist_ok=True)
    results = {"autoencoder_psnr_db": autoencoder_psnr(installed, dataset)}
    pairs = held_out(dataset, styles)
    seen = np.array([i for i, r in enumerate(dataset.records) if r.split == "train" and r.style in styles])
    seen = np.random.default_rng(0).choice(seen, size=min(training_pairs, len(seen)), replace=False)
    for name, chosen in (("held_out", pairs), ("training", seen)):
        drawn = draw_pairs(engine, card, dataset, chosen)
        features = torch.cat([judge.see(part) for part in drawn.split(64)])
        ranks = [judge.rank(f, int(i)) for f, i in zip(features, chosen, strict=True)]
        results |= summary(name, ranks)
        sheet_of_pairs(dataset, chosen[:48], drawn[:48], out / f"{name}.png")
        say(f"{name}: " + ", ".join(f"{k} {v:.3g}" for k, v in summary(name, ranks).items()))
    results |= summary("real", real_ranks(judge, dataset, pairs, styles))
    results |= variety(judge, engine, card, out / "common.png")
    results = {name: round(float(value), 4) for name, value in results.items()}
    for name, value in results.items():
        say(f"{name:<28}{value:>10.4g}")
    return results


def load_judge(recipe_path: Path, dataset: Dataset) -> Judge:
    recipe = load(recipe_path)
    styles = tuple(recipe.stage["styles"])
    net = Evaluator(concepts=len(concepts_of(dataset, styles)), **recipe.net)
    net.load_state_dict(averaged_weights(recipe.run.out))
    net.eval()
    pictures = dataset.pictures(SIZE_PX)
    parts = [net(premultiplied(pictures[i : i + 256])) for i in range(0, len(pictures), 256)]
    return Judge(net=net, features=torch.cat(parts), styles=np.array([r.style for r in dataset.records]))


def summary(name: str, ranks: Sequence[int]) -> dict[str, float]:
    found = np.asarray(ranks)
    return {
        f"{name}_pairs": len(found),
        f"{name}_top1": float((found <= 1).mean()),
        f"{name}_top5": float((found <= 5).mean()),
        f"{name}_median_rank": float(np.median(found)),
    }


def autoencoder_psnr(installed: InstalledModel, dataset: Dataset) -> float:
    """Mean over held-out pictures of the PSNR, dB, of premultiplied RGBA through the shipped encoder and decoder."""
    from impasto.engine.runtimes.onnx import OnnxNet, cores

    for half in ("encoder", "decoder"):
        installed.file(f"{half}.safetensors")
    encoder = OnnxNet(installed.file("encoder.onnx"), threads=cores(), often=False)
    decoder = OnnxNet(installed.file("decoder.onnx"), threads=cores(), often=False)
    places = held_out(dataset)
    found = []
    for part in np.array_split(places, max(1, len(places) // 16)):
        picture = premultiplied(dataset.pictures(256)[np.sort(part)])
        latents = encoder.run({"picture": np.ascontiguousarray(picture.numpy())})["latents"]
        found.append(psnr_db(torch.from_numpy(decoder.run({"latents": latents})["picture"]), picture))
    return float(torch.cat(found).mean())


def drawing_of(card: Card, words: str, style: str, seed: int) -> Drawing:
    """A drawing with the model's defaults."""
    width, height = card.picture.sizes[0]
    d = card.defaults
    return Drawing(
        words=words,
        negative="",
        style=style,
        width_px=width,
        height_px=height,
        steps=d.steps,
        guidance=d.guidance,
        sampler=d.sampler,
        sigmas=d.sigmas,
        seed=seed,
        background="transparent",
    )


def draw_all(engine: Engine, drawings: Sequence[Drawing]) -> Tensor:
    """(n, 4, 256, 256) premultiplied RGBA, in the order asked."""
    made = {event.index: event.pixels for event in engine.draw(drawings) if isinstance(event, Picture)}
    return premultiplied(np.stack([made[i] for i in range(len(drawings))]))


def draw_pairs(engine: Engine, card: Card, dataset: Dataset, chosen: np.ndarray) -> Tensor:
    records = [dataset.records[i] for i in chosen]
    return draw_all(engine, [drawing_of(card, r.name, r.style, seed) for seed, r in enumerate(records)])


def real_ranks(judge: Judge, dataset: Dataset, pairs: np.ndarray, styles: set[str]) -> list[int]:
    """What a real picture of the same concept in another style would score."""
    ranks = []
    for place in pairs:
        concept = dataset.records[place].concept
        others = [i for i, r in enumerate(dataset.records) if r.concept == concept and i != place and r.style in styles]
        ranks += [judge.rank(judge.features[i], int(place)) for i in others[:1]]
    return ranks


def variety(judge: Judge, engine: Engine, card: Card, sheet: Path) -> dict[str, float]:
    """Mean distance between four seeds of the forty common things (one minus cosine), and their sheet."""
    style = card.defaults.style
    drawings = [drawing_of(card, words, style, seed) for seed in range(4) for words in COMMON]
    drawn = draw_all(engine, drawings)
    features = torch.cat([judge.see(part) for part in drawn.split(64)]).unflatten(0, (4, len(COMMON)))
    likeness = torch.einsum("snf,tnf->nst", features, features)
    apart = 1 - likeness[:, *np.triu_indices(4, 1)]
    Image.fromarray(tile(drawn[: len(COMMON)].numpy(), columns=8, size_px=128)).save(sheet)
    return {"variety": float(apart.mean())}


def sheet_of_pairs(dataset: Dataset, chosen: np.ndarray, drawn: Tensor, path: Path) -> None:
    """Rows of twelve: the true pictures, and under them what was drawn."""
    true = premultiplied(dataset.pictures(256)[chosen])
    rows = [
        part for start in range(0, len(chosen), 12) for part in (true[start : start + 12], drawn[start : start + 12])
    ]
    Image.fromarray(tile(torch.cat(rows).numpy(), columns=12)).save(path)


def into_card(folder: Path, results: dict[str, float]) -> None:
    """Put measured results into a model folder's card."""
    import tomllib

    from impasto.training.export import write_card

    card = tomllib.loads((folder / "card.toml").read_text())
    card.pop("files")
    card.setdefault("results", {})["measured"] = results
    write_card(folder, card)
