"""WordNet's nouns (https://wordnet.princeton.edu/documentation/wndb5wn): synonyms of a first sense, few and safe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from impasto.data.packages import members

if TYPE_CHECKING:
    from pathlib import Path

MOST_SYNONYMS = 2
FILES = {
    "animals-nature": frozenset({"05", "17", "19", "20"}),
    "food-drink": frozenset({"13"}),
    "people-body": frozenset({"08"}),
    "travel-places": frozenset({"06", "17"}),
    "activities": frozenset({"06"}),
    "objects": frozenset({"06"}),
}
"""emoji group -> lexicographer files (lexnames(5WN)) a first sense must be from to be the thing in the picture.

Nouns for people (18) are left out altogether: many of them are insults."""

VISIBLE = frozenset({"05", "06", "08", "13", "17", "19", "20"})
"""lexicographer files of animals, artefacts, body parts, food, natural objects, phenomena and plants"""


def read_synonyms(archive: Path) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Noun -> (lexicographer file of its first sense, up to two other words for that sense)."""
    wanted = {"usr/share/wordnet/index.noun", "usr/share/wordnet/data.noun"}
    files = members(archive, wanted.__contains__)
    first = {}
    for line in files["usr/share/wordnet/index.noun"].decode().splitlines():
        if not line.startswith(" "):
            parts = line.split()
            first[parts[0]] = parts[-int(parts[2])]
    senses = {}
    for line in files["usr/share/wordnet/data.noun"].decode().splitlines():
        if not line.startswith(" "):
            parts = line.split(" ")
            senses[parts[0]] = (parts[1], [parts[4 + 2 * i] for i in range(int(parts[3], 16))])
    found = {}
    for noun, offset in sorted(first.items()):
        file, words = senses.get(offset, ("", []))
        found[noun] = (file, _safe(noun, words, first, offset))
    return found


def common_words(archive: Path, *, longest: int = 14) -> tuple[str, ...]:
    """What people say and draw: lemmas of WordNet's tagged texts, and one-word nouns for things that can be seen."""
    wanted = {"usr/share/wordnet/cntlist.rev", "usr/share/wordnet/index.noun", "usr/share/wordnet/data.noun"}
    files = {name.rsplit("/", 1)[-1]: body.decode() for name, body in members(archive, wanted.__contains__).items()}
    met = {line.split("%", 1)[0] for line in files["cntlist.rev"].splitlines()}
    met = {lemma.replace("_", " ") for lemma in met if lemma.replace("_", "").isalpha()}
    seen = {noun for noun, (file, _) in read_synonyms(archive).items() if file in VISIBLE and noun.isalpha()}
    return tuple(sorted(word for word in met | seen if len(word) <= longest))


def kinds(archive: Path, *, levels: int = 2) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Noun for a thing that can be seen -> other words for its first sense, then those for what it is a kind of, and
    what that is a kind of, each a level: "puppy" -> () ("dog", "domestic dog", ...) ("canine", ...)."""
    wanted = {"usr/share/wordnet/index.noun", "usr/share/wordnet/data.noun"}
    files = {name.rsplit("/", 1)[-1]: body.decode() for name, body in members(archive, wanted.__contains__).items()}
    senses: dict[str, tuple[str, list[str], list[str]]] = {}
    for line in files["data.noun"].splitlines():
        if not line.startswith(" "):
            parts = line.split(" | ")[0].split()
            words, rest = int(parts[3], 16), parts[4 + 2 * int(parts[3], 16) :]
            above = [rest[i + 1] for i in range(1, len(rest) - 3, 4) if rest[i] == "@"]
            senses[parts[0]] = (parts[1], [parts[4 + 2 * i].replace("_", " ") for i in range(words)], above)
    found = {}
    for line in files["index.noun"].splitlines():
        parts = line.split()
        if line.startswith(" ") or senses[parts[-int(parts[2])]][0] not in VISIBLE:
            continue
        noun, level, told = parts[0].replace("_", " "), [parts[-int(parts[2])]], []
        for _ in range(1 + levels):
            told.append(tuple(word for sense in level for word in senses[sense][1] if word != noun))
            level = [above for sense in level for above in senses[sense][2] if senses[above][0] in VISIBLE]
        found[noun] = tuple(told)
    return found


def synonyms_of(name: str, group: str | None, nouns: dict[str, tuple[str, tuple[str, ...]]]) -> tuple[str, ...]:
    """Other words for a name that is one noun as a whole, if its first sense is the kind of thing the group shows."""
    file, words = nouns.get(name.lower().replace(" ", "_"), ("", ()))
    return words if file in FILES.get(group or "", frozenset()) else ()


def _safe(noun: str, sense: list[str], first: dict[str, str], offset: str) -> tuple[str, ...]:
    """Synonyms in lower case that mean this sense first of all themselves; no Latin names, no word twice."""
    fit = [w for w in sense if w.islower() and w != noun and w.replace("_", "").isalpha() and first.get(w) == offset]
    return tuple(word.replace("_", " ") for word in fit[:MOST_SYNONYMS])
