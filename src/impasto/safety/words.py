"""What words ask for: looked up in lists by category and language, behind the usual disguises.

A text is read several ways, each with a score for how sure the reading is: as written (1), with look-alike signs put
back (0.9), with what was taken apart joined (0.8). Lists only find what is in them: a judge that understands what a
sentence means can be put in this one's place (ports.WordsJudge).
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.safety.policy import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from impasto.core import Verdict
    from impasto.safety.policy import Policy

LISTS = Path(__file__).with_name("lists")
ANY = "zxx"
"""the language of signs that belong to none (ISO 639-2)"""
AS_WRITTEN, UNMASKED, JOINED = 1.0, 0.9, 0.8

_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_MARKED = re.compile(r"LATIN|GREEK|CYRILLIC")
UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u2600-\u27bf\U0001f300-\U0001faff]")
"""Thai, kana, Han, Hangul and pictographs: found inside longer runs"""
_LOOKALIKES = dict(zip("аверстухкіјѕԁһԛѡмнозԍΑαβεικνορτυχ", "abepctyxkijsdhqwmho3gaabeiknoptux", strict=True))
_LEET = str.maketrans("0345789@$€£+", "oeastbgaselt")
_LETTERS = {chr(first + i): chr(97 + i) for first in (0x1F130, 0x1F150, 0x1F170, 0x1F1E6) for i in range(26)}
"""letters in squares and circles, and those of flags"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One way to read a text."""

    score: float
    tokens: tuple[str, ...]
    run: str
    """without spaces and signs"""


@dataclass(slots=True)
class Terms:
    """What is looked for: term -> the categories and languages it stands in."""

    spaced: dict[str, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))
    unspaced: dict[str, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))
    longest: int = 1
    """words of one term"""

    def add(self, term: str, category: str, language: str) -> None:
        term = fold(term)
        if UNSPACED.search(term):
            run = "".join(_TOKEN.findall(term)) or term
            self.unspaced[run].add((category, language))
            return
        tokens = _TOKEN.findall(term)
        self.longest = max(self.longest, len(tokens))
        for form in _forms(" ".join(tokens), language):
            self.spaced[form].add((category, language))


class ListJudge:
    """Implements ports.WordsJudge by lists. `policy_of` is the policy of a model by its name."""

    def __init__(self, policy_of: Callable[[str], Policy]) -> None:
        self._policy_of = policy_of

    def judge(self, words: str, model: str) -> Verdict:
        return self._policy_of(model).judge("words", find(words))


def find(text: str) -> list[Finding]:
    """Everything that is found in a text, the surest reading of each category."""
    found: dict[str, Finding] = {}
    for reading in readings(text):
        for category, term in _in(reading):
            if category not in found:
                how = "" if reading.score == AS_WRITTEN else ", disguised"
                found[category] = Finding(category=category, score=reading.score, rule=f"“{term}”{how}")
    return list(found.values())


def readings(text: str) -> Iterator[Reading]:
    """Surest first, none twice."""
    plain = fold(text)
    chunks = plain.split()
    unmasked = [_unmasked(chunk) for chunk in chunks]
    ways: list[tuple[float, Iterable[str]]] = [
        (AS_WRITTEN, [plain]),
        (AS_WRITTEN, [_unmarked(plain)]),
        (UNMASKED, map(" ".join, _turned(unmasked))),
    ]
    joined = [[re.sub(r"[\W_]+", "", way) for way in ways_of] for ways_of in unmasked]
    ways += [(JOINED, map(" ".join, _turned(joined))), (JOINED, map(_rejoined, map(" ".join, _turned(unmasked))))]
    seen = set()
    for score, texts in ways:
        for one in texts:
            tokens = tuple(_TOKEN.findall(one))
            if tokens not in seen:
                seen.add(tokens)
                yield Reading(score=score, tokens=tokens, run="".join(tokens) + _pictographs(one))


def fold(text: str) -> str:
    """Composed, without case, and without signs that are not seen."""
    text = unicodedata.normalize("NFKC", "".join(_LETTERS.get(sign, sign) for sign in text)).casefold()
    return unicodedata.normalize("NFC", "".join(sign for sign in text if unicodedata.category(sign) != "Cf"))


def _unmarked(text: str) -> str:
    """Latin, Greek and Cyrillic letters without their accents."""
    kept, base = [], ""
    for sign in unicodedata.normalize("NFD", text):
        if unicodedata.combining(sign):
            if base and _MARKED.match(unicodedata.name(base, "")):
                continue
        else:
            base = sign
        kept.append(sign)
    return unicodedata.normalize("NFC", "".join(kept)).replace("ı", "i")


