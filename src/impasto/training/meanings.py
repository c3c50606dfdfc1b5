"""The meanings stage: the text encoder learns to say in any language what it says in English.

A finished Mini knows how to lay out what an English name says. Here planner and painter stay as they are, and the text
encoder is taught until the planner lays out for a name in another language, or for a word that nobody put under a
picture ("puppy"), what it lays out for the English name that means the same. What is under pictures keeps its own
plan, so that nothing is forgotten. No picture is needed, and what is drawn afterwards costs what it did.

Loss: the squared distance of plans as the painter reads them, and of conditions, each over its variance in the batch,
so that 1 is what saying the same to everything would get; and telling the batch's meanings apart by pooled states
(InfoNCE, van den Oord et al. 2018), without which the first stays long at its mean. It is a distillation of the text
encoder (Hinton et al. 2015) through the net that reads it, from one language to others (Reimers & Gurevych 2020).
"""

from __future__ import annotations

from collections import defaultdict
from copy import deepcopy
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from impasto.data.packages import fetch
from impasto.data.recipe import Package
from impasto.data.split import held_out_name
from impasto.data.wordnet import common_words, kinds
from impasto.models.nets.words import PAD
from impasto.training.batches import rng_at
from impasto.training.captions import ARTICLES, Captions
from impasto.training.examples import Examples
from impasto.training.finished import line_of, load_mini, settings_of
from impasto.training.languages import LANGUAGES
from impasto.training.recipe import Recipe, Strict, load, parse
from impasto.training.sheets import tile
from impasto.training.teacher import Teacher

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from impasto.data.dataset import Dataset

    Pairs = Sequence[tuple[str, str]]
    """text, and the English name that means the same"""

EXAMINED = 400
"""names of each kind that are measured"""
WELL_KNOWN = 4
"""a concept in as many styles is one that other words may mean"""
FEW = 3
"""concepts that share a word which may mean the plainest of them"""
SHOWN = (
    "cat", "un gato", "猫", "बिल्ली", "قطة", "kot", "paka", "puppy", "家", "дом", "nyumba", "лошадь", "apel", "apfel",
    "별", "espresso",
)  # fmt: skip
"""what a sheet shows the plans of"""


class Settings(Strict):
    """`[stage]` of a meanings recipe."""

    painter: Path
    """recipe of the distil or denoiser run whose text encoder learns"""
    teacher: Package
    """the sentence encoder that likens words to names where the dictionary does not"""
    dictionary: Package
    """that says what nouns are kinds of"""
    cache: Path = Path(".cache/packages")
    names: float = Field(default=0.47, ge=0, le=1)
    keywords: float = Field(default=0.04, ge=0, le=1)
    likened: float = Field(default=0.14, ge=0, le=1)
    """shares of a batch: names and keywords in other languages, and words that are like a name; the rest is what is
    under pictures and scenes"""
    tested: float = Field(default=0.85, ge=0, le=1)
    """the share of names and keywords that are of the languages that Mini is tested in"""
    temperature: float = Field(default=0.05, gt=0)
    contrast: float = Field(default=0.3, ge=0)
    """weight of telling meanings apart"""
    like: float = Field(default=0.7, ge=0, le=1)
    """the least cosine of a word that is like a name"""


