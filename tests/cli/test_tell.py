"""The commands that tell: show, styles, models, settings, --version, help, and what a shell completes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from impasto.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ran


@pytest.mark.parametrize("ending", ["png", "webp", "jpg", "svg"])
def test_show_prints_what_is_embedded(impasto: Callable[..., Ran], ending: str) -> None:
    drawn = json.loads(impasto("a red fox, ✓", "-o", f"fox.{ending}", "--seed", "7", "--json").out)
    lines = impasto("show", f"fox.{ending}").lines
    shown = dict(line.split(maxsplit=1) for line in lines if len(line.split(maxsplit=1)) == 2)
    assert shown["words"] == "a red fox, ✓"
    assert shown["seed"] == "7"
    assert shown["model.sha256"] == drawn["model"]["sha256"]
    assert json.loads(shown["sigmas.values"]) == drawn["sigmas"]["values"]

    both = json.loads(impasto("show", f"fox.{ending}", "--json").out)
    assert both["impasto"] == {key: value for key, value in drawn.items() if key not in ("path", "took_s")}
    assert both["parameters"].splitlines()[0] == "a red fox, ✓"


def test_show_reads_a_file_of_a1111(impasto: Callable[..., Ran], here: Path) -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("parameters", "a fox\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 8x8")
    Image.new("RGB", (8, 8)).save(here / "a1111.png", pnginfo=info)
    ran = impasto("show", "a1111.png")
    assert ran.out == "a fox\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 8x8\n"


def test_styles(impasto: Callable[..., Ran]) -> None:
    lines = impasto("styles").lines
    assert [line.split()[0] for line in lines] == ["flat", "line", "clay"]
    assert lines[0] == 'flat (default)  Flat  e.g. "a red fox"'


def test_models(impasto: Callable[..., Ran]) -> None:
    out = impasto("models").out
    assert "tiny 1  (default)\n" in out
    assert "draws 256x256 in 3 styles; licence Apache-2.0; sha256 " in out


def test_settings_say_where_values_come_from(impasto: Callable[..., Ran], tiny_model: Path) -> None:
    rows = {line.split()[0]: line.split() for line in impasto("settings").lines}
    assert rows["IMPASTO_MODEL"][1:3] == ["tiny", "environment"]
    assert rows["IMPASTO_MODELS_FOLDER"][1:3] == [str(tiny_model.parent), "environment"]
    assert rows["IMPASTO_THREADS"][1:3] == ["0", "default"]
    assert rows["IMPASTO_WILDCARDS_FOLDER"][1:3] == ["-", "default"]


def test_version(impasto: Callable[..., Ran]) -> None:
    assert impasto("--version").out == f"impasto {__version__}\n"


@pytest.mark.parametrize("args", [[], ["--help"], ["-h"]])
def test_help(impasto: Callable[..., Ran], args: list[str]) -> None:
    ran = impasto(*args)
    assert (ran.code, ran.err) == (0, "")
    assert all(name in ran.out for name in ("draw", "again", "grid", "show", "styles", "models", "settings", "data"))


def test_commands_without_their_own_command_show_help(impasto: Callable[..., Ran]) -> None:
    ran = impasto("data")
    assert (ran.code, ran.err) == (2, "")
    assert "build" in ran.out


def complete(line: str, here: Path) -> list[str]:
    """What bash would offer for a line, its last word unfinished."""
    words = line.split(" ")
    asked = {"_IMPASTO_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    code = "import sys; sys.argv[0] = 'impasto'; from impasto.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | asked, cwd=here, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_shell_completion(here: Path) -> None:
    assert "styles" in complete("impasto sty", here)
    assert complete("impasto --sam", here) == ["--sampler"]
    assert complete("impasto fox --sty", here) == ["--style"]
    assert complete("impasto fox --style fl", here) == ["flat"]
    assert complete("impasto fox --sampler dpmpp_2m", here) == ["dpmpp_2m", "dpmpp_2m_sde"]
    assert complete("impasto fox --sigmas k", here) == ["karras"]
    assert "tiny" in complete("impasto fox --model t", here)
    assert complete("impasto data b", here) == ["build"]
