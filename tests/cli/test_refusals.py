"""Bad input: one clear line that names the field, exit code 2, nothing on standard output, nothing on disk."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ran

BAD = {
    "no words": ([" "], "words: must not be empty"),
    "only options": (["--seed", "7"], "words: must not be empty"),
    "too many words": (["a" * 2001], "words: must be at most 2000 characters, not 2001"),
    "control character": (["a\x07b"], "words: must be plain text without the control character U+0007"),
    "not UTF-8": (["a\udcffb"], "words: must be plain text"),
    "empty choice": (["{}"], "words: must not be empty"),
    "open brace": (["a {red|blue"], "words: cannot read 'a {red|blue'"),
    "deep braces": (["{" * 30], "words: braces may stand at most 8 deep"),
    "wildcard without a folder": (["a __colour__"], "words: there is no wildcard __colour__: set IMPASTO_WILDCARDS"),
    "unknown variable": (["${c} {a|b}"], "words: cannot read"),
    "negative too long": (["fox", "--negative", "a" * 2001], "negative: must be at most 2000"),
    "unknown style": (["fox", "--style", "flatt"], "style: there is no 'flatt'; did you mean flat?"),
    "unknown model": (["fox", "--model", "tinny"], "model: there is no 'tinny'; did you mean tiny?"),
    "unknown sampler": (["fox", "--sampler", "eulr"], "sampler: there is no 'eulr'; did you mean euler"),
    "unknown sigmas": (["fox", "--sigmas", "karas"], "sigmas: there is no 'karas'; did you mean karras?"),
    "size that is none": (["fox", "--size", "big"], "size: must look like 256x256, not 'big'"),
    "size not drawn": (["fox", "--size", "255x256"], "size: tiny draws 256x256, not 255x256"),
    "steps 0": (["fox", "--steps", "0"], "steps: must be from 1 to 150, not 0"),
    "steps 151": (["fox", "--steps", "151"], "steps: must be from 1 to 150, not 151"),
    "steps a word": (["fox", "--steps", "many"], "steps: "),
    "guidance": (["fox", "--guidance", "31"], "guidance: must be from 0 to 30, not 31"),
    "guidance nan": (["fox", "--guidance", "nan"], "guidance: must be from 0 to 30, not nan"),
    "count 0": (["fox", "-n", "0"], "count: must be from 1 to 1000, not 0"),
    "count 1001": (["fox", "-n", "1001"], "count: must be from 1 to 1000, not 1001"),
    "negative seed": (["fox", "--seed", "-1"], "seed: must be from 0 to 4294967295, not -1"),
    "large seed": (["fox", "--seed", "4294967296"], "seed: must be from 0 to 4294967295, not 4294967296"),
    "no seeds left": (["fox", "-n", "2", "--seed", "4294967295"], "seed: must leave room for 2 pictures"),
    "background": (["fox", "--background", "red"], "background: must be"),
    "unknown option": (["fox", "--sede", "1"], "--sede"),
    "option without value": (["fox", "--seed"], "--seed"),
    "ending": (["fox", "-o", "fox.gif"], "output: 'fox.gif' must end in .png, .webp, .jpg or .svg"),
    "no ending": (["fox", "-o", "fox"], "output: 'fox' must end in"),
    "empty output": (["fox", "-o", ""], "output: must name a file or a folder"),
    "missing folder": (["fox", "-o", "nowhere/fox.png"], "output: there is no folder nowhere"),
    "file as folder": (["fox", "-o", f"{__file__}/fox.png"], "output: "),
    "folder in a file": (["fox", "-o", f"{__file__}/foxes/"], "output: "),
    "show: no file": (["show", "nope.png"], "file: there is no file nope.png"),
    "show: no picture": (["show", __file__], "file: "),
    "show: nothing": (["show"], "file"),
    "show: too much": (["show", "a", "b"], "unexpected"),
    "again: no file": (["again", "nope.png"], "file: there is no file nope.png"),
    "grid: unknown field": (["grid", "fox", "--x", "stile"], "x: there is no 'stile'; did you mean style"),
    "grid: no values": (["grid", "fox", "--x", "steps"], "x: needs values for steps"),
    "grid: empty values": (["grid", "fox", "--x", "steps=,"], "x: steps= names no values"),
    "grid: not a number": (["grid", "fox", "--x", "steps=a"], "x: steps must be a whole number, not 'a'"),
    "grid: bad value": (["grid", "fox", "--x", "steps=1,0"], "steps: must be from 1 to 150, not 0"),
    "grid: twice": (["grid", "fox", "--x", "style", "--y", "style"], "y: must vary something else than x"),
    "grid: too large": (["grid", "fox", "--x", f"seed={','.join(map(str, range(401)))}"], "x: must leave at most 400"),
    "styles: unknown model": (["styles", "--model", "nope"], "model: there is no 'nope'"),
    "evaluate: unknown model": (["evaluate", "nope"], "model: there is no 'nope'"),
    "train: no recipe": (["train", "nope.toml"], "recipe: there is no file nope.toml"),
    "data build: no recipe": (["data", "build", "nope.toml"], "recipe: there is no file nope.toml"),
    "data: unknown": (["data", "bild"], "bild"),
}


@pytest.mark.parametrize(("args", "says"), BAD.values(), ids=BAD.keys())
def test_refused_in_one_line(impasto: Callable[..., Ran], here: Path, args: list[str], says: str) -> None:
    ran = impasto(*args)
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.count("\n") == 1
    assert ran.err.startswith("impasto: ")
    assert says in ran.err
    assert list(here.iterdir()) == []


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="a folder that even root cannot write")  # noqa: PTH112
@pytest.mark.parametrize("output", ["/proc/", "/proc/fox.png", "/proc/foxes/"])
def test_folder_that_cannot_be_written_is_refused_before_drawing(impasto: Callable[..., Ran], output: str) -> None:
    ran = impasto("fox", "-o", output, "--model", "tiny")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("impasto: output: cannot write in /proc: ")


def test_damaged_weights_name_both_hashes(impasto: Callable[..., Ran], here: Path, tiny_model: Path) -> None:
    weights = max(tiny_model.glob("*.onnx"), key=lambda path: path.stat().st_size)
    raw = bytearray(weights.read_bytes())
    raw[len(raw) // 2] ^= 1
    weights.write_bytes(raw)
    ran = impasto("a red fox")
    assert (ran.code, ran.out) == (2, "")
    assert f"{weights}: damaged, expected sha256 " in ran.err
    assert ran.err.count("\n") == 1
    assert list(here.iterdir()) == []


def test_picture_that_cannot_be_made_is_exit_code_1(impasto: Callable[..., Ran], here: Path) -> None:
    ran = impasto("broken")
    assert ran.code == 1
    assert ran.err.startswith("impasto: picture 1 failed: ")
    assert list(here.iterdir()) == []


def test_setting_that_breaks_a_rule_is_named(impasto: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_THREADS", "many")
    ran = impasto("a red fox")
    assert ran.code == 2
    assert ran.err.startswith("impasto: IMPASTO_THREADS: ")


def test_wildcards_folder_that_is_missing(impasto: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_WILDCARDS_FOLDER", "/nowhere")
    assert impasto("a __colour__").err == "impasto: IMPASTO_WILDCARDS_FOLDER: there is no folder /nowhere\n"


def test_standard_input_that_is_no_text(impasto: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xfe"), encoding="utf-8"))
    ran = impasto("-")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("impasto: words: standard input is not text")


def test_missing_extra_is_named(impasto: Callable[..., Ran], here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("impasto.training")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    (here / "recipe.toml").write_text("")
    ran = impasto("train", "recipe.toml")
    assert ran.code == 2
    assert ran.err == 'impasto: torch: is not installed; pip install "impasto[train]" brings it\n'


def test_disk_that_fills_up_leaves_no_half_file(
    impasto: Callable[..., Ran], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    ran = impasto("a red fox", "-o", "fox.png")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "impasto: output: cannot write in .: No space left on device\n"
    assert list(here.iterdir()) == []
