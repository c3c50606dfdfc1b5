"""`impasto evaluate MODEL`: what a model reaches on held-out pairs, drawn by the engine that people use.

A pair is a (concept, style) whose picture no training step saw, though the concept was seen in other styles. The model
draws it by name; the evaluator, trained on the training split alone, ranks all pictures of that style by likeness to
the drawing; the place of the true one is the score. What real pictures get (the same concept in another style, ranked
in the same way) stands beside it as the yardstick. Other languages, probes and texts have files of their own.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from impasto.data.dataset import Dataset, open_dataset
from impasto.training.artist import Artist, Asked
from impasto.training.autoencoder import held_out, premultiplied, psnr_db
from impasto.training.composed import composed
from impasto.training.judge import Judge, load_judge
from impasto.training.languages import in_languages, in_texts
from impasto.training.measures import (
    bootstrapped,
    by_style,
    edge_width_px,
    frechet,
    halo,
    lopsided,
    ratios,
    summary,
)
from impasto.training.probes import COMMON, probed
from impasto.training.recipe import load
from impasto.training.sheets import tile

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from impasto.models.registry import InstalledModel
    from impasto.ports import Engine

    Say = Callable[[str], None]
    Progress = Callable[[str, int, int], None]
    """hears which part of the work has done how many of how many"""

EVALUATOR, OUT = Path("recipes/mini/evaluator.toml"), Path("runs/mini/evaluate")
FACES, EVEN_FACE = 32, 4.0
"""how many faces are drawn, and how lopsided, in levels of 255, the true picture of one may be"""


@torch.no_grad()
def evaluate(
    installed: InstalledModel,
    engine: Engine,
    *,
    parts: Collection[str] = ("pictures",),
    other: Artist | None = None,
    evaluator: Path = EVALUATOR,
    out: Path = OUT,
    training_pairs: int = 500,
    concepts: int = 300,
    say: Say = print,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Measure a model with its defaults; sheets go to `out`. Returns tables for the card's [results].

    `parts` are of pictures, languages, texts, probes and composed. `other`, the same model drawing in another way or
    another model, draws the same pairs, and the two are compared. Raises Damaged where the evaluator's recipe has not
    been run, Invalid where there is no data set.
    """
    dataset = open_dataset(load(evaluator).run.data)
    results: dict[str, Any] = {}
    if "texts" in parts:
        results["texts"] = in_texts(installed, dataset, count=concepts, say=say)
    if not set(parts) - {"texts"} and other is None:
        return rounded(results)
    judge, artist = load_judge(evaluator, dataset), Artist(engine=engine, card=installed.card)
    out.mkdir(parents=True, exist_ok=True)
    if "pictures" in parts or other is not None:
        ours = draw_and_rank(artist, judge, dataset, out, training_pairs=training_pairs, say=say)
    if "pictures" in parts:
        nets = {"autoencoder_psnr_db": autoencoder_psnr(installed, dataset)}
        sheets = variety(judge, artist, out / "common.png", say) | faces(artist, dataset)
        results |= {"measured": nets | ours.measured | sheets, "styles": ours.styles}
        for name, value in results["measured"].items():
            say(f"{name:<32}{value:>10.4g}")
    if other is not None:
        theirs = draw_and_rank(other, judge, dataset, None, training_pairs=training_pairs, say=say)
        results["against"] = compared(artist, other, ours, theirs, judge, say=say)
    if "languages" in parts:
        told = progress and (lambda done, total: progress("languages", done, total))
        results["languages"] = in_languages(artist, judge, dataset, count=concepts, say=say, told=told)
    if "probes" in parts:
        results["probes"] = probed(artist, judge, dataset, say=say)
    if "composed" in parts:
        results["composed"] = composed(artist, judge, dataset, out=out, say=say)
    return rounded(results)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """The pairs, drawn one way."""

    measured: dict[str, float]
    styles: dict[str, dict[str, float]]
    features: dict[str, Tensor]
    """"held_out" or "training" -> (pairs, features) of the drawings"""
    places: dict[str, np.ndarray]
    """(pairs,) the records that are their true pictures"""


def draw_and_rank(
    artist: Artist, judge: Judge, dataset: Dataset, sheets: Path | None, *, training_pairs: int, say: Say
) -> Drawn:
    """Held-out pairs, and some of the training's: ranks, whole and by style, and how near the drawings are to life."""
    styles = set(artist.card.styles)
    pairs = held_out(dataset, styles)
    seen = np.array([i for i, r in enumerate(dataset.records) if r.split == "train" and r.style in styles])
    seen = np.random.default_rng(0).choice(seen, size=min(training_pairs, len(seen)), replace=False)
    places = {name: some for name, some in (("held_out", pairs), ("training", seen)) if len(some)}
    measured, features = {}, {}
    per_style: dict[str, dict[str, float]] = {style: {} for style in artist.card.styles}
    for name, chosen in places.items():
        drawn = draw_pairs(artist, dataset, chosen)
        features[name] = judge.see(drawn)
        ranks = [judge.rank(f, int(i)) for f, i in zip(features[name], chosen, strict=True)]
        measured |= summary(name, ranks) | likeness(name, judge, features[name], chosen)
        measured |= edges(name, dataset, drawn, chosen)
        for style, found in by_style(name, ranks, judge.styles[chosen]).items():
            per_style[style] |= found
        if sheets:
            sheet_of_pairs(dataset, chosen[:48], drawn[:48], sheets / f"{name}.png")
        say(f"{name}: " + ", ".join(f"{k} {v:.3g}" for k, v in summary(name, ranks).items()))
    measured |= summary("real", real_ranks(judge, dataset, pairs, styles))
    measured |= of_peers(judge, dataset, pairs)
    return Drawn(measured=measured, styles={k: v for k, v in per_style.items() if v}, features=features, places=places)


def compared(artist: Artist, other: Artist, ours: Drawn, theirs: Drawn, judge: Judge, *, say: Say) -> dict[str, Any]:
    """Two ways of drawing the same pairs: the other's numbers, ours divided by them, and how far chance moves the
    ratio of the Fréchet distances, which is less than it moves each of them."""
    found = ratios(ours.measured, theirs.measured)
    numbers = {name: theirs.measured[name] for name in found if not name.startswith(("real_", "true_"))}
    say(f"{'':<28}{'default':>10}{'other':>10}{'ratio':>10}   ({artist.way}; other: {other.way})")
    for name, value in numbers.items():
        say(f"{name:<28}{ours.measured[name]:>10.4g}{value:>10.4g}{found[name]:>10.3f}")
    ratio = {name: found[name] for name in numbers}
    for name, places in ours.places.items():
        if f"{name}_frechet" not in ratio:
            continue
        a, b, true = (each.numpy() for each in (ours.features[name], theirs.features[name], judge.features[places]))
        spread = bootstrapped(
            lambda rows, a=a, b=b, t=true: frechet(a[rows], t[rows]) / frechet(b[rows], t[rows]), len(a)
        )
        ratio[f"{name}_frechet_spread"] = spread
        say(f"{name}_frechet's ratio is sure to about {spread:.3f} (one standard deviation of a bootstrap over pairs)")
    model = f"{other.card.model.name} {other.card.model.version}"
    return {"model": model, "way": other.way, "default_way": artist.way, "other": numbers, "ratio": ratio}


def likeness(name: str, judge: Judge, features: Tensor, chosen: np.ndarray) -> dict[str, float]:
    """Fréchet distance in the judge's features from drawings to their true pictures, and how far chance moves it."""
    if len(chosen) < 2:
        return {}
    drawn, true = features.numpy(), judge.features[chosen].numpy()
    spread = bootstrapped(lambda rows: frechet(drawn[rows], true[rows]), len(true))
    return {f"{name}_frechet": frechet(drawn, true), f"{name}_frechet_spread": spread}


def of_peers(judge: Judge, dataset: Dataset, chosen: np.ndarray) -> dict[str, float]:
    """The Fréchet distance that as many other real pictures of the same styles, of any concept, would get."""
    if len(chosen) < 2:
        return {}
    rng, of_style = np.random.default_rng(0), defaultdict(list)
    for i, record in enumerate(dataset.records):
        if record.split == "train":
            of_style[record.style].append(i)
    peers = [rng.choice(of_style[style]) for style in judge.styles[chosen]]
    return {"real_frechet": frechet(judge.features[peers].numpy(), judge.features[chosen].numpy())}


def edges(name: str, dataset: Dataset, drawn: Tensor, chosen: np.ndarray) -> dict[str, float]:
    """The median halo and edge width of drawings, and of their true pictures."""
    found = {}
    for measure in (halo, edge_width_px):
        parts = np.split(chosen, range(64, len(chosen), 64))
        true = torch.cat([measure(premultiplied(dataset.pictures(256)[part])) for part in parts])
        found[f"{name}_{measure.__name__}"] = float(torch.cat([measure(part) for part in drawn.split(64)]).median())
        found[f"true_{name}_{measure.__name__}"] = float(true.median())
    return found


