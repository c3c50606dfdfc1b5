"""A built data set, opened for reading: records, concepts, and pictures as one memory-mapped array."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from impasto.core import Damaged, Invalid, Unknown
from impasto.data.records import Concept, Name, Record, read_rows
from impasto.data.shards import member_name, read_shard, shard_name
from impasto.data.words import slug

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image


@dataclass(frozen=True)
class Dataset:
    """A data set on disk. Row i of every array is `records[i]`."""

    folder: Path
    records: list[Record]

    @cached_property
    def concepts(self) -> dict[str, Concept]:
        """Concept -> its names in every language."""
        rows = read_rows(self.folder / "concepts.parquet")
        return {row["concept"]: _concept(row) for row in rows}

    @cached_property
    def index(self) -> dict[str, int]:
        """Id -> row."""
        return {record.id: i for i, record in enumerate(self.records)}

    @property
    def styles(self) -> tuple[str, ...]:
        """The names of its styles, sorted."""
        return tuple(sorted({record.style for record in self.records}))

    def is_older_than(self, made: Path) -> bool:
        """Whether `made`, a file computed from this data set, is there and was made of this build of it."""
        built_ns = (self.folder / "records.parquet").stat().st_mtime_ns
        return made.exists() and made.stat().st_mtime_ns >= built_ns

    def pictures(self, size_px: int) -> np.memmap:
        """(records, size_px, size_px, 4) uint8 unpremultiplied RGBA in record order, read only.

        Unpacked from the shards once, into `cache/pictures-<size>.npy`. `size_px` is at most the size of the shards'
        pictures; smaller ones are averaged over areas in premultiplied colour. Raises `Invalid` for a larger size and
        `Damaged` if a shard does not hold what the records say.
        """
        path = self.folder / "cache" / f"pictures-{size_px}.npy"
        if not self.is_older_than(path):
            _unpack(self, size_px, path)
        array: np.memmap = np.load(path, mmap_mode="r")
        return array


def open_dataset(folder: Path) -> Dataset:
    """Open a built data set. Raises `Invalid` if the folder holds none, `Damaged` if it cannot be read."""
    path = folder / "records.parquet"
    if not path.exists():
        raise Invalid("data set", f"there is no {path}; `impasto data build` makes it")
    rows = read_rows(path)
    return Dataset(folder, [Record(**{**row, "captions": tuple(row["captions"])}) for row in rows])


def by_id(dataset: Dataset, identifier: str) -> Record:
    """The record of an id; `Unknown` with near names otherwise."""
    if identifier not in dataset.index:
        raise Unknown("id", identifier, dataset.index)
    return dataset.records[dataset.index[identifier]]


def search(dataset: Dataset, text: str, *, limit: int = 50) -> list[Record]:
    """Records whose name, captions and style together hold every word of `text`, in English.

    First those whose name alone holds them all, then by the length of the name: "fox" before "fox in a box".
    """
    wanted = set(slug(text).split("-")) - {""}
    if not wanted:
        return []
    found = [r for r in dataset.records if wanted <= set(slug(" ".join((r.name, *r.captions, r.style))).split("-"))]
    return sorted(found, key=lambda r: (not wanted <= set(slug(r.name).split("-")), len(r.name), r.id))[:limit]


def _concept(row: dict[str, Any]) -> Concept:
    names = tuple(Name(lang=n["lang"], name=n["name"], keywords=tuple(n["keywords"])) for n in row["names"])
    return Concept(concept=row["concept"], emoji=row["emoji"], name=row["name"], names=names)


def _unpack(dataset: Dataset, size_px: int, path: Path) -> None:
    """Write the array under a temporary name, then rename it, so that a killed process leaves no half array."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    shape = (len(dataset.records), size_px, size_px, 4)
    rows = {(record.shard, member_name(record.id)): i for i, record in enumerate(dataset.records)}
    try:
        array = np.lib.format.open_memmap(unfinished, mode="w+", dtype=np.uint8, shape=shape)
        for shard in sorted({record.shard for record in dataset.records}):
            for name, png in read_shard(dataset.folder / "shards" / shard_name(shard)):
                row = rows.pop((shard, name), None)
                if row is None:
                    raise Damaged(f"{dataset.folder} has a picture that no record names: {name}")
                if hashlib.sha256(png).hexdigest() != dataset.records[row].sha256:
                    raise Damaged(f"{dataset.folder} has another picture under the name {name} than its record says")
                array[row] = _picture(png, size_px)
        array.flush()
        if rows:
            raise Damaged(f"{dataset.folder} lacks the picture {sorted(rows)[0][1]}")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _picture(png: bytes, size_px: int) -> np.ndarray:
    """(size_px, size_px, 4) uint8 RGBA of PNG bytes."""
    import io

    from PIL import Image

    with Image.open(io.BytesIO(png)) as image:
        rgba = image.convert("RGBA")
    if size_px > rgba.width:
        raise Invalid("size_px", f"must be at most {rgba.width}, got {size_px}")
    return np.asarray(rgba if size_px == rgba.width else shrink(rgba, size_px))


def shrink(rgba: Image, size_px: int) -> Image:
    """A smaller square picture, averaged over areas in premultiplied colour."""
    from PIL import Image

    return rgba.convert("RGBa").resize((size_px, size_px), Image.Resampling.BOX).convert("RGBA")
