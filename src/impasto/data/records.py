"""The data set's nouns and tables: records, concepts, dropped items, as Parquet written the same way every time."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from impasto.core import Damaged

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One picture of the data set and all that is known of it."""

    id: str
    """style/icon-name"""
    concept: str
    style: str
    package: str
    package_version: str
    author: str
    licence: str
    licence_url: str
    sha256: str
    """of the PNG bytes"""
    name: str
    captions: tuple[str, ...]
    emoji: str | None
    group: str | None
    split: str
    """"train" or "held_out\""""
    shard: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A concept's name and keywords in one language."""

    lang: str
    name: str
    keywords: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept:
    """What pictures of several styles share."""

    concept: str
    emoji: str | None
    name: str
    names: tuple[Name, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """One picture that was left out, and why."""

    id: str
    style: str
    package: str
    reason: str
    detail: str


def schemas() -> dict[str, pa.Schema]:
    """The columns of each table, by the stem of its file's name."""
    import pyarrow as pa

    text, texts = pa.string(), pa.list_(pa.string())
    names = pa.list_(pa.struct([("lang", text), ("name", text), ("keywords", texts)]))
    special = {"captions": texts, "shard": pa.int32()}
    return {
        "records": pa.schema([(field, special.get(field, text)) for field in Record.__dataclass_fields__]),
        "concepts": pa.schema([("concept", text), ("emoji", text), ("name", text), ("names", names)]),
        "dropped": pa.schema([(field, text) for field in Dropped.__dataclass_fields__]),
    }


def write_table(path: Path, rows: Sequence[Record | Concept | Dropped]) -> None:
    """Write `rows` to `path`, whose stem names the schema; same rows, same bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pylist([asdict(row) for row in rows], schema=schemas()[path.stem])
    pq.write_table(table, path, compression="zstd", compression_level=9, row_group_size=4096, version="2.6")


def read_rows(path: Path) -> list[dict[str, Any]]:
    """A table's rows as dictionaries. Raises `Damaged` if it cannot be read, or has other columns than `schemas()`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise Damaged(f"{path} cannot be read: {error}") from error
    if not table.schema.equals(schemas()[path.stem]):
        raise Damaged(f"{path} has other columns than this version of Impasto writes; build the data set again")
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows
