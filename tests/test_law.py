"""Lint, format, types and the import law, so that one command checks everything."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["lint-imports"], ["mypy"]],
    ids=["lint", "format", "import-law", "types"],
)
@pytest.mark.timeout(600)
def test_law_is_kept(command: list[str]) -> None:
    done = subprocess.run(
        [SCRIPTS / command[0], *command[1:]], cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stdout + done.stderr


def contract(name: str) -> dict:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return next(one for one in contracts if one["id"] == name)


def test_every_room_of_the_book_side_is_kept_from_torch() -> None:
    rooms = re.findall(r"\w+", contract("pixel-side")["layers"][0])
    assert {"workflows", "api", "ledger"} <= set(rooms)
    here = {f"impasto.{room}" for room in rooms if list((ROOT / "src" / "impasto").glob(f"{room}*"))}
    assert here <= set(contract("book-side")["source_modules"])
