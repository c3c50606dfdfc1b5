"""The words stage: our text encoder learns to say what a sentence encoder says, in every language the names come in.

Targets are the teacher's vectors of English texts. English names, captions and dictionary words are their own target;
a name or keyword in another language has the English name's. Loss: one minus cosine, and telling the batch's targets
apart (InfoNCE, van den Oord et al. 2018). Makes the tokenizer first.
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
from impasto.data.wordnet import read_synonyms
from impasto.models.nets.words import Words
from impasto.training.batches import rng_at
from impasto.training.recipe import Recipe, Strict, parse
from impasto.training.teacher import Teacher
from impasto.training.tokens import Tokens, train_tokenizer

if TYPE_CHECKING:
    from impasto.data.dataset import Dataset

SOURCES = ("english", "foreign", "keyword", "dictionary")


class Settings(Strict):
    teacher: Package
    dictionary: Package
    cache: Path = Path(".cache/packages")
    tokenizer: Path
    """where the tokenizer is written"""
    shares: tuple[float, float, float, float] = (0.35, 0.35, 0.1, 0.2)
    """of a batch: English names and captions, foreign names, foreign keywords, dictionary words"""
    temperature: float = 0.05
    contrast: float = 0.3


class WordsStage:
    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        self.settings = s = parse(Settings, recipe.stage, where="[stage]")
        self.device, self.seed, self.batch = device, recipe.run.seed, recipe.run.batch
        dataset = open_dataset(recipe.run.data)
        self.pairs = gather(dataset, fetch(s.dictionary, s.cache))
        if not s.tokenizer.exists():
            texts = [text for source in SOURCES for text, _ in self.pairs[source] for _ in range(_weight(source))]
            train_tokenizer(texts, vocabulary=recipe.net["vocabulary"], out=s.tokenizer)
        self.tokens = Tokens(s.tokenizer, recipe.net["max_tokens"])
        english = sorted({target for pairs in self.pairs.values() for _, target in pairs})
        self.place = {text: i for i, text in enumerate(english)}
        self.targets = self.teach(english, recipe.run.out / "targets.pt").to(device)
        self.net = nn.ModuleDict({"words": Words(**recipe.net)}).to(device)

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


def gather(dataset: Dataset, dictionary: Path) -> dict[str, list[tuple[str, str]]]:
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
    lemmas = {noun.replace("_", " ") for noun in read_synonyms(dictionary) if noun.replace("_", "").isalpha()}
    lemmas = {noun for noun in lemmas if len(noun) <= 24}
    return {
        "english": sorted((text, text) for text in english),
        "foreign": sorted(names),
        "keyword": sorted(keywords),
        "dictionary": sorted((noun, noun) for noun in lemmas),
    }


def _weight(source: str) -> int:
    """How much a source counts when subwords are learnt: English must not drown in a hundred languages."""
    return {"english": 20, "foreign": 1, "keyword": 1, "dictionary": 2}[source]
