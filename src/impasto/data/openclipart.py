"""Debian's `openclipart-svg`: public-domain drawings whose RDF tells title, author, keywords and licence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

from impasto.data.items import Item
from impasto.data.packages import members
from impasto.data.words import slug, squash

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from xml.etree.ElementTree import Element

    from impasto.data.recipe import Source

ROOT = "usr/share/openclipart/svg/"
DC = "{http://purl.org/dc/elements/1.1/}"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
PUBLIC_DOMAIN = ("publicdomain", "public domain", "zero/1.0")
DULL = frozenset(
    {"clip art", "clipart", "unsorted", "svg", "openclipart", "image", "icon", "color", "colour", "unchecked"}
)
SHARED_TITLE = 4
"""a title that so many drawings carry may name their collection rather than the drawing"""
COLLECTIONS = frozenset({"aiga", "ganson", "rpg", "element", "bwh"})
"""words of file names that tell whose set a drawing is from"""


def read_openclipart(source: Source, archive: Path) -> Iterator[Item]:
    """Every drawing in path order; one that has no usable title keeps an empty one and is dropped by the chain."""
    files = members(archive, lambda name: name.startswith(ROOT) and name.endswith(".svg"))
    cards = {path: _card(content) for path, content in files.items()}
    counts: dict[str, int] = {}
    for title, *_ in cards.values():
        counts[slug(title)] = counts.get(slug(title), 0) + 1
    for path in list(files)[: source.limit]:
        title, author, keywords, licence = cards[path]
        folder, _, stem = path.removeprefix(ROOT).removesuffix(".svg").rpartition("/")
        if title and _is_template(title, stem, counts[slug(title)]):
            title = title_of_file(stem, author)
        icon = slug(path.removeprefix(ROOT).removesuffix(".svg").replace("/", " "))
        public = any(mark in licence.lower() for mark in PUBLIC_DOMAIN)
        parts = tuple("/".join(folder.split("/")[: n + 1]) for n in range(folder.count("/") + 1))
        yield Item(
            id=f"{source.style}/{icon}",
            icon=icon,
            style=source.style,
            package=source.package,
            package_version=source.version,
            author=clean_author(author),
            licence="CC0-1.0" if public else (licence or "unknown"),
            licence_url=source.licence_url or licence,
            svg=files[path].decode("utf-8", errors="replace"),
            on_page=True,
            title=clean_title(title),
            keywords=_keywords(keywords, folder),
            categories=parts,
            dropped_category=bool(set(parts) & set(source.drop_categories)),
            number_variants=True,
        )


def clean_title(title: str) -> str:
    """A title as words: no file ending, no numbering, no "by somebody", at most eight words."""
    title = re.sub(r"\.svg$", "", title.strip(), flags=re.IGNORECASE)
    title = re.sub(r"\s*[(\[].*?[)\]]|\bby\b.*$|#?\d+\s*$", "", title.replace("_", " "), flags=re.IGNORECASE)
    title = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", title)
    words = re.sub(r"[^\w\s'-]", " ", title).lower().split()
    return " ".join(words) if 1 <= len(words) <= 8 and re.search(r"[a-z]{3}", " ".join(words)) else ""


def clean_author(author: str) -> str:
    """A name to credit, without the address that some wrote beside it; of an address alone, who is before the "@"."""
    name = re.sub(r"HASH\(.*?\)|[<(\[].*?[>)\]]|mailto:|https?://\S+|\S+@\S+", "", author).strip(" ,-")
    return name or "".join(re.findall(r"([\w.+-]+)@", author)[:1]) or "unknown"


def _is_template(title: str, stem: str, sharing: int) -> bool:
    """True for a title that names a collection, or that was left over from the drawing this one started as."""
    said = slug(title)
    return said.startswith("clipart-by-") or (sharing >= SHARED_TITLE and not slug(stem).startswith(said))


def title_of_file(stem: str, author: str) -> str:
    """What a file name says without its author and number: "dino_architetto_franc_06" -> "dino"."""
    tokens = [re.sub(r"\d+[a-z]?$", "", token) for token in re.split(r"[_\s-]+", stem)]
    tokens = [token for token in tokens if token and token.lower() not in COLLECTIONS]
    maker = squash(author)
    for i in range(1, len(tokens)):
        rest = squash("".join(tokens[i:]))
        if len(rest) > 2 and maker.startswith(rest):
            return " ".join(tokens[:i])
    return " ".join(tokens)


def _card(content: bytes) -> tuple[str, str, tuple[str, ...], str]:
    """(title, author, keywords, licence) from the RDF; empty where it says nothing or cannot be read."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(content)
    except (ParseError, DefusedXmlException, ValueError):
        return "", "", (), ""
    work = next((e for e in root.iter() if e.tag.endswith("}Work")), None)
    if work is None:
        return "", "", (), ""
    title = (work.findtext(f"{DC}title") or "").strip()
    author = next((_text(e) for e in work.iter(f"{DC}creator") if _text(e)), "")
    keywords = tuple(filter(None, (_text(e) for e in work.iter(f"{RDF}li"))))
    licence = next((e.get(f"{RDF}resource", "") for e in work.iter() if e.tag.endswith("}license")), "")
    return title, author, keywords, licence


def _text(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def _keywords(found: tuple[str, ...], folder: str) -> tuple[str, ...]:
    words = [word.replace("_", " ").strip().lower() for word in (*found, folder.rpartition("/")[2])]
    fit = (w for w in words if 2 < len(w) <= 24 and w.isascii() and w not in DULL and not w.startswith("hash("))
    return tuple(dict.fromkeys(fit))[:6]
