"""Where pictures go on disk. A file is there whole or not at all, and no other file is lost without being named."""

from __future__ import annotations

import contextlib
import os
import secrets
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.core import Invalid
from impasto.pictures.formats import ENDINGS, listed_endings

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_ENDING = ".png"


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A folder whose files are named and numbered for the person, or one named file that is written over."""

    folder: Path
    name: str | None = None
    """the name without ending that the person gave; None: named after the words"""
    ending: str = DEFAULT_ENDING

    @classmethod
    def parse(cls, output: str | Path, field: str = "output") -> Destination:
        """Reads what a person gave: a folder (it exists, or ends in a slash) or a file whose ending decides its format.

        Raises Invalid naming `field` for an ending that is not known, a parent that is no folder, and a folder that
        cannot be written.
        """
        text, path = str(output), Path(output).expanduser()
        if not text.strip():
            raise Invalid(field, "must name a file or a folder")
        if path.is_dir() or text.endswith(("/", os.sep)):
            _check_folder(path, field, may_make=True)
            return cls(folder=path)
        if path.suffix.lower() not in ENDINGS:
            raise Invalid(field, f"{text!r} must end in {listed_endings()}, or in / for a folder")
        _check_folder(path.parent, field, may_make=False)
        return cls(folder=path.parent, name=path.stem, ending=path.suffix.lower())

    def write(self, data: bytes, stem: str, number: int | None = None) -> Path:
        """Writes one picture and returns its path. `number` counts from 1 the pictures that share a given name.

        In a folder an existing different file is kept and the new one gets `-2`, `-3`; an existing equal file is
        left as it is. Raises Invalid if the disk says no.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if self.name is None:
                return _write_beside(data, self.folder, stem, self.ending)
            name = self.name if number is None else f"{self.name}-{number}"
            return write_over(data, self.folder / f"{name}{self.ending}")
        except OSError as error:
            raise Invalid("output", f"cannot write in {self.folder}: {error.strerror or error}") from error


def _check_folder(folder: Path, field: str, *, may_make: bool) -> None:
    nearest = folder
    while may_make and not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.exists():
        raise Invalid(field, f"there is no folder {folder}")
    if not nearest.is_dir():
        raise Invalid(field, f"{nearest} is not a folder")
    try:  # asking for permissions is not enough: read-only mounts and network shares answer yes
        trial = _part(nearest)
        trial.touch(exist_ok=False)
        trial.unlink()
    except OSError as error:
        raise Invalid(field, f"cannot write in {nearest}: {error.strerror or error}") from error


def write_over(data: bytes, path: Path) -> Path:
    """Puts `data` at `path` in one move, over what was there. Raises OSError."""
    with _whole(data, path.parent) as temporary:
        temporary.replace(path)
    return path


def _write_beside(data: bytes, folder: Path, stem: str, ending: str) -> Path:
    with _whole(data, folder) as temporary:
        for number in count(1):
            path = folder / (f"{stem}{ending}" if number == 1 else f"{stem}-{number}{ending}")
            if _holds(path, data) or _claim(temporary, path):
                return path
    raise AssertionError("count() does not end")


def _holds(path: Path, data: bytes) -> bool:
    return path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data


def _claim(temporary: Path, path: Path) -> bool:
    """Gives the file its name unless the name is taken, in one step where the file system has hard links."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError:  # no hard links here (FAT, some network shares)
        if path.exists():
            return False
        temporary.replace(path)
    return True


@contextlib.contextmanager
def _whole(data: bytes, folder: Path) -> Iterator[Path]:
    """A complete, synced, hidden file in `folder`; what is left of it afterwards is removed."""
    temporary = _part(folder)
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _part(folder: Path) -> Path:
    return folder / f".impasto-{secrets.token_hex(8)}.part"
