"""The chain: each filter looks at one named item and keeps it (None) or says why it is dropped."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from impasto.data.concepts import plain_name
from impasto.data.items import Drop
from impasto.data.words import squash, without_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from impasto.data.items import Item, Named
    from impasto.data.recipe import Filters

    Filter = Callable[[Named], Drop | None]

_TONE_KEY = re.compile(r"1F3F[B-F]")
_TONE = r"(light|medium-light|medium|medium-dark|dark)"
_TONE_NAME = re.compile(rf"-{_TONE}-skin-tone\b|-tone-?[1-6]\b|type[0-9](-?[0-9])?$")
_TONE_END = re.compile(rf"^(?P<base>.+?)(-{_TONE}){{1,2}}$")
_HAIR_KEY = re.compile(r"1F9B[0-3]|1F471-")
_HAIR_NAME = re.compile(r"-(red|curly|white)-hair|-bald\b|-bald-|blond-hair$|-beard$|-hair-(man|woman)")
_FAMILY_NAME = re.compile(r"^(family|kiss|couple-with-heart|couple)-(man|woman|person|boy|girl|adult|child)")
_FLAG_NAME = re.compile(r"^flag-|regional-?indicator|^\w+flag$")
_FONTS = re.compile(r"<(\w+:)?(text|flowRoot)\b")
_RASTER = re.compile(r"<(\w+:)?(image|feImage)\b")
"""the two elements that can bring a file of this machine into a picture"""
_PLAIN_FLAGS = frozenset({"flag-in-hole", "blackflag", "whiteflag"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """What a filter may know beyond the item: the names of its package and the ids that were taken out."""

    names: dict[str, frozenset[str]]
    """package -> its icon names"""
    largest: dict[tuple[str, str], int]
    """(package, name without size) -> its largest size"""
    opted_out: frozenset[str]


def shelf_of(items: Iterable[Item], opted_out: Iterable[str]) -> Shelf:
    """Gather what the filters need from all items."""
    names: dict[str, set[str]] = {}
    largest: dict[tuple[str, str], int] = {}
    for item in items:
        names.setdefault(item.package, set()).add(item.icon)
        base, size = without_size(item.icon)
        largest[item.package, base] = max(size, largest.get((item.package, base), 0))
    frozen = {package: frozenset(found) for package, found in names.items()}
    return Shelf(names=frozen, largest=largest, opted_out=frozenset(opted_out))


def chain(config: Filters, shelf: Shelf) -> tuple[Filter, ...]:
    """The filters in order: what must never be used first, then what is too much of one thing."""
    brands = frozenset(brand if "/" in brand else squash(brand) for brand in config.brands)
    found: list[Filter] = [
        lambda named: opted_out(named, shelf),
        lambda named: licence(named, frozenset(config.licences)),
        lambda named: brand(named, brands),
        category,
        untitled,
    ]
    if not config.hidden:
        found.append(hidden)
    if not config.flags:
        found.append(flag)
    if not config.skin_tones:
        found.append(lambda named: skin_tone(named, shelf))
    if not config.hair:
        found.append(hair)
    if not config.families:
        found.append(family)
    found += [lambda named: smaller_size(named, shelf), lambda named: unfit(named, config.max_svg_bytes)]
    return tuple(found)


def judge(named: Named, filters: tuple[Filter, ...]) -> Drop | None:
    """The first filter's reason to drop, or None to keep."""
    return next((drop for drop in (check(named) for check in filters) if drop is not None), None)


def opted_out(named: Named, shelf: Shelf) -> Drop | None:
    """Its maker, or someone it shows, asked for it to be left out."""
    return Drop(reason="opted out") if named.item.id in shelf.opted_out else None


def licence(named: Named, allowed: frozenset[str]) -> Drop | None:
    """Only licences that are named in the recipe."""
    return None if named.item.licence in allowed else Drop(reason="licence", detail=named.item.licence)


def brand(named: Named, brands: frozenset[str]) -> Drop | None:
    """Logos: a whole name, or a word of it, that is a brand's; or an id, where the brand has the name of a thing."""
    item = named.item
    said = item.title if item.on_page else f"{item.icon} {item.title}"
    names = (item.id, squash(item.title), squash(plain_name(item)), *map(squash, re.split(r"[-\s]+", said)))
    hit = next((name for name in names if name in brands), None)
    return Drop(reason="brand", detail=hit) if hit else None


def category(named: Named) -> Drop | None:
    """Shelves of the package that the recipe leaves out."""
    return Drop(reason="category", detail=", ".join(named.item.categories)) if named.item.dropped_category else None


def untitled(named: Named) -> Drop | None:
    """Without a name there is nothing to learn from."""
    return None if named.name.strip() else Drop(reason="untitled", detail=named.item.title)


def hidden(named: Named) -> Drop | None:
    """Pictures that the package itself has withdrawn."""
    return Drop(reason="hidden") if named.item.hidden else None


def flag(named: Named) -> Drop | None:
    """Flags of countries, regions and movements; a plain black, white or chequered flag is a thing and stays."""
    if named.group == "flags":
        return None if named.subgroup == "flag" and "-" not in (named.key or "") else Drop(reason="flag")
    icon = named.item.icon
    if named.item.loose_names and named.emoji is None and _FLAG_NAME.search(icon) and icon not in _PLAIN_FLAGS:
        return Drop(reason="flag")
    return None


def skin_tone(named: Named, shelf: Shelf) -> Drop | None:
    """Variants of a picture in another skin tone."""
    icon = named.item.icon
    if _TONE_KEY.search(named.key or "") and "-" in (named.key or ""):
        return Drop(reason="skin tone")
    ending = _TONE_END.match(icon)
    if ending and ending["base"] in shelf.names.get(named.item.package, ()) and named.item.loose_names:
        return Drop(reason="skin tone")
    return Drop(reason="skin tone") if named.item.loose_names and _TONE_NAME.search(icon) else None


def hair(named: Named) -> Drop | None:
    """Variants of a person with other hair."""
    if _HAIR_KEY.search(named.key or "") or (named.item.loose_names and _HAIR_NAME.search(named.item.icon)):
        return None if named.key == "1F471" else Drop(reason="hair")
    return None


def family(named: Named) -> Drop | None:
    """Combinations of several people."""
    combined = named.subgroup == "family" and "200D" in (named.key or "")
    if combined or (named.item.loose_names and _FAMILY_NAME.search(named.item.icon)):
        return Drop(reason="family")
    return None


def smaller_size(named: Named, shelf: Shelf) -> Drop | None:
    """The same picture drawn for a smaller size."""
    base, size = without_size(named.item.icon)
    largest = shelf.largest.get((named.item.package, base), 0)
    return Drop(reason="smaller size", detail=f"{largest}") if size and size < largest else None


def unfit(named: Named, max_svg_bytes: int) -> Drop | None:
    """Drawings that need fonts or files they do not carry, photographs inside a drawing, and giants."""
    svg = named.item.svg
    if len(svg) > max_svg_bytes:
        return Drop(reason="too large", detail=f"{len(svg)} bytes")
    if _FONTS.search(svg):
        return Drop(reason="needs fonts")
    return Drop(reason="raster inside") if _RASTER.search(svg) else None