def _unmasked(chunk: str) -> list[str]:
    """What a run of signs may stand for: look-alikes of other scripts, digits for letters, letters drawn out."""
    if not any(sign.isalpha() for sign in chunk):
        return [chunk]
    plain = _unmarked(chunk)
    if re.search(r"[a-z]", plain):
        plain = "".join(_LOOKALIKES.get(sign, sign) for sign in plain)
    ways = []
    for one in dict.fromkeys((plain, *(plain.replace("!", i).replace("1", i).replace("|", i) for i in "il"))):
        letters = one.translate(_LEET) if re.search(r"[a-z]", one) else one
        ways += [re.sub(r"(.)\1{2,}", r"\1", letters), re.sub(r"(.)\1{2,}", r"\1\1", letters)]
        ways.append(re.sub(r"([^\W\d])\1+", r"\1", letters))
    return list(dict.fromkeys(ways))


def _turned(chunks: list[list[str]]) -> Iterator[list[str]]:
    """The first way of every chunk, then the second of those that have one, and so on."""
    for way in range(max(map(len, chunks), default=0)):
        yield [ways[min(way, len(ways) - 1)] for ways in chunks]


def _rejoined(text: str) -> str:
    """Single letters with spaces or signs between them, joined: "n u-d e" -> "nude"."""
    return re.sub(r"(?<!\w)\w(?:[\W_]+\w(?!\w)){2,}", lambda run: re.sub(r"[\W_]+", "", run[0]), text)


def _pictographs(text: str) -> str:
    return "".join(sign for sign in text if unicodedata.category(sign) == "So")


def _in(reading: Reading) -> Iterator[tuple[str, str]]:
    """(category, term), in the order of the categories' weight."""
    terms, fine = known()
    tokens, run = _without(reading, fine)
    phrases = {
        " ".join(tokens[at : at + size]) for size in range(1, terms.longest + 1) for at in range(len(tokens) - size + 1)
    }
    hits = [(phrase, where) for phrase in phrases for where in terms.spaced.get(phrase, ())]
    if UNSPACED.search(run):
        hits += [(term, where) for term, places in terms.unspaced.items() if term in run for where in places]
    by: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for term, (category, language) in hits:
        by[category][language].add(term)
    if pair := _child_and(by):
        yield "minors", pair
    for category in ("minors", "explicit", "gore", "hate"):
        if by.get(category):
            yield category, min(term for found in by[category].values() for term in found)


def _child_and(by: dict[str, dict[str, set[str]]]) -> str | None:
    """A child, and something explicit beside it; what is only suggestive counts in the child's own language."""
    for (_, children), (_, others) in product(by["child"].items(), by["explicit"].items()):
        return f"{min(children)}” and “{min(others)}"
    for (language, children), (other, others) in product(by["child"].items(), by["suggestive"].items()):
        if language == other or ANY in (language, other):
            return f"{min(children)}” and “{min(others)}"
    return None


def _without(reading: Reading, fine: Terms) -> tuple[tuple[str, ...], str]:
    """Tokens and run without what is plainly meant otherwise."""
    text, run = f" {' '.join(reading.tokens)} ", reading.run
    for size in range(fine.longest, 0, -1):
        for at in range(len(reading.tokens) - size + 1):
            if (phrase := " ".join(reading.tokens[at : at + size])) in fine.spaced:
                text = text.replace(f" {phrase} ", " ")
    for term in fine.unspaced:
        run = run.replace(term, "")
    return tuple(text.split()), run


def _forms(term: str, language: str) -> Iterator[str]:
    """A term as it is written: with and without accents, and, where that is how it is done, in the plural or with the
    article."""
    yield term
    if len(term) >= 6:
        yield _unmarked(term)
    if language == "en" and " " not in term and len(term) >= 4 and not term.endswith("s"):
        yield f"{term}s"
    if language in ("ar", "fa"):
        yield from (f"ال{term}", f"و{term}")


@cache
def known() -> tuple[Terms, Terms]:
    """What is looked for, and what is taken out before."""
    terms, fine = Terms(), Terms()
    for category, languages in tomllib.loads((LISTS / "own.toml").read_text(encoding="utf-8")).items():
        for language, own in languages.items():
            for term in own:
                (fine if category == "fine" else terms).add(term, category, language)
    for line in (LISTS / "ldnoobw.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            language, term = line.split("\t")
            terms.add(term, "explicit", language)
    return terms, fine
