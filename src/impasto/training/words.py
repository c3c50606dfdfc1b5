"""The words stage: our text encoder learns to say what a sentence encoder says, in every language the names come in.

Targets are the teacher's vectors of English texts. English names, captions and dictionary words are their own target;
a name or keyword in another language has the English name's. Loss: one minus cosine, and telling the batch's targets
apart (InfoNCE, van den Oord et al. 2018). Makes the tokenizer first, where there is none.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor, nn
from torch.nn import functional as F

from impasto.data.dataset import open_dataset
from impasto.data.packages import fetch
from impasto.data.recipe import Package
from impasto.data.split import held_out_name
from impasto.data.wordnet import common_words
from impasto.models.nets.words import Words
from impasto.training.batches import rng_at
from impasto.training.checkpoint import first_weights
from impasto.training.recipe import Recipe, Strict, built, parse
from impasto.training.teacher import Teacher
from impasto.training.tokens import Tokens, train_tokenizer

if TYPE_CHECKING:
    from impasto.data.dataset import Dataset

SOURCES = ("english", "foreign", "keyword", "dictionary", "phrase")
PHRASES = 40_000
LOOKS = (
    "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white", "grey", "golden", "silver",
    "big", "small", "tiny", "huge", "happy", "sad", "angry", "cute", "funny", "old", "young", "sleepy", "scary",
    "round", "fluffy", "shiny", "wooden", "broken", "smiling", "flying", "running",
)  # fmt: skip
COUNTS = ("two", "three", "four", "five", "many")
BETWEEN = ("and a", "next to a", "on a", "under a", "in front of a", "with a", "in a", "on top of a", "above a")


class Settings(Strict):
    teacher: Package
    dictionary: Package
    cache: Path = Path(".cache/packages")
    tokenizer: Path
    """where the tokenizer is written"""
    start: Path | None = None
    """a run, or a model folder, whose text encoder is the start; None: from nothing"""
    shares: tuple[float, float, float, float, float] = (0.25, 0.35, 0.1, 0.12, 0.18)
    """of a batch: English names and captions, foreign names, foreign keywords, dictionary words, made-up phrases"""
    temperature: float = 0.05
    contrast: float = 0.3


class WordsStage:
    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        self.settings = s = parse(Settings, recipe.stage, where="[stage]")
        self.device, self.seed, self.batch = device, recipe.run.seed, recipe.run.batch
        dataset = open_dataset(recipe.run.data)
        self.pairs = gather(dataset, fetch(s.dictionary, s.cache), self.seed)
        if not s.tokenizer.exists():
            texts = [text for source in SOURCES for text, _ in self.pairs[source] for _ in range(_weight(source))]
            train_tokenizer(texts, vocabulary=recipe.net["vocabulary"], out=s.tokenizer)
        self.tokens = Tokens(s.tokenizer, recipe.net["max_tokens"])
        english = sorted({target for pairs in self.pairs.values() for _, target in pairs})
        self.place = {text: i for i, text in enumerate(english)}
        self.targets = self.teach(english, recipe.run.out / "targets.pt").to(device)
        self.net = nn.ModuleDict({"words": built(recipe, Words)}).to(device)
        if s.start:
            weights = first_weights(s.start)
            self.net.load_state_dict({k: v for k, v in weights.items() if k.startswith("words.")})

    def teach(self, english: list[str], cache: Path) -> Tensor:
        """The teacher's vector of every target text, (n, 384), unit length; kept beside the run."""
        if cache.exists():
            kept = torch.load(cache, weights_only=True)
            if kept["texts"] == english:
                return kept["vectors"]
        vectors = Teacher(self.settings.teacher, self.settings.cache)(english)
        torch.save({"texts": english, "vectors": vectors}, cache)
        return vectors

    def loss(self, step: int) -> dict[str, Tensor]:
        texts, places = self.batch_at(step)
        tokens = self.tokens(texts)
        longest = max(4, int((tokens != 0).sum(1).max()))
        _, pooled, _ = self.net["words"](torch.from_numpy(tokens[:, :longest]).to(self.device))
        said = F.normalize(self.net["words"].to_teacher(pooled).float(), dim=-1)
        target = self.targets[places]
        away = 1 - (said * target).sum(-1).mean()
        scores = said @ target.T / self.settings.temperature
        same = torch.as_tensor(places[:, None] == places[None, :], device=self.device)
        same.fill_diagonal_(False)
        apart = F.cross_entropy(scores.masked_fill(same, -1e4), torch.arange(len(said), device=self.device))
        return {"loss": away + self.settings.contrast * apart, "away": away, "apart": apart}

    def batch_at(self, step: int) -> tuple[list[str], np.ndarray]:
        rng = rng_at(self.seed, step)
        texts, targets = [], []
        for source in rng.choice(len(SOURCES), size=self.batch, p=self.settings.shares):
            pairs = self.pairs[SOURCES[source]]
            text, target = pairs[rng.integers(len(pairs))]
            texts.append(text)
            targets.append(self.place[target])
        return texts, np.array(targets)

    def sheet(self) -> np.ndarray:
        """The nearest English targets of a few probes, as text on paper."""
        probes = (
            "puppy",
            "un gato",
            "红苹果",
            "बिल्ली",
            "قلب",
            "samochód",
            "a cute little kitten",
            "sad",
            "llama",
            "機関車",
        )
        tokens = torch.from_numpy(self.tokens(probes)).to(self.device)
        said = F.normalize(self.net["words"].to_teacher(self.net["words"](tokens)[1]), dim=-1)
        best = (said @ self.targets.T).topk(6, dim=-1).indices.tolist()
        texts = list(self.place)
        lines = [f"{i + 1:>3}: {', '.join(texts[j] for j in row)}" for i, row in enumerate(best)]
        print("\n".join(f"{probe} {line}" for probe, line in zip(probes, lines, strict=True)))
        image = Image.new("RGB", (900, 24 * len(lines) + 16), "white")
        ImageDraw.Draw(image).multiline_text((8, 8), "\n".join(lines), fill="black", spacing=8)
        return np.asarray(image)

    def measure(self) -> dict[str, float]:
        return {}

    def finish(self) -> None:
        """Nothing to close."""

    def export(self, folder: Path) -> None:
        """Shipped as part of the denoiser, which trains it on."""