class MeaningsStage:
    """What the loop trains: the text encoder alone (see run.Stage)."""

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        self.recipe = recipe
        self.settings = s = parse(Settings, recipe.stage, where="[stage]")
        self.device, self.seed = device, recipe.run.seed
        line = line_of(load(s.painter))
        taught = settings_of(line).model_copy(update={"foreign": 0.0, "keyword": 0.0})
        self.examples = Examples(line["denoiser"], taught, recipe.run, device)
        self.mini = load_mini(line, device)
        self.net = deepcopy(self.mini.words).requires_grad_(True)
        dataset = self.examples.dataset
        self.names, self.keywords = names_of(dataset), keywords_of(dataset)
        self.words = words_of(self.examples.captions, s, recipe.run.out / "likened.pt")
        self.meant = list(self.words)
        self.planner = self.mini.planner
        if recipe.run.compile:
            self.planner = deepcopy(self.planner)
            for block in (*self.planner.coarse["blocks"], *self.planner.fine["blocks"]):
                block.compile(dynamic=False)

    def loss(self, step: int) -> dict[str, Tensor]:
        said, meant, style = self.batch_at(step)
        with torch.no_grad():
            pooled_aim, *aims = self.read(self.mini.words, meant, style)
        pooled, *answers = self.read(self.net, said, style, self.planner)
        plans, conditions = (
            (answer - aim).square().mean() / aim.var(dim=0).mean().clamp_min(1e-6)
            for answer, aim in zip(answers, aims, strict=True)
        )
        apart = told_apart(pooled, pooled_aim, self.settings.temperature)
        loss = plans + conditions + self.settings.contrast * apart
        return {"loss": loss, "plans": plans, "conditions": conditions, "apart": apart}

    def read(
        self, words: nn.Module, tokens: Tensor, style: Tensor, planner: nn.Module | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """By one text encoder or another: the pooled state (b, w'), the plan (b, n, w) as the painter reads it, and the
        condition (b, w)."""
        states, pooled, mask = words(tokens)
        plan, condition = (planner or self.mini.planner)(states, pooled, mask, style)
        return pooled.float(), self.mini.painter.norm(plan.float()), condition.float()

    def batch_at(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """What is said and what it means, tokens (b, m) each, and the style (b,)."""
        s, rng = self.settings, rng_at(self.seed, step, 1)
        _, meant, style = self.examples.at(step)
        said = meant.clone()
        kind = rng.choice(4, size=len(meant), p=(s.names, s.keywords, s.likened, 1 - s.names - s.keywords - s.likened))
        places = np.flatnonzero(kind < 3)
        drawn = [self.draw(("names", "keywords", "words")[kind[i]], rng) for i in places]
        styles = rng.integers(len(self.examples.style_index), size=len(places))
        rows = torch.from_numpy(places).to(self.device)
        said, meant = self.put(said, rows, [text for text, _ in drawn]), self.put(meant, rows, [m for _, m in drawn])
        style = style.index_copy(0, rows, torch.from_numpy(styles).to(self.device))
        return said, meant, style

    def draw(self, kind: str, rng: np.random.Generator) -> tuple[str, str]:
        if kind == "words":
            meant = self.meant[rng.integers(len(self.meant))]
            text = self.words[meant][rng.integers(len(self.words[meant]))]
            return f"{ARTICLES[rng.integers(len(ARTICLES))]} {text}".lstrip(), meant
        by_language = self.names if kind == "names" else self.keywords
        tested = rng.random() < self.settings.tested
        languages = [each for each in by_language if (each in LANGUAGES) is tested] or list(by_language)
        pairs = by_language[languages[rng.integers(len(languages))]]
        return pairs[rng.integers(len(pairs))]

    def put(self, tokens: Tensor, rows: Tensor, texts: Sequence[str]) -> Tensor:
        """Tokens with some rows' place taken by texts, no longer than the longest of them needs, in fours."""
        wide = tokens.new_full((len(tokens), self.examples.tokens.max_tokens), PAD)
        wide[:, : tokens.shape[1]] = tokens
        wide[rows] = torch.from_numpy(self.examples.tokens(texts)).to(self.device)
        longest = int((wide != PAD).sum(1).max())
        return wide[:, : max(4, -(-longest // 4) * 4)]

    @cached_property
    def examined(self) -> dict[str, Pairs]:
        """Names in the tested languages that were told and that were not, and likened words."""
        rng = np.random.default_rng([self.seed, 9])
        told = [pair for language in LANGUAGES for pair in self.names.get(language, ())]
        words = [(word, meant) for meant, some in self.words.items() for word in some]
        asked = {"told": told, "not_told": not_told(self.examples.dataset), "words": words}
        return {
            kind: [pairs[i] for i in rng.permutation(len(pairs))[:EXAMINED]] for kind, pairs in asked.items() if pairs
        }

    def measure(self) -> dict[str, float]:
        """By kind of name: the share whose own English name's plan is the nearest of all examined ones' or among the
        five nearest, and the mean squared distance to it."""
        english = sorted({meant for pairs in self.examined.values() for _, meant in pairs})
        known = self.planned(self.mini.words, english).flatten(1)
        found = {}
        for kind, pairs in self.examined.items():
            made = self.planned(self.net, [text for text, _ in pairs]).flatten(1)
            truth = torch.tensor([english.index(meant) for _, meant in pairs], device=self.device)
            away = torch.cdist(made, known).square() / known.shape[1]
            true = away.gather(1, truth[:, None])
            place = (away < true).sum(1)
            found |= {
                f"{kind}_top1": float((place < 1).float().mean()),
                f"{kind}_top5": float((place < 5).float().mean()),
            }
            found[f"{kind}_away"] = float(true.mean())
        return found

    def planned(self, words: nn.Module, texts: Sequence[str]) -> Tensor:
        """Plans (n, 64, w) of texts in the first style."""
        tokens = torch.from_numpy(self.examples.tokens(texts)).to(self.device)
        return torch.cat([self.read(words, some, some.new_zeros(len(some)))[1] for some in tokens.split(128)])

    def sheet(self) -> np.ndarray:
        """What the plans of some words look like, before and after: two rows."""
        sketch = self.mini.painter.sketch
        rows = [sketch(self.planned(words, SHOWN)) for words in (self.mini.words, self.net)]
        from impasto.models.nets.denoiser import unfold

        made = torch.cat([self.examples.autoencoder.decoder(unfold(row)) for row in rows]).clamp(0, 1)
        return tile(made.cpu().numpy(), columns=len(SHOWN))

    def finish(self) -> None:
        """Nothing to close: the averaged weights are the result."""

    def export(self, folder: Path) -> None:
        """The whole model, with this text encoder."""
        from impasto.training.publish import publish

        publish(self.recipe, folder)


def told_apart(pooled: Tensor, aim: Tensor, temperature: float) -> Tensor:
    """InfoNCE: each row's own aim among the batch's; rows with the same aim are no wrong answers."""
    known = F.normalize(aim, dim=-1)
    same = known @ known.T > 1 - 1e-4
    scores = F.normalize(pooled, dim=-1) @ known.T / temperature
    truth = torch.arange(len(pooled), device=pooled.device)
    return F.cross_entropy(scores.masked_fill(same.fill_diagonal_(False), -1e4), truth)


def names_of(dataset: Dataset) -> dict[str, list[tuple[str, str]]]:
    """Language -> (name, English name), but for held-out names and those that mean another thing in English."""
    english, found = _english(dataset), defaultdict(set)
    for concept in dataset.concepts.values():
        for entry in concept.names:
            if entry.name and _tells(entry.lang, entry.name, concept.concept, english):
                found[entry.lang].add((entry.name, concept.name))
    return {language: sorted(pairs) for language, pairs in sorted(found.items())}


def keywords_of(dataset: Dataset) -> dict[str, list[tuple[str, str]]]:
    """Language -> (keyword, English name) of the keywords that only one concept has in that language."""
    english, found = _english(dataset), defaultdict(lambda: defaultdict(set))
    for concept in dataset.concepts.values():
        for entry in concept.names:
            for word in entry.keywords:
                found[entry.lang][word].add((concept.concept, concept.name))
    kept = {
        language: sorted(
            (word, name)
            for word, of in words.items()
            for concept, name in of
            if len(of) == 1 and _tells(language, word, concept, english)
        )
        for language, words in sorted(found.items())
    }
    return {language: pairs for language, pairs in kept.items() if pairs}


def not_told(dataset: Dataset) -> list[tuple[str, str]]:
    """(name, English name) of the names in the tested languages that are held out."""
    english = _english(dataset)
    return sorted(
        {
            (entry.name, concept.name)
            for concept in dataset.concepts.values()
            for entry in concept.names
            if entry.lang in LANGUAGES
            and entry.name
            and entry.name.casefold() not in english
            and held_out_name(concept.concept, entry.name)
        }
    )


def words_of(captions: Captions, settings: Settings, cache: Path) -> dict[str, list[str]]:
    """English that is understood -> words that mean it, or mean a kind of it, and are no picture's name.

    Keywords of few concepts mean the plainest of their names; nouns, what WordNet's first sense makes them a kind of;
    and what is left, the name that a sentence encoder finds nearest, where it is near enough (kept in `cache`).
    """
    known, found = understood(captions), defaultdict(set)
    names = {name for name in known.values() if known.get(name.casefold()) == name}
    for word, name in known.items():
        if word != name.casefold():
            found[name].add(word)
    archive = fetch(settings.dictionary, settings.cache)
    said = {text.casefold() for record in captions.records for text in (record.name, *record.captions)} | known.keys()
    for noun, levels in kinds(archive).items():
        hits = [[known[w.casefold()] for w in words if w.casefold() in known] for words in levels]
        if noun not in said and noun.count(" ") < 2 and any(hits):
            found[next(level for level in hits if level)[0]].add(noun)
            said.add(noun)
    left = [word for word in common_words(archive) if word.casefold() not in said]
    for word, name in likened(left, sorted(names), settings, cache):
        found[name].add(word)
    return {name: sorted(words) for name, words in sorted(found.items())}


def understood(captions: Captions) -> dict[str, str]:
    """What people may say, folded -> what is said instead under pictures: well-known names stand for themselves, a word
    of few concepts for the shortest of their names, and a word of more of them for itself."""
    styles, of, name_of = defaultdict(set), defaultdict(set), {}
    for record in captions.records:
        styles[record.name].add(record.style)
        name_of[record.concept] = record.name
    for concept, words in captions.words.items():
        for word in words:
            of[word.casefold()].add(name_of[concept])
    few = {word: min(names, key=lambda n: (len(n), n)) if len(names) <= FEW else word for word, names in of.items()}
    return few | {name.casefold(): name for name, drawn in styles.items() if len(drawn) >= WELL_KNOWN}


def likened(words: list[str], names: list[str], settings: Settings, cache: Path) -> list[tuple[str, str]]:
    """(word, name) where the sentence encoder finds them alike enough, the nearest name for each word."""
    if cache.exists():
        kept = torch.load(cache, weights_only=True)
        if kept["names"] == names and kept["words"] == words and kept["like"] == settings.like:
            return kept["pairs"]
    teacher = Teacher(settings.teacher, settings.cache)
    best = (teacher(words) @ teacher(names).T).max(dim=1)
    near = zip(words, best.values.tolist(), best.indices.tolist(), strict=True)
    pairs = [(word, names[i]) for word, cosine, i in near if cosine >= settings.like]
    torch.save({"names": names, "words": words, "like": settings.like, "pairs": pairs}, cache)
    return pairs


def _english(dataset: Dataset) -> Mapping[str, set[str]]:
    """All that is said in English, folded -> the concepts it is said of."""
    said = defaultdict(set)
    for record in dataset.records:
        for text in (record.name, *record.captions):
            said[text.casefold()].add(record.concept)
    return said


def _tells(language: str, text: str, concept: str, english: Mapping[str, set[str]]) -> bool:
    """Whether a word of another language may be taught: not held out, and not English for something else."""
    if language.startswith("en") or held_out_name(concept, text):
        return False
    said_of = english.get(text.casefold())
    return said_of is None or concept in said_of
