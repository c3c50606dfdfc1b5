"""Files under the sha256 of their content, in a folder: `aa/bb/<sha256>`."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from typing import TYPE_CHECKING

from impasto.core import Damaged, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

_NAME = re.compile(r"[0-9a-f]{64}")


class FolderBlobs:
    """ports.Blobs in a folder. Safe for many threads and processes at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, content: bytes) -> str:
        sha256 = hashlib.sha256(content).hexdigest()
        place = self._place(sha256)
        try:
            os.utime(place)  # put again: `stale` must not take it for old
        except FileNotFoundError:
            self._write(place, content)
        return sha256

    def _write(self, place: Path, content: bytes) -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        part = place.with_name(f".{place.name[:16]}.{secrets.token_hex(8)}.part")
        try:
            with part.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.replace(place)
        finally:
            part.unlink(missing_ok=True)

    def get(self, sha256: str) -> bytes:
        content = self.path(sha256).read_bytes()
        if hashlib.sha256(content).hexdigest() != sha256:
            raise Damaged(f"the file {sha256} is not what its name says")
        return content

    def path(self, sha256: str) -> Path:
        if not _NAME.fullmatch(sha256):
            raise NotFound("file", sha256)
        place = self._place(sha256)
        if not place.is_file():
            raise NotFound("file", sha256)
        return place

    def delete(self, sha256: str) -> None:
        if _NAME.fullmatch(sha256):
            self._place(sha256).unlink(missing_ok=True)

    def names(self) -> Iterator[str]:
        if self.folder.is_dir():
            yield from (p.name for p in sorted(self.folder.glob("??/??/*")) if _NAME.fullmatch(p.name))

    def stale(self, before: datetime) -> Iterator[str]:
        """Files that were last put before a time; what a killed process left half written by then is removed."""
        for path in self.folder.glob("??/??/*"):
            if _mtime(path) >= before.timestamp():
                continue
            if _NAME.fullmatch(path.name):
                yield path.name
            elif path.name.endswith(".part"):
                path.unlink(missing_ok=True)

    def _place(self, sha256: str) -> Path:
        return self.folder / sha256[:2] / sha256[2:4] / sha256


def _mtime(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")
