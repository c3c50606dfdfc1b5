"""Tar files of PNGs, the same bytes for the same pictures."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

from impasto.core import Damaged

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


def member_name(identifier: str) -> str:
    """The file name of a record's picture inside its shard."""
    return f"{identifier.replace('/', '__')}.png"


def shard_name(shard: int) -> str:
    """The file name of a shard."""
    return f"{shard:05d}.tar"


def write_shard(path: Path, pictures: Sequence[tuple[str, bytes]]) -> None:
    """Write (id, PNG bytes) pairs, with no owner and no time."""
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        for identifier, png in pictures:
            info = tarfile.TarInfo(member_name(identifier))
            info.size, info.mode, info.mtime = len(png), 0o644, 0
            tar.addfile(info, io.BytesIO(png))


def read_shard(path: Path) -> Iterator[tuple[str, bytes]]:
    """(file name, PNG bytes) pairs in the order they were written. Raises `Damaged` if it cannot be read."""
    try:
        with tarfile.open(path, "r:") as tar:
            for info in tar:
                content = tar.extractfile(info) if info.isfile() else None
                if content is not None:
                    yield info.name, content.read()
    except (tarfile.TarError, OSError) as error:
        raise Damaged(f"{path} cannot be read: {error}") from error
