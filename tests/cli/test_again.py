"""`impasto again FILE`: the same picture, bit for bit, from what is embedded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ran

OPTIONS = ("--seed", "9", "--style", "clay", "--steps", "6", "--guidance", "1.7", "--sampler", "dpmpp_2m",
           "--negative", "blue cat", "--background", "#123456", "--sigmas", "exponential")  # fmt: skip


@pytest.mark.parametrize("ending", ["png", "webp", "jpg", "svg"])
def test_same_bytes_from_every_format(impasto: Callable[..., Ran], here: Path, ending: str) -> None:
    assert impasto("a {red|blue} fox", "-o", f"one.{ending}", *OPTIONS).code == 0
    assert impasto("again", f"one.{ending}", "-o", f"two.{ending}").code == 0
    assert (here / "one.png" if ending == "png" else here / f"one.{ending}").read_bytes() == (
        here / f"two.{ending}"
    ).read_bytes()


def test_from_svg_to_pixels(impasto: Callable[..., Ran], here: Path) -> None:
    impasto("a red fox", "-o", "one.png", *OPTIONS)
    impasto("again", "one.png", "-o", "one.svg")
    impasto("again", "one.svg", "-o", "two.png")
    np.testing.assert_array_equal(np.asarray(Image.open(here / "one.png")), np.asarray(Image.open(here / "two.png")))


def test_needs_no_wildcards_and_keeps_the_template(
    impasto: Callable[..., Ran], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wild = here / "wild"
    wild.mkdir()
    (wild / "colour.txt").write_text("red\nblue\n")
    monkeypatch.setenv("IMPASTO_WILDCARDS_FOLDER", str(wild))
    first = json.loads(impasto("a __colour__ fox", "-o", "one.png", "--json").out)
    monkeypatch.delenv("IMPASTO_WILDCARDS_FOLDER")
    second = json.loads(impasto("again", "one.png", "-o", "two.png", "--json").out)
    unlike = {"path", "took_s"}
    assert {k: v for k, v in first.items() if k not in unlike} == {k: v for k, v in second.items() if k not in unlike}
    assert second["template"] == "a __colour__ fox"


def test_another_model_is_named_unless_it_is_asked_for(
    impasto: Callable[..., Ran], here: Path, tiny_model: Path
) -> None:
    impasto("a red fox", "-o", "one.png")
    card = tiny_model / "card.toml"
    card.write_text(card.read_text().replace('version = "1"', 'version = "2"'))
    ran = impasto("again", "one.png", "-o", "two.png")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("impasto: model: drawn by tiny 1 (sha256 ")
    assert "; the one here is tiny 2 (sha256 " in ran.err
    assert not (here / "two.png").exists()

    assert impasto("again", "one.png", "-o", "two.png", "--model", "tiny").code == 0
    assert (here / "two.png").is_file()


def test_a_model_that_was_measured_meanwhile_is_the_same_model(
    impasto: Callable[..., Ran], here: Path, tiny_model: Path
) -> None:
    impasto("a red fox", "-o", "one.png")
    card = tiny_model / "card.toml"
    card.write_text(card.read_text().replace("[results]", "[results]\ntop_5 = 0.7"))
    assert impasto("again", "one.png", "-o", "two.png").code == 0
    assert (here / "one.png").read_bytes() == (here / "two.png").read_bytes()


def test_sheet_and_foreign_file_are_refused(impasto: Callable[..., Ran], here: Path) -> None:
    impasto("grid", "a fox", "--x", "seed=1,2", "-o", "sheet.png")
    assert "is a sheet of several pictures" in impasto("again", "sheet.png").err

    with Image.open(here / "sheet.png") as image:
        text = image.info["parameters"]
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("parameters", text)
    Image.new("RGB", (8, 8)).save(here / "a1111.png", pnginfo=info)
    assert "carries A1111's parameters but not Impasto's" in impasto("again", "a1111.png").err
