from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from impasto.core import Damaged, NotFound
from impasto.storage.blobs import FolderBlobs

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_lies_under_its_hash_once(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path / "files")
    with ThreadPoolExecutor(8) as pool:
        names = set(pool.map(blobs.put, [b"content"] * 32))
    assert names == {hashlib.sha256(b"content").hexdigest()} == set(blobs.names())
    assert blobs.get(names.pop()) == b"content"
    assert [path.suffix for path in tmp_path.rglob("*") if path.is_file()] == [""]  # nothing half written is left


def test_what_was_changed_is_not_given_out(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    name = blobs.put(b"content")
    blobs.path(name).write_bytes(b"another")
    with pytest.raises(Damaged):
        blobs.get(name)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64])
def test_a_name_that_is_none_is_not_found(tmp_path: Path, name: str) -> None:
    blobs = FolderBlobs(tmp_path)
    with pytest.raises(NotFound):
        blobs.path(name)
    blobs.delete(name)


def test_deleted_is_gone(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    name = blobs.put(b"content")
    blobs.delete(name)
    blobs.delete(name)
    assert list(blobs.names()) == []
