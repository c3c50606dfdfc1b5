"""The order of events of a data build: fetch, read, name, filter, render, thin, split, write."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.core import Invalid
from impasto.data.captions import captions_of
from impasto.data.card import attribution, card
from impasto.data.concepts import name_item, spelling_of
from impasto.data.filters import chain, judge, shelf_of
from impasto.data.iconify import read_iconify
from impasto.data.items import Drop, Item, Named, Rendered
from impasto.data.lexicon import load_names
from impasto.data.openclipart import read_openclipart
from impasto.data.packages import fetch
from impasto.data.pictures import near_duplicates, render_all
from impasto.data.recipe import load_recipe
from impasto.data.records import Concept, Dropped, Name, Record, write_table
from impasto.data.shards import shard_name, write_shard
from impasto.data.split import held_out_pairs
from impasto.data.wordnet import read_synonyms
from impasto.data.words import slug

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from impasto.data.captions import Nouns
    from impasto.data.lexicon import Names
    from impasto.data.recipe import Recipe

    ProgressOf = Callable[[str, int, int], None]

CACHE = Path(".cache/packages")


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildReport:
    """What a build made."""

    folder: Path
    pictures: int
    concepts: int
    held_out: int
    by_style: dict[str, int]
    dropped: dict[str, int]
    """reason -> how many"""


def build(
    recipe_path: Path, out: Path | None = None, *, progress: ProgressOf | None = None, workers: int | None = None,
    cache: Path = CACHE,
) -> BuildReport:  # fmt: skip
    """Build the data set of a recipe into `out` (default `datasets/<name>`); same inputs, same bytes.

    `progress(stage, done, total)` is called as it goes. Raises `Invalid` for a bad recipe, `Damaged` for an archive
    that is not what the recipe says.
    """
    recipe = load_recipe(recipe_path)
    out = out or Path("datasets") / recipe.name
    tell = progress or (lambda stage, done, total: None)
    items = _read(recipe, cache, tell)
    taught = sorted((name, i.codepoints) for i in items if i.codepoints for name in (i.icon, *i.known_as))
    names = load_names(recipe.lexicon, cache, taught)
    nouns = read_synonyms(fetch(recipe.lexicon.wordnet, cache))
    named = _name(items, names, nouns)
    kept, dropped = _filter(named, recipe, recipe_path)
    pictures, failed = _render(kept, recipe, workers or os.cpu_count() or 1, tell)
    pictures, repeated = _thin(pictures, tell)
    dropped = sorted([*dropped, *failed, *repeated], key=lambda d: (d.id, d.package))
    records = _records(pictures, names, nouns, recipe)
    concepts = _concepts(pictures, names)
    return _write(out, recipe_path, recipe, records, pictures, concepts, dropped, tell)


def _read(recipe: Recipe, cache: Path, tell: ProgressOf) -> list[Item]:
    """Every item of every source, each id once (a second package's namesake carries its package's name)."""
    found: dict[str, Item] = {}
    for done, source in enumerate(recipe.sources):
        tell("read", done, len(recipe.sources))
        archive = fetch(source, cache)
        reader = read_iconify(source, archive, recipe.dark) if source.kind == "iconify" else None
        for item in reader if reader is not None else read_openclipart(source, archive):
            if item.id in found:
                item = replace(item, id=_other_id(item, found))
            found[item.id] = item
    tell("read", len(recipe.sources), len(recipe.sources))
    return [found[key] for key in sorted(found)]


def _other_id(item: Item, taken: dict[str, Item]) -> str:
    """An id for a namesake: with its package's name, then with a number."""
    base = f"{item.style}/{slug(item.package.rpartition('/')[2])}-{item.icon}"
    return next(i for i in (base, *(f"{base}-{n}" for n in range(2, len(taken) + 3))) if i not in taken)


def _name(items: Sequence[Item], names: Names, nouns: Iterable[str]) -> list[Named]:
    """Items with their concepts."""
    spelling = spelling_of(items, names, nouns)
    return [name_item(item, names, spelling) for item in items]


def _filter(named: Iterable[Named], recipe: Recipe, recipe_path: Path) -> tuple[list[Named], list[Dropped]]:
    named = list(named)
    filters = chain(recipe.filters, shelf_of((n.item for n in named), _opted_out(recipe, recipe_path)))
    kept, dropped = [], []
    for one in named:
        drop = judge(one, filters)
        if drop is None:
            kept.append(one)
        else:
            dropped.append(_dropped(one, drop))
    return kept, dropped


def _opted_out(recipe: Recipe, recipe_path: Path) -> list[str]:
    """The ids of the recipe's opt-out file; lines that start with # are comments."""
    if recipe.filters.opted_out is None:
        return []
    path = recipe_path.parent / recipe.filters.opted_out
    if not path.exists():
        raise Invalid("filters.opted_out", f"there is no file {path}")
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _dropped(named: Named, drop: Drop) -> Dropped:
    item = named.item
    return Dropped(id=item.id, style=item.style, package=item.package, reason=drop.reason, detail=drop.detail)


