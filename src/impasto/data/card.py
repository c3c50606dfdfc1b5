"""The data card and the attribution: what is inside, by whom, under which terms, and what was left out."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from impasto.data.recipe import Package, Recipe
    from impasto.data.records import Concept, Dropped, Record

SPDX_URL = "https://spdx.org/licenses/{}.html"
NPM_URL = "https://www.npmjs.com/package/{}/v/{}"
DEBIAN_URL = "https://packages.debian.org/{}"
PYPI_URL = "https://pypi.org/project/{}/{}/"


def card(recipe: Recipe, records: Sequence[Record], concepts: Sequence[Concept], dropped: Sequence[Dropped]) -> str:
    """CARD.md: counts that add up."""
    held = sum(record.split == "held_out" for record in records)
    shared = Counter(len(styles) for styles in _styles(records).values())
    languages = len({name.lang for concept in concepts for name in concept.names})
    lines = [
        f"# Data set {recipe.name} {recipe.version}",
        "",
        f"{len(records)} pictures of {len(concepts)} concepts, {recipe.size_px} x {recipe.size_px} RGBA, from vectors;",
        f"{held} are held out. {len(dropped)} more were looked at and left out. Names in {languages} languages.",
        "",
        *_table("Source", Counter(f"{r.package} {r.package_version}" for r in records)),
        *_table("Style", Counter(r.style for r in records)),
        *_table("Licence", Counter(r.licence for r in records)),
        *_table("Split", Counter(r.split for r in records)),
        *_table("Left out because of", Counter(d.reason for d in dropped)),
        *_table("Styles a concept is drawn in", {str(n): count for n, count in sorted(shared.items())}, "concepts"),
        "A picture is held out when a hash of its concept and style says so and its concept is drawn in two other",
        "styles or more; no training step sees it. `dropped.parquet` lists every picture left out, with its reason.",
        "Every source is credited in `ATTRIBUTION.md`.",
    ]
    return "\n".join(lines) + "\n"


def _styles(records: Iterable[Record]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for record in records:
        found.setdefault(record.concept, set()).add(record.style)
    return found


def _table(title: str, counts: Mapping[str, int], unit: str = "pictures") -> list[str]:
    """A Markdown table: pictures by falling count, concepts in the order given."""
    rows = list(counts.items())
    if unit == "pictures":
        rows.sort(key=lambda pair: (-pair[1], pair[0]))
    return [f"| {title} | {unit} |", "|---|---:|", *(f"| {name} | {count} |" for name, count in rows), ""]


def attribution(recipe: Recipe, records: Sequence[Record]) -> str:
    """ATTRIBUTION.md: every source with its author, licence and address, and every author of clip art by name."""
    lines = [
        f"# Attribution: data set {recipe.name} {recipe.version}",
        "",
        "The pictures were rendered from the vector files of these packages, scaled and otherwise unchanged.",
        "",
        "| style | title | author | pictures | licence | package |",
        "|---|---|---|---:|---|---|",
    ]
    for source in recipe.sources:
        mine = [record for record in records if record.package == source.package]
        if mine:
            styles = ", ".join(sorted({record.style for record in mine}))
            authors = sorted({record.author for record in mine})
            author = authors[0] if len(authors) == 1 else f"{len(authors)} authors, listed below"
            terms = _licence(mine[0].licence, mine[0].licence_url)
            lines.append(f"| {styles} | {source.title} | {author} | {len(mine)} | {terms} | {_package(source)} |")
    lines += ["", "Names and keywords:", ""]
    for part in ("cldr", "cldr_derived", "emojibase", "wordnet"):
        package = getattr(recipe.lexicon, part)
        lines.append(f"- {_package(package)}, {package.author}, {_licence(package.licence, package.licence_url)}")
    many = {source.package for source in recipe.sources if source.kind == "openclipart"}
    names = {record.author for record in records if record.package in many} - {"unknown"}
    if names:
        lines += [
            "",
            "Authors of the clip art, who gave their drawings to the public domain:",
            "",
            "; ".join(sorted(names, key=lambda name: (name.casefold(), name))) + ".",
        ]
    return "\n".join(lines) + "\n"


def _licence(name: str | None, url: str | None) -> str:
    return f"[{name}]({url or SPDX_URL.format(name)})"


def _package(package: Package) -> str:
    url = (
        package.url
        or {
            "npm": NPM_URL.format(package.package, package.version),
            "debian": DEBIAN_URL.format(package.package),
            "pypi": PYPI_URL.format(package.package, package.version),
        }[package.registry]
    )
    return f"[{package.package} {package.version}]({url})"
