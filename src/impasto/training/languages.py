"""Understanding in many languages: the same concepts drawn by their names in each, or only looked up.

In pictures: each concept is drawn by its CLDR name in a language and the true picture is ranked among all of its
style, as for English; what counts is how near the median language comes to English. In texts: the text encoder alone
is asked which English name is nearest. That is exact and takes seconds, but says nothing of what would be drawn.

CLDR's names are captions in training, so a language may be known by heart. One name in twenty is held out of training
(`data.split.held_out_name`): results on those stand apart, over all languages, for in one there are only a dozen.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from impasto.core import Invalid
from impasto.data.split import held_out_name
from impasto.training.artist import Asked
from impasto.training.measures import summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from impasto.data.dataset import Dataset
    from impasto.models.registry import InstalledModel
    from impasto.training.artist import Artist, Told
    from impasto.training.judge import Judge

ENGLISH = "en"
LANGUAGES: Mapping[str, str] = {
    "en": "English", "zh": "Chinese", "hi": "Hindi", "es": "Spanish", "ar": "Arabic", "fr": "French", "bn": "Bengali",
    "pt": "Portuguese", "ru": "Russian", "ur": "Urdu", "id": "Indonesian", "de": "German", "ja": "Japanese",
    "sw": "Swahili", "mr": "Marathi", "te": "Telugu", "tr": "Turkish", "ta": "Tamil", "vi": "Vietnamese",
    "ko": "Korean", "it": "Italian", "ha": "Hausa", "th": "Thai", "yo": "Yoruba", "pl": "Polish", "uk": "Ukrainian",
    "fa": "Persian", "am": "Amharic", "zu": "Zulu", "fil": "Filipino", "nl": "Dutch", "ro": "Romanian", "el": "Greek",
    "hu": "Hungarian", "cs": "Czech", "sv": "Swedish", "he": "Hebrew", "fi": "Finnish",
}  # fmt: skip
"""CLDR code -> English name"""
CONCEPTS, STYLES_EACH = 300, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One concept of the test: the record that is its true picture, and its name in each language."""

    place: int
    concept: str
    held_out: bool
    """whether no training step saw the picture"""
    names: dict[str, str]
    english: frozenset[str]
    """all it is called in English, folded: words that are seen whatever is held out"""

    def name_held_out(self, language: str) -> bool:
        """Whether training was not told that this name means the concept, by another language's name either."""
        name = self.names[language]
        return name.casefold() not in self.english and held_out_name(self.concept, name)


def items_of(
    dataset: Dataset, styles: Iterable[str], languages: Iterable[str] = tuple(LANGUAGES), count: int = CONCEPTS
) -> list[Item]:
    """The concepts of the test: emoji that have a name in every language and are drawn in four of the styles or more.

    Those with a held-out picture come first, each group in the order of its sha256. A concept is drawn in the style of
    its held-out picture, else in the one that the hash of both says. The same data set gives the same list.
    """
    wanted, styles, by_style = set(languages), set(styles), defaultdict(dict)
    english = defaultdict(set)
    for place, record in enumerate(dataset.records):
        english[record.concept].update(text.casefold() for text in (record.name, *record.captions))
        if record.style in styles:
            by_style[record.concept].setdefault(record.style, place)
    found = []
    for concept in dataset.concepts.values():
        names = {entry.lang: entry.name for entry in concept.names if entry.name and entry.lang in wanted}
        drawn = by_style[concept.concept]
        if concept.emoji and names.keys() == wanted and len(drawn) >= STYLES_EACH:
            place = min(drawn.values(), key=lambda i: (dataset.records[i].split != "held_out", _order(dataset, i)))
            held_out = dataset.records[place].split == "held_out"
            said = frozenset(english[concept.concept])
            found.append(Item(place=place, concept=concept.concept, held_out=held_out, names=names, english=said))
    return sorted(found, key=lambda item: (not item.held_out, _hash(item.concept)))[:count]


def in_languages(
    artist: Artist,
    judge: Judge,
    dataset: Dataset,
    *,
    languages: Sequence[str] = tuple(LANGUAGES),
    count: int = CONCEPTS,
    say: Callable[[str], None],
    told: Told | None = None,
) -> dict[str, Any]:
    """Draws every concept by its name in every language; a line a language. Returns a table for the card."""
    items = _some(items_of(dataset, artist.card.styles, languages, count))
    styles = [dataset.records[item.place].style for item in items]
    total, ranks = len(items) * len(languages), {}
    say(HEADING)
    for number, language in enumerate(languages):
        asked = [
            Asked(words=item.names[language], style=style, seed=seed)
            for seed, (item, style) in enumerate(zip(items, styles, strict=True))
        ]
        before = number * len(items)
        features = artist.seen_by(judge, asked, told and (lambda done, _, before=before: told(before + done, total)))
        ranks[language] = [judge.rank(f, item.place) for f, item in zip(features, items, strict=True)]
        say(_line(language, ranks[language], ranks[ENGLISH], items))
    results = table(items, ranks)
    say(f"median of the others: {results['median_share_of_english']:.3f} of English's share among the first five")
    return results


