"""Names of emoji: CLDR short names and keywords in every language, emojibase groups, tags and short codes."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from impasto.core import Damaged
from impasto.data.packages import fetch, members
from impasto.data.records import Name
from impasto.data.words import emoji_key, emoji_of, key_of, slug, squash

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from impasto.data.recipe import Lexicon

FOREIGN = ("it", "fr", "es", "pt", "de", "nl")
"""languages that clip art is often titled in"""
SHORTCODES = ("cldr", "emojibase", "github", "iamcal", "joypixels")


@dataclass(frozen=True, slots=True, kw_only=True)
class Emoji:
    """What is known of one emoji in English."""

    key: str
    text: str
    name: str
    group: str | None
    subgroup: str | None
    tags: tuple[str, ...]
    shortcodes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Every way from a name to an emoji, strict ways before loose ones."""

    emoji: dict[str, Emoji]
    exact: dict[str, str]
    """slug of a CLDR or emojibase name, or of a name a package ties to code points -> key"""
    loose: dict[str, str]
    """slug of a short code -> key"""
    squashed: dict[str, str]
    """any of these without its hyphens -> key"""
    foreign: dict[str, str]
    """slug of a name in a language that clip art is titled in, where no English name is spelled so -> key"""
    local: dict[str, tuple[Name, ...]]
    """key -> names by language"""

    def english(self, key: str) -> str:
        """CLDR's English name, or emojibase's where CLDR's leaves no slug (the "*" keycap) or is missing."""
        name = _in(self.local, key, "en")
        return name if slug(name) else self.emoji[key].name

    def find(self, name: str, *, loose: bool) -> str | None:
        """The key an icon name stands for, or None."""
        base = slug(name)
        tries = [base]
        if loose:
            tries += [f"{base}-face", base.removesuffix("-face"), f"{base}-symbol", base.removesuffix("-symbol")]
            tries += [base.removesuffix("-sign"), f"{base}-button", base.removesuffix("-button")]
        for attempt in tries:
            if attempt in self.exact:
                return self.exact[attempt]
        if not loose:
            return None
        for attempt in tries:
            if attempt in self.loose:
                return self.loose[attempt]
        return next((self.squashed[flat] for flat in map(squash, tries) if flat in self.squashed), None)


def load_names(lexicon: Lexicon, cache: Path, taught: Iterable[tuple[str, str]]) -> Names:
    """Read the lexicon's packages. `taught` is (icon name, key) pairs that picture packages tie to code points."""
    emoji = _emojibase(fetch(lexicon.emojibase, cache))
    local = _cldr([fetch(lexicon.cldr, cache), fetch(lexicon.cldr_derived, cache)])
    exact: dict[str, str] = {}
    keys = sorted(emoji, key=lambda key: (len(key), key))
    for key in keys:
        for name in (emoji[key].name, _in(local, key, "en")):
            if slug(name):
                exact.setdefault(slug(name), key)
    for name, key in taught:
        if key in emoji and slug(name):
            exact.setdefault(slug(name), key)
    loose: dict[str, str] = {}
    for key in keys:
        for code in (*emoji[key].shortcodes, _character_name(key)):
            loose.setdefault(slug(code), key)
    loose.pop("", None)
    squashed: dict[str, str] = {}
    for table in (exact, loose):
        for name, key in table.items():
            squashed.setdefault(squash(name), key)
    foreign = _foreign(keys, local, {*exact, *loose})
    return Names(emoji=emoji, exact=exact, loose=loose, squashed=squashed, foreign=foreign, local=local)


def _in(local: dict[str, tuple[Name, ...]], key: str, lang: str) -> str:
    """An emoji's name in one language, or ""."""
    return next((entry.name for entry in local.get(key, ()) if entry.lang == lang), "")


def _foreign(keys: list[str], local: dict[str, tuple[Name, ...]], english: set[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for lang in FOREIGN:
        for key in keys:
            name = slug(_in(local, key, lang))
            if len(name) > 2 and name not in english:
                found.setdefault(name, key)
    return found


def _character_name(key: str) -> str:
    """Unicode's own name of a single character, which older sets used: "EAR OF MAIZE"."""
    return "" if "-" in key else unicodedata.name(emoji_of(key), "")


def _emojibase(archive: Path) -> dict[str, Emoji]:
    wanted = {"package/en/data.json", "package/en/messages.json"}
    wanted |= {f"package/en/shortcodes/{name}.json" for name in SHORTCODES}
    files = {name: json.loads(content) for name, content in members(archive, wanted.__contains__).items()}
    if wanted - set(files):
        raise Damaged(f"{archive.name} lacks {sorted(wanted - set(files))[0]}")
    groups = {entry["order"]: entry["key"] for entry in files["package/en/messages.json"]["groups"]}
    subgroups = {entry["order"]: entry["key"] for entry in files["package/en/messages.json"]["subgroups"]}
    codes: dict[str, list[str]] = {}
    for name in SHORTCODES:
        for points, value in sorted(files[f"package/en/shortcodes/{name}.json"].items()):
            codes.setdefault(emoji_key(points), []).extend([value] if isinstance(value, str) else value)
    found = {}
    for entry in files["package/en/data.json"]:
        for one in (entry, *entry.get("skins", ())):
            key = emoji_key(one["hexcode"])
            found[key] = Emoji(
                key=key,
                text=emoji_of(key),
                name=one["label"],
                group=groups.get(one.get("group")),
                subgroup=subgroups.get(one.get("subgroup")),
                tags=tuple(entry.get("tags", ())) if one is entry else (),
                shortcodes=tuple(dict.fromkeys(codes.get(key, ()))),
            )
    return found


def _cldr(archives: list[Path]) -> dict[str, tuple[Name, ...]]:
    found: dict[str, dict[str, Name]] = {}
    for archive in archives:
        for path, content in members(archive, lambda name: name.endswith("/annotations.json")).items():
            lang = path.split("/")[-2]
            table = json.loads(content)
            for emoji, entry in next(iter(table.values())).get("annotations", {}).items():
                name = next(iter(entry.get("tts", ())), "")
                if name and "↑" not in name:
                    told = Name(lang=lang, name=name, keywords=tuple(entry.get("default", ())))
                    found.setdefault(key_of(emoji), {}).setdefault(lang, told)
    return {key: tuple(langs[lang] for lang in sorted(langs)) for key, langs in sorted(found.items())}
