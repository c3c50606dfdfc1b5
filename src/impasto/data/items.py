"""What travels through the build, one small type a stage."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One vector picture of one package, before anything is decided about it."""

    id: str
    """style/icon-name"""
    icon: str
    """its name inside the package"""
    style: str
    package: str
    package_version: str
    author: str
    licence: str
    """SPDX id, or what the package says where that is no SPDX id"""
    licence_url: str
    svg: str
    on_page: bool = False
    """drawn somewhere on a page: cropped to its content (icons keep the padding of their box)"""
    title: str
    """its name as words"""
    keywords: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    hidden: bool = False
    dropped_category: bool = False
    loose_names: bool = False
    """short codes and squashed spellings count as names"""
    number_variants: bool = False
    squashed: bool = False
    """its name has no spaces: brokenheart"""
    known_as: tuple[str, ...] = ()
    """other names the package gives it, best first"""
    codepoints: str | None = None
    """emoji key, where the package says it"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """An item and the concept it shows."""

    item: Item
    concept: str
    name: str
    emoji: str | None
    key: str | None
    group: str | None
    subgroup: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """Why an item is left out: `reason` is counted, `detail` is for whoever asks."""

    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A named item as pixels: PNG bytes (RGBA, square) and its fingerprints."""

    named: Named
    png: bytes
    look: int
    """256-bit perceptual hash of the picture over grey"""
    shape: int
    """256-bit perceptual hash of its alpha"""
    thumb: bytes
    """(32, 32, 4) uint8 premultiplied RGBA"""
    cover: float
    """mean alpha, 0 to 1"""