def in_texts(
    installed: InstalledModel,
    dataset: Dataset,
    *,
    languages: Sequence[str] = tuple(LANGUAGES),
    count: int = CONCEPTS,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Asks the text encoder alone: the place of the concept's English name among the English names of all emoji, by
    the cosine of pooled vectors. English itself is first by definition, so the shares are of 1."""
    items = _some(items_of(dataset, installed.card.styles, languages, count))
    encode = text_encoder(installed)
    emoji = [concept for concept in dataset.concepts.values() if concept.emoji]
    row = {concept.concept: i for i, concept in enumerate(emoji)}
    known = encode([concept.name for concept in emoji])
    truth, ranks = [row[item.concept] for item in items], {}
    say(HEADING)
    for language in languages:
        near = encode([item.names[language] for item in items]) @ known.T
        true = near[torch.arange(len(items)), truth]
        ranks[language] = ((near > true[:, None] + 1e-6).sum(1) + 1).tolist()
        say(_line(language, ranks[language], ranks[ENGLISH], items))
    return table(items, ranks) | {"among": len(emoji)}


def text_encoder(installed: InstalledModel) -> Callable[[Sequence[str]], Tensor]:
    """A model's own text encoder, as large as its weights say: texts -> pooled vectors (n, width), unit length."""
    from safetensors.torch import load_file

    from impasto.models.nets.words import Words
    from impasto.training.tokens import Tokens

    weights = {
        name.removeprefix("words."): value.float()
        for name, value in load_file(installed.file("words.safetensors")).items()
        if name.startswith("words.")
    }
    (vocabulary, width), max_tokens = weights["embed.weight"].shape, len(weights["place"])
    depth = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("blocks."))
    teacher = len(weights["to_teacher.weight"])
    net = Words(vocabulary=vocabulary, width=width, depth=depth, max_tokens=max_tokens, teacher=teacher)
    net.load_state_dict(weights)
    tokens = Tokens(installed.file("tokenizer.json"), max_tokens)

    @torch.no_grad()
    def encode(texts: Sequence[str]) -> Tensor:
        parts = torch.from_numpy(tokens(texts)).split(256)
        return F.normalize(torch.cat([net(part)[1] for part in parts]), dim=-1)

    return encode


def table(items: Sequence[Item], ranks: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    """Ranks by language -> the summary, and a table a language."""
    held = np.array([item.held_out for item in items])
    each, found = {}, {language: np.asarray(places) for language, places in ranks.items()}
    for language, places in found.items():
        whole = summary("all", places)
        each[language] = {"top1": whole["all_top1"], "top5": whole["all_top5"], "median_rank": whole["all_median_rank"]}
        if held.any():
            each[language]["held_out_top5"] = summary("", places[held])["_top5"]
    others = [language for language in each if language != ENGLISH]
    results = {"concepts": len(items), "held_out_pictures": int(held.sum()), "languages": len(each)}
    for key in ("top5", "held_out_top5") if held.any() else ("top5",):
        english, median = each[ENGLISH][key], float(np.median([each[o][key] for o in others])) if others else 0.0
        results |= {f"english_{key}": english, f"median_{key}": median}
        prefix = key.removesuffix("top5")
        results[f"{prefix}median_share_of_english"] = median / english if english else 0.0
    return results | by_memory(items, {o: found[o] for o in others}) | {"each": each}


def by_memory(items: Sequence[Item], ranks: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Names that training was told of and names it was not, over all languages but English: how many, and the share
    among the first five."""
    results = {}
    for name, wanted in (("told", False), ("not_told", True)):
        chosen = [
            rank
            for language, places in ranks.items()
            for rank, item in zip(places, items, strict=True)
            if item.name_held_out(language) is wanted
        ]
        results[f"names_{name}"] = len(chosen)
        if chosen:
            results[f"names_{name}_top5"] = summary("", chosen)["_top5"]
    return results


HEADING = f"{'':<14}{'first':>8}{'five':>8}{'median':>8}{'of English':>12}{'held-out five':>15}{'not told five':>20}"


def _line(language: str, ranks: Sequence[int], english: Sequence[int], items: Sequence[Item]) -> str:
    """One language of the table: shares among the first and the first five, the median place, the share of English's,
    the share among held-out pictures, and among names that training was not told of, with their number."""
    places, held = np.asarray(ranks), np.array([item.held_out for item in items])
    fresh = np.array([item.name_held_out(language) for item in items]) & (language != ENGLISH)
    five, base = (places <= 5).mean(), (np.asarray(english) <= 5).mean()
    parts = [
        f"{LANGUAGES.get(language, language):<14}{(places <= 1).mean():>8.3f}{five:>8.3f}{np.median(places):>8.1f}"
    ]
    parts.append(f"{five / base if base else 0:>12.3f}")
    for chosen, width in ((held, 15), (fresh, 20)):
        said = f"{(places[chosen] <= 5).mean():.3f} of {chosen.sum()}" if chosen.any() else "-"
        parts.append(f"{said:>{width}}")
    return "".join(parts)


def _some(items: list[Item]) -> list[Item]:
    if not items:
        raise Invalid("languages", "the data set has no concept with a name in every language and four styles")
    return items


def _order(dataset: Dataset, place: int) -> bytes:
    record = dataset.records[place]
    return _hash(f"{record.concept}|{record.style}")


def _hash(text: str) -> bytes:
    return sha256(text.encode()).digest()