def _render(kept: list[Named], recipe: Recipe, workers: int, tell: ProgressOf) -> tuple[list[Rendered], list[Dropped]]:
    pictures, failed = [], []
    for named, result in render_all(
        kept, recipe.size_px, min_cover=recipe.filters.min_cover, timeout_s=recipe.render_timeout_s, workers=workers,
        progress=lambda done, total: tell("render", done, total),
    ):  # fmt: skip
        if isinstance(result, Drop):
            failed.append(_dropped(named, result))
        else:
            pictures.append(replace(result, named=named))
    return pictures, failed


def _thin(pictures: list[Rendered], tell: ProgressOf) -> tuple[list[Rendered], list[Dropped]]:
    """Leave out near-duplicates within a style; of two, the one whose emoji is known, then the first id, stays."""
    by_style: dict[str, list[Rendered]] = {}
    for picture in pictures:
        by_style.setdefault(picture.named.item.style, []).append(picture)
    gone: dict[str, Dropped] = {}
    for done, style in enumerate(sorted(by_style)):
        tell("thin", done, len(by_style))
        shelf = sorted(by_style[style], key=lambda p: (p.named.emoji is None, p.named.item.id))
        for i, j in near_duplicates(shelf).items():
            detail = shelf[j].named.item.id
            gone[shelf[i].named.item.id] = _dropped(shelf[i].named, Drop(reason="near-duplicate", detail=detail))
    tell("thin", len(by_style), len(by_style))
    return [p for p in pictures if p.named.item.id not in gone], list(gone.values())


def _records(pictures: Sequence[Rendered], names: Names, nouns: Nouns, recipe: Recipe) -> list[Record]:
    pairs = [(p.named.concept, p.named.item.style) for p in pictures]
    held = held_out_pairs(pairs, recipe.held_out_share)
    return [
        Record(
            id=p.named.item.id,
            concept=p.named.concept,
            style=p.named.item.style,
            package=p.named.item.package,
            package_version=p.named.item.package_version,
            author=p.named.item.author,
            licence=p.named.item.licence,
            licence_url=p.named.item.licence_url,
            sha256=hashlib.sha256(p.png).hexdigest(),
            name=p.named.name,
            captions=captions_of(p.named, names, nouns),
            emoji=p.named.emoji,
            group=p.named.group,
            split="held_out" if pair in held else "train",
            shard=index // recipe.shard_pictures,
        )
        for index, (p, pair) in enumerate(zip(pictures, pairs, strict=True))
    ]


def _concepts(pictures: Sequence[Rendered], names: Names) -> list[Concept]:
    """One a concept: CLDR's names for an emoji, else the English name and the keywords of its pictures."""
    found: dict[str, list[Named]] = {}
    for picture in pictures:
        found.setdefault(picture.named.concept, []).append(picture.named)
    concepts = []
    for concept in sorted(found):
        shown = sorted(found[concept], key=lambda named: (named.emoji is None, named.item.id))
        entries = names.local.get(shown[0].key or "", ())
        if not entries:
            keywords = tuple(dict.fromkeys(word for named in shown for word in named.item.keywords))
            entries = (Name(lang="en", name=shown[0].name, keywords=keywords),)
        concepts.append(Concept(concept=concept, emoji=shown[0].emoji, name=shown[0].name, names=entries))
    return concepts


def _write(
    out: Path, recipe_path: Path, recipe: Recipe, records: list[Record], pictures: list[Rendered],
    concepts: list[Concept], dropped: list[Dropped], tell: ProgressOf,
) -> BuildReport:  # fmt: skip
    """Write every file, then the manifest that names them all."""
    (out / "shards").mkdir(parents=True, exist_ok=True)
    for old in (out / "shards").glob("*.tar"):
        old.unlink()
    shards = sorted({record.shard for record in records})
    for shard in shards:
        tell("write", shard, len(shards))
        pairs = [(r.id, p.png) for r, p in zip(records, pictures, strict=True) if r.shard == shard]
        write_shard(out / "shards" / shard_name(shard), pairs)
    write_table(out / "records.parquet", records)
    write_table(out / "concepts.parquet", concepts)
    write_table(out / "dropped.parquet", dropped)
    (out / "CARD.md").write_text(card(recipe, records, concepts, dropped), encoding="utf-8")
    (out / "ATTRIBUTION.md").write_text(attribution(recipe, records), encoding="utf-8")
    (out / "manifest.json").write_text(_manifest(out, recipe_path, recipe), encoding="utf-8")
    tell("write", len(shards), len(shards))
    return BuildReport(
        folder=out,
        pictures=len(records),
        concepts=len(concepts),
        held_out=sum(record.split == "held_out" for record in records),
        by_style=dict(sorted(Counter(record.style for record in records).items())),
        dropped=dict(sorted(Counter(drop.reason for drop in dropped).items())),
    )


def _manifest(out: Path, recipe_path: Path, recipe: Recipe) -> str:
    files = sorted([*out.glob("*.parquet"), *out.glob("*.md"), *out.glob("shards/*.tar")])
    table = {
        "name": recipe.name,
        "version": recipe.version,
        "recipe_sha256": hashlib.sha256(recipe_path.read_bytes()).hexdigest(),
        "files": {p.relative_to(out).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files},
    }
    return json.dumps(table, indent=2) + "\n"
