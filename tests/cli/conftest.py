"""The command line run inside the test's own process, with a tiny model and an empty current folder."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from impasto import local, settings
from impasto.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


@pytest.fixture
def here(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The empty current folder, with the tiny model as the default one."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("IMPASTO_MODELS_FOLDER", str(tiny_model.parent))
    monkeypatch.setenv("IMPASTO_MODEL", "tiny")
    return folder


@pytest.fixture
def impasto(
    here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Ran]]:
    """Runs `impasto` with arguments and returns its exit code and what it printed."""

    def run(*args: str) -> Ran:
        settings.settings.cache_clear()
        local._engine.cache_clear()
        monkeypatch.setattr(sys, "argv", ["impasto", *args])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        assert isinstance(ended.value.code, int)
        return Ran(code=ended.value.code, out=out, err=err)

    yield run
    settings.settings.cache_clear()
    local._engine.cache_clear()
