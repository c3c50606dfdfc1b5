"""Iconify JSON packages (https://iconify.design/docs/types/iconify-json.html): vector bodies by name."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from impasto.core import Damaged
from impasto.data.items import Item
from impasto.data.packages import members
from impasto.data.words import emoji_key, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from impasto.data.recipe import Source

_FADES_IN = re.compile(r'(<[a-zA-Z]+[^<>]*?) opacity="0"([^<>]*>)(?=\s*<animate)')
"""shapes of animated icons that start unseen: a still picture shows them"""


def read_iconify(source: Source, archive: Path, dark: str) -> Iterator[Item]:
    """Every picture of the package, in the order of its names; aliases that turn or mirror count as pictures.

    `dark`, "#rrggbb", is the colour of shapes that ask for the one of the text around them. Raises `Damaged` naming
    the archive that is no such package, or an alias that leads nowhere.
    """
    icons, info, chars, categories = _tables(archive)
    keys, shelves, aliases = _keys_by_name(chars), _invert(categories), _aliases(icons)
    credit = _credit(source, info)
    turned = {k: v for k, v in icons.get("aliases", {}).items() if set(v) - {"parent", "hidden"}}
    drawn = {**icons["icons"], **turned}
    for name in sorted(drawn)[: source.limit]:
        body = _resolve(icons, name)
        style, icon = _style_of(source, name)
        shelf = shelves.get(name, shelves.get(drawn[name].get("parent", ""), ()))
        yield Item(
            id=f"{style or source.style}/{name}",
            icon=name,
            style=style or source.style,
            **credit,
            svg=_svg(icons, body, dark),
            title=words_of(source.aliases.get(icon, icon)),
            categories=shelf,
            hidden=bool(drawn[name].get("hidden") or body.get("hidden")),
            dropped_category=not style or bool(set(shelf) & set(source.drop_categories)),
            loose_names=source.emoji,
            squashed=source.squashed,
            number_variants=source.number_variants,
            known_as=tuple(sorted(aliases.get(name, ()))),
            codepoints=keys.get(name),
        )


def _tables(archive: Path) -> tuple[dict[str, Any], dict[str, Any], dict[str, str], dict[str, list[str]]]:
    """The icons, what is said of the whole set, code points -> icon name, and shelf -> icon names."""
    files = members(archive, lambda name: re.fullmatch(r"package/\w+\.json", name) is not None)
    tables = {name.removeprefix("package/"): content for name, content in files.items()}
    try:
        icons, info = json.loads(tables["icons.json"]), json.loads(tables["info.json"])
        chars = json.loads(tables.get("chars.json", b"{}"))
        about = json.loads(tables.get("metadata.json", b"{}"))
    except (KeyError, json.JSONDecodeError) as error:
        raise Damaged(f"{archive.name} is not an iconify package: {error}") from error
    for table, key in ((icons, "icons"), (info, "license")):
        if not isinstance(table, dict) or not isinstance(table.get(key), dict):
            raise Damaged(f"{archive.name} is not an iconify package: it has no table {key!r}")
    return icons, info, chars, about.get("categories", {})


def _credit(source: Source, info: dict[str, Any]) -> dict[str, str]:
    """Whose the pictures are and under which terms: what the recipe says before what the package says."""
    author, terms = info.get("author", {}), info["license"]
    return {
        "package": source.package,
        "package_version": source.version,
        "author": source.author or author.get("name", ""),
        "licence": source.licence or terms.get("spdx") or terms.get("title", "unknown"),
        "licence_url": source.licence_url or terms.get("url") or author.get("url", ""),
    }


def _keys_by_name(chars: dict[str, str]) -> dict[str, str]:
    """Icon name -> emoji key. Where several code points share a picture the shortest, then the lowest, names it."""
    keys: dict[str, str] = {}
    for points, name in sorted(chars.items(), key=lambda pair: (len(pair[0]), pair[0])):
        keys.setdefault(name, emoji_key(points))
    return keys


def _aliases(icons: dict[str, Any]) -> dict[str, set[str]]:
    """Icon name -> its other names (aliases that only rename)."""
    found: dict[str, set[str]] = {}
    for alias, about in icons.get("aliases", {}).items():
        if not set(about) - {"parent", "hidden"}:
            found.setdefault(about["parent"], set()).add(alias)
    return found


def _invert(categories: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for category in sorted(categories):
        for name in categories[category]:
            found.setdefault(name, []).append(category)
    return {name: tuple(shelf) for name, shelf in found.items()}


def _resolve(icons: dict[str, Any], name: str, depth: int = 0) -> dict[str, Any]:
    """The icon's own fields over its parents'; turns and mirrors add up."""
    if name in icons["icons"]:
        return dict(icons["icons"][name])
    about = icons.get("aliases", {}).get(name)
    if about is None or depth > 5:
        raise Damaged(f"iconify alias {name!r} leads nowhere")
    parent = _resolve(icons, about["parent"], depth + 1)
    merged = {**parent, **{k: v for k, v in about.items() if k != "parent"}}
    for flip in ("hFlip", "vFlip"):
        merged[flip] = bool(parent.get(flip)) != bool(about.get(flip))
    merged["rotate"] = (parent.get("rotate", 0) + about.get("rotate", 0)) % 4
    return merged


def _style_of(source: Source, name: str) -> tuple[str, str]:
    """(style, name without the ending that chose it); an empty style drops the picture."""
    for ending in sorted(source.endings, key=len, reverse=True):
        if name.endswith(ending) and name != ending:
            return source.endings[ending], name.removesuffix(ending)
    return source.style, name


def _svg(icons: dict[str, Any], body: dict[str, Any], dark: str) -> str:
    """A whole SVG whose box is square, the picture centred in it."""
    left, top = (body.get(key, icons.get(key, 0)) for key in ("left", "top"))
    width, height = (body.get(key, icons.get(key, 16)) for key in ("width", "height"))
    drawing = _FADES_IN.sub(r"\1\2", body["body"])
    moves = []
    if body.get("hFlip"):
        moves.append(f"translate({2 * left + width} 0) scale(-1 1)")
    if body.get("vFlip"):
        moves.append(f"translate(0 {2 * top + height}) scale(1 -1)")
    if body.get("rotate"):
        moves.append(f"rotate({90 * body['rotate']} {left + width / 2} {top + height / 2})")
    inner = f'<g transform="{" ".join(moves)}">{drawing}</g>' if moves else drawing
    side = max(width, height)
    box = f"{left - (side - width) / 2:g} {top - (side - height) / 2:g} {side:g} {side:g}"
    root = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'{root} color="{dark}" width="{side:g}" height="{side:g}" viewBox="{box}">{inner}</svg>'