def faces(artist: Artist, dataset: Dataset) -> dict[str, float]:
    """How lopsided drawings of faces are whose true picture is even, and how lopsided those are."""
    places = even_faces(dataset, set(artist.card.styles))
    if not len(places):
        return {}
    drawn = draw_pairs(artist, dataset, places)
    true = premultiplied(dataset.pictures(256)[places])
    return {
        "faces": len(places),
        "faces_lopsided": float(lopsided(drawn).mean()),
        "true_faces_lopsided": float(lopsided(true).mean()),
    }


def even_faces(dataset: Dataset, styles: set[str], count: int = FACES) -> np.ndarray:
    """Places of up to `count` pictures of faces that are nearly their own mirror image, in the order of a hash."""
    found: list[int] = []
    records = [(r.id, i) for i, r in enumerate(dataset.records) if r.style in styles and is_face(r.group, r.name)]
    for _, place in sorted(records, key=lambda record: sha256(record[0].encode()).digest()):
        if len(found) < count and float(lopsided(premultiplied(dataset.pictures(256)[[place]]))) <= EVEN_FACE:
            found.append(place)
    return np.array(found, dtype=np.int64)


def is_face(group: str | None, name: str) -> bool:
    return group == "smileys-emotion" and "face" in name.split()


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


def draw_pairs(artist: Artist, dataset: Dataset, chosen: Sequence[int] | np.ndarray) -> Tensor:
    """(n, 4, 256, 256): each pair by its name, the first with seed 0."""
    records = [dataset.records[i] for i in chosen]
    asked = [Asked(words=r.name, style=r.style, seed=seed) for seed, r in enumerate(records)]
    return torch.cat(list(artist.in_parts(asked)))


def real_ranks(judge: Judge, dataset: Dataset, pairs: np.ndarray, styles: set[str]) -> list[int]:
    """What a real picture of the same concept in another style would score."""
    ranks = []
    for place in pairs:
        concept = dataset.records[place].concept
        others = [i for i, r in enumerate(dataset.records) if r.concept == concept and i != place and r.style in styles]
        ranks += [judge.rank(judge.features[i], int(place)) for i in others[:1]]
    return ranks


def variety(judge: Judge, artist: Artist, sheet: Path, say: Say) -> dict[str, float]:
    """Four seeds of the forty common things: their mean distance (one minus cosine), the sheet of the first seed, and
    on how many of the sheet the evaluator names what was asked among its first five concepts."""
    style, words = artist.card.defaults.style, list(COMMON)
    asked = [Asked(words=word, style=style, seed=seed) for seed in range(4) for word in words]
    first = artist.draw(asked[: len(words)])
    features = torch.cat([judge.see(first), artist.seen_by(judge, asked[len(words) :])]).unflatten(0, (4, len(words)))
    likeness = torch.einsum("snf,tnf->nst", features, features)
    apart = 1 - likeness[:, *np.triu_indices(4, 1)]
    Image.fromarray(tile(first.numpy(), columns=8, size_px=128)).save(sheet)
    places = judge.places(features[0], [COMMON[word].split() for word in words])
    missed = [f"{word} ({place})" for word, place in zip(words, places, strict=True) if place > 5]
    say(f"common things not among the evaluator's first five, and where they are: {', '.join(missed) or 'none'}")
    return {"variety": float(apart.mean()), "common_recognised": len(words) - len(missed)}


def sheet_of_pairs(dataset: Dataset, chosen: np.ndarray, drawn: Tensor, path: Path) -> None:
    """Rows of twelve: the true pictures, and under them what was drawn."""
    true = premultiplied(dataset.pictures(256)[chosen])
    rows = [
        part for start in range(0, len(chosen), 12) for part in (true[start : start + 12], drawn[start : start + 12])
    ]
    Image.fromarray(tile(torch.cat(rows).numpy(), columns=12)).save(path)


def rounded(results: Any) -> Any:
    """Every number of nested tables to four places."""
    if isinstance(results, dict):
        return {name: rounded(value) for name, value in results.items()}
    return results if isinstance(results, str | int) else round(float(results), 4)


def into_card(folder: Path, results: dict[str, Any]) -> None:
    """Put measured tables into a model folder's card; tables of other names are kept."""
    import tomllib

    from impasto.training.export import write_card

    card = tomllib.loads((folder / "card.toml").read_text())
    card.pop("files")
    card.setdefault("results", {}).update(results)
    write_card(folder, card)
