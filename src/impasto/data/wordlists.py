"""The list of obscene words that the judge of words uses: of a package, without what also has a plain meaning.

A term that is the name or a keyword of an emoji, in any language, is left out: it would refuse the thing itself. So is
what is a plain word in English, of the lists of other languages.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from impasto.data.build import CACHE
from impasto.data.packages import fetch, members
from impasto.data.recipe import Package
from impasto.data.wordnet import common_words
from impasto.safety.words import LISTS, UNSPACED, fold
from impasto.toml import Strict, parse, read

RECIPE = Path("recipes/safety/wordlists.toml")
TO = LISTS / "ldnoobw.txt"
OWN_LANGUAGES = {"tlh", "kab"}
"""left out: Klingon, and a list of Kabyle that is too short to be checked"""


class Recipe(Strict):
    """recipes/safety/wordlists.toml."""

    lists: Package
    names: Package
    english: Package
    left_out: tuple[str, ...]


def build(recipe: Recipe, cache: Path = CACHE) -> str:
    """The list as text: a language and a term a line."""
    plain = {fold(word) for word in recipe.left_out}
    names = emoji_names(cache, recipe.names)
    english = set(common_words(fetch(recipe.english, cache)))
    said = " ".join(names)
    lines = []
    for path, content in members(fetch(recipe.lists, cache), lambda name: name.endswith(".json")).items():
        language = Path(path).stem
        terms = json.loads(content)
        if not isinstance(terms, list) or language in OWN_LANGUAGES or "-" in language:
            continue
        for term in sorted({fold(term) for term in terms} - plain):
            unspaced = bool(UNSPACED.search(term))
            taken = term in said if unspaced else term in names or (language != "en" and term in english)
            if taken or len(term) < (2 if unspaced else 3):
                continue
            lines.append(f"{language}\t{term}")
    about = f"# {recipe.lists.author}, {recipe.lists.package} {recipe.lists.version}, {recipe.lists.licence}"
    return "\n".join([about, f"# {recipe.lists.licence_url}; cleaned by impasto.data.wordlists", *lines]) + "\n"


def emoji_names(cache: Path, package: Package) -> set[str]:
    """Every name and keyword of CLDR, in every language, and every word of them."""
    names: set[str] = set()
    for content in members(fetch(package, cache), lambda name: name.endswith("/annotations.json")).values():
        for one in json.loads(content)["annotations"].get("annotations", {}).values():
            for text in map(fold, one.get("tts", []) + one.get("default", [])):
                names |= {text, *text.split()}
    return names


if __name__ == "__main__":
    TO.write_text(build(parse(Recipe, read(RECIPE, "recipe"), where=str(RECIPE))), encoding="utf-8")
    print(f"{TO}: {len(TO.read_text(encoding='utf-8').splitlines())} lines", file=sys.stderr)