def gather(dataset: Dataset, dictionary: Path, seed: int) -> dict[str, list[tuple[str, str]]]:
    """(text, English target) pairs by source. Words of held-out pairs are known from their other styles."""
    english = {text for record in dataset.records for text in (record.name, *record.captions)}
    names, keywords = set(), set()
    for concept in dataset.concepts.values():
        for entry in concept.names:
            if entry.lang.startswith("en"):
                continue
            if entry.name and not held_out_name(concept.concept, entry.name):
                names.add((entry.name, concept.name))
            told = (word for word in entry.keywords if not held_out_name(concept.concept, word))
            keywords.update((word, concept.name) for word in told)
    return {
        "english": sorted((text, text) for text in english),
        "foreign": sorted(names),
        "keyword": sorted(keywords),
        "dictionary": [(word, word) for word in common_words(dictionary)],
        "phrase": [(text, text) for text in phrases(sorted({r.name for r in dataset.records}), seed)],
    }


def phrases(names: list[str], seed: int) -> list[str]:
    """Names with a look, counted, in the plural, or two of them in a place: "three sad cats", "a bee on a rose"."""
    from inflect import engine

    english, rng = engine(), np.random.default_rng([seed, 0])
    plain = [name for name in names if name.isascii() and name.replace(" ", "").isalpha() and name.count(" ") < 2]
    found = set()
    while len(found) < min(PHRASES, 20 * len(plain)):
        one, other = (plain[i] for i in rng.integers(len(plain), size=2))
        look, count, between = (some[rng.integers(len(some))] for some in (LOOKS, COUNTS, BETWEEN))
        many = english.plural(one)
        made = (f"{look} {one}", f"{count} {many}", many, f"{count} {look} {many}", f"{one} {between} {other}")
        found.add(made[rng.choice(5, p=(0.35, 0.15, 0.1, 0.1, 0.3))])
    return sorted(found)


def _weight(source: str) -> int:
    """How much a source counts when subwords are learnt: English must not drown in a hundred languages."""
    return {"english": 20, "foreign": 1, "keyword": 1, "dictionary": 2, "phrase": 1}[source]
