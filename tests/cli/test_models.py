"""`impasto models`: list, add, check; what it opens of a checkpoint is tested in tests/open."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import huggingface_hub
import pytest

from impasto import local

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ran


@pytest.fixture(autouse=True)
def _nothing_to_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """The weights here are of no nets."""
    monkeypatch.setattr(local, "_finish", lambda: None)


def test_alone_it_lists(impasto: Callable[..., Ran]) -> None:
    assert impasto("models").out == impasto("models", "list").out
    assert "tiny 1  (default)\n" in impasto("models").out


def test_a_folder_is_added_listed_and_checked(
    impasto: Callable[..., Ran], pipeline_folder: Path, tiny_model: Path
) -> None:
    ran = impasto("models", "add", str(pipeline_folder), "--licence", "MIT")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"some-model: 8 files in {tiny_model.parent / 'some-model'}\n"
    listed = impasto("models").out
    assert "some-model 1\n  Added from Some-Model.\n  draws 512x512, " in listed
    assert "licence MIT" in listed
    assert impasto("styles", "--model", "some-model").out == "some-model has no styles\n"
    checked = impasto("models", "check").lines
    assert checked[1:] == ["some-model: 8 files are as the card says", "tiny: 9 files are as the card says"]
    assert checked[0].startswith("mini: ")
    (tiny_model.parent / "some-model" / "vae" / "config.json").write_text("{}")
    ran = impasto("models", "check", "some-model")
    assert ran.code == 2
    assert "damaged, expected sha256" in ran.err
    assert impasto("models", "check", "tiny").code == 0


def test_a_name_may_be_given_and_is_taken_once(impasto: Callable[..., Ran], pipeline_folder: Path) -> None:
    assert impasto("models", "add", str(pipeline_folder), "--name", "mine").out.startswith("mine: ")
    ran = impasto("models", "add", str(pipeline_folder), "--name", "mine")
    assert (ran.code, "mine is there already" in ran.err) == (2, True)


@pytest.mark.parametrize("name", ["model.ckpt", "model.pt", "model.bin"])
def test_a_pickle_is_refused_with_the_way_to_convert_it(impasto: Callable[..., Ran], here: Path, name: str) -> None:
    (here / name).write_bytes(b"pickle")
    ran = impasto("models", "add", name)
    assert ran.code == 2
    assert ran.err.startswith(f"impasto: source: {name} holds pickled weights")
    assert "safetensors.torch.save_file" in ran.err


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("nowhere", "source: nowhere is neither a folder nor a file"),
        ("notes.txt", "source: notes.txt must end in .safetensors"),
        ("https://example.org/model", "source: must look like https://huggingface.co/OWNER/NAME"),
    ],
)
def test_what_is_no_checkpoint_is_refused(impasto: Callable[..., Ran], here: Path, source: str, complaint: str) -> None:
    (here / "notes.txt").write_text("x")
    ran = impasto("models", "add", source)
    assert (ran.code, ran.err.startswith(f"impasto: {complaint}")) == (2, True), ran.err


def test_a_repository_is_fetched_once_without_what_is_useless(
    impasto: Callable[..., Ran], pipeline_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    half = pipeline_folder / "unet" / "diffusion_pytorch_model.fp16.safetensors"
    half.write_bytes(b"half")
    asked = {}

    def snapshot(repo: str, **said: object) -> str:
        asked.update(said, repo=repo)
        return shutil.copytree(pipeline_folder, tmp_path / "fetched")

    files = [path.relative_to(pipeline_folder).as_posix() for path in pipeline_folder.rglob("*") if path.is_file()]
    monkeypatch.setattr(huggingface_hub, "list_repo_files", lambda repo, revision: files)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    ran = impasto("models", "add", "https://huggingface.co/Owner/Some-Model/tree/main")
    assert ran.out.startswith("some-model: 8 files")
    assert (asked["repo"], asked["revision"]) == ("Owner/Some-Model", "main")
    assert "unet/diffusion_pytorch_model.fp16.safetensors" in asked["ignore_patterns"]


def test_a_repository_that_cannot_be_fetched_says_why(
    impasto: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(repo: str, revision: str | None) -> None:
        raise OSError("no route")

    monkeypatch.setattr(huggingface_hub, "list_repo_files", fail)
    ran = impasto("models", "add", "https://huggingface.co/Owner/Some-Model")
    assert ran.err == "impasto: https://huggingface.co/Owner/Some-Model: cannot be fetched: no route\n"
