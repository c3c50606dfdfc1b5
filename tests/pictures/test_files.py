"""Files are whole or absent, and nothing unnamed is written over."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from impasto.core import Invalid
from impasto.pictures.files import Destination

if TYPE_CHECKING:
    from pathlib import Path

    from impasto.core import Picture


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_existing_folder_takes_names_from_words(tmp_path: Path) -> None:
    assert Destination.parse(tmp_path) == Destination(folder=tmp_path)


def test_new_folder_is_made_when_it_is_written_to(tmp_path: Path) -> None:
    destination = Destination.parse(f"{tmp_path}/a/b/")
    assert names(tmp_path) == []
    assert destination.write(b"1", "fox") == tmp_path / "a/b/fox.png"


def test_name_keeps_its_dots(tmp_path: Path) -> None:
    destination = Destination.parse(tmp_path / "fox.v2.WEBP")
    assert (destination.name, destination.ending) == ("fox.v2", ".webp")


def test_equal_files_are_one_and_different_ones_are_numbered(tmp_path: Path) -> None:
    destination = Destination.parse(tmp_path)
    written = [destination.write(data, "fox").name for data in (b"1", b"2", b"1", b"3", b"2")]
    assert written == ["fox.png", "fox-2.png", "fox.png", "fox-3.png", "fox-2.png"]
    assert names(tmp_path) == ["fox-2.png", "fox-3.png", "fox.png"]


def test_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    destination = Destination.parse(tmp_path)
    assert [destination.write(data, "fox").name for data in (b"1", b"2")] == ["fox.png", "fox-2.png"]
    assert names(tmp_path) == ["fox-2.png", "fox.png"]


def test_files_have_the_rights_other_files_have(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        path = Destination.parse(tmp_path).write(b"1", "fox")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_failure_while_writing_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    destination = Destination.parse(tmp_path / "fox.png")
    destination.write(b"old", "")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Invalid, match="No space left on device"):
        destination.write(b"new", "")
    assert names(tmp_path) == ["fox.png"]
    assert (tmp_path / "fox.png").read_bytes() == b"old"


def test_picture_saves_itself(picture: Picture, tmp_path: Path) -> None:
    assert picture.save(tmp_path / "disc.webp") == tmp_path / "disc.webp"
    with Image.open(tmp_path / "disc.webp") as image:
        assert image.size == (64, 64)
    assert picture.save(str(tmp_path)) == tmp_path / "a-red-disc-7.png"
    with pytest.raises(Invalid, match=r"^path: .*must end in"):
        picture.save(tmp_path / "disc.bmp")
