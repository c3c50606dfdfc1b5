"""`impasto "words"`: what it writes and what it prints."""

from __future__ import annotations

import io
import json
import re
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ran


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image).astype(float)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_writes_a_png_named_after_words_and_seed_and_says_so(impasto: Callable[..., Ran], here: Path) -> None:
    ran = impasto("a red fox", "--seed", "7")
    assert ran.code == 0
    assert re.fullmatch(r"a-red-fox-7\.png  256x256  seed 7  \d+\.\d\d s\n", ran.out)
    assert ran.err == ""
    with Image.open(here / "a-red-fox-7.png") as image:
        assert (image.format, image.size, image.mode) == ("PNG", (256, 256), "RGBA")
    assert names(here) == ["a-red-fox-7.png"]


def test_same_seed_is_the_same_file_and_nothing_is_written_over(impasto: Callable[..., Ran], here: Path) -> None:
    first = impasto("a red fox", "--seed", "7")
    before = (here / "a-red-fox-7.png").read_bytes()
    assert impasto("a red fox", "--seed", "7").out.split()[0] == first.out.split()[0]
    assert names(here) == ["a-red-fox-7.png"]

    assert impasto("a red fox", "--seed", "7", "--steps", "5").out.startswith("a-red-fox-7-2.png ")
    assert (here / "a-red-fox-7.png").read_bytes() == before
    assert names(here) == ["a-red-fox-7-2.png", "a-red-fox-7.png"]


def test_without_a_seed_pictures_differ(impasto: Callable[..., Ran]) -> None:
    seeds = {impasto("a red fox").out.split("seed ")[1].split()[0] for _ in range(3)}
    assert len(seeds) == 3


@pytest.mark.parametrize(("ending", "kind"), [("png", "PNG"), ("webp", "WEBP"), ("jpg", "JPEG"), ("jpeg", "JPEG")])
def test_ending_decides_the_format(impasto: Callable[..., Ran], here: Path, ending: str, kind: str) -> None:
    assert impasto("a red fox", "-o", f"fox.{ending}").out.startswith(f"fox.{ending} ")
    with Image.open(here / f"fox.{ending}") as image:
        assert image.format == kind


def test_svg_is_traced(impasto: Callable[..., Ran], here: Path) -> None:
    impasto("a red fox", "-o", "fox.SVG", "--seed", "1")
    svg = (here / "fox.svg").read_text()
    assert 'viewBox="0 0 256 256"' in svg
    assert "<path" in svg


def test_named_file_is_written_over(impasto: Callable[..., Ran], here: Path) -> None:
    (here / "fox.png").write_bytes(b"old")
    impasto("a red fox", "-o", "fox.png")
    assert (here / "fox.png").read_bytes().startswith(b"\x89PNG")
    assert names(here) == ["fox.png"]


def test_several_pictures_are_numbered_and_count_their_seeds(impasto: Callable[..., Ran], here: Path) -> None:
    ran = impasto("-n", "3", "a red fox", "-o", "fox.png", "--seed", "4")
    assert names(here) == ["fox-1.png", "fox-2.png", "fox-3.png"]
    found = sorted(re.findall(r"(fox-\d\.png)  256x256  seed (\d)", ran.out))
    assert found == [("fox-1.png", "4"), ("fox-2.png", "5"), ("fox-3.png", "6")]


def test_a_picture_among_others_is_the_one_drawn_alone(impasto: Callable[..., Ran], here: Path) -> None:
    impasto("-n", "3", "a red fox", "-o", "all/", "--seed", "4")
    impasto("a red fox", "-o", "alone/", "--seed", "5")
    name = "a-red-fox-5.png"
    assert (here / "all" / name).read_bytes() == (here / "alone" / name).read_bytes()


def test_json_is_one_line_a_picture(impasto: Callable[..., Ran], here: Path) -> None:
    ran = impasto("a red fox", "-n", "2", "--seed", "4", "--json", "--style", "line", "--negative", "cat")
    lines = sorted(map(json.loads, ran.lines), key=lambda line: line["seed"])
    assert [line["seed"] for line in lines] == [4, 5]
    assert [(here / line["path"]).is_file() for line in lines] == [True, True]
    assert {line["style"] for line in lines} == {"line"}
    assert {line["negative"] for line in lines} == {"cat"}
    assert all(line["took_s"] > 0 for line in lines)
    assert all(line["sigmas"]["values"][-1] == 0 for line in lines)
    assert ran.err == ""


def test_quiet_prints_only_paths(impasto: Callable[..., Ran]) -> None:
    assert impasto("a red fox", "--seed", "7", "-q").out == "a-red-fox-7.png\n"


@pytest.mark.parametrize("args", [["a", "red", "fox"], ["--seed", "7", "a red fox"], ["draw", "a red fox"]])
def test_words_may_come_in_several_ways(impasto: Callable[..., Ran], args: list[str]) -> None:
    assert impasto(*args, "--seed", "7", "-q").out == "a-red-fox-7.png\n"


@pytest.mark.parametrize(("args", "name"), [(["draw", "styles"], "styles"), (["--", "-fox-"], "fox")])
def test_words_that_look_like_something_else(impasto: Callable[..., Ran], args: list[str], name: str) -> None:
    options = ["--seed", "7", "-q"]
    ran = impasto(*(args + options if args[0] == "draw" else options + args))
    assert ran.out == f"{name}-7.png\n"


def test_words_from_standard_input(impasto: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("a red fox\n"))
    assert impasto("-", "--seed", "7", "-q").out == "a-red-fox-7.png\n"


def test_background_is_laid_under(impasto: Callable[..., Ran], here: Path) -> None:
    for name, background in (("clear.png", "transparent"), ("green.png", "#00FF00")):
        impasto("a fox", "--seed", "1", "-o", name, "--background", background)
    clear = pixels(here / "clear.png")
    green = pixels(here / "green.png")
    assert clear[..., 3].min() < 128
    assert (green[..., 3] == 255).all()
    alpha = clear[..., 3:] / 255
    np.testing.assert_allclose(green[..., :3], clear[..., :3] * alpha + (1 - alpha) * [0, 255, 0], atol=1.6)


def test_jpeg_lies_on_white_unless_a_background_is_given(impasto: Callable[..., Ran], here: Path) -> None:
    impasto("a fox", "--seed", "1", "-o", "clear.png")
    impasto("a fox", "--seed", "1", "-o", "white.jpg")
    impasto("a fox", "--seed", "1", "-o", "black.jpg", "--background", "#000000")
    clear = pixels(here / "clear.png")
    alpha = clear[..., 3:] / 255
    for name, ground in (("white.jpg", 255), ("black.jpg", 0)):
        laid = pixels(here / name)
        assert np.abs(laid - (clear[..., :3] * alpha + (1 - alpha) * ground)).mean() < 3, name


def test_size_may_be_given(impasto: Callable[..., Ran]) -> None:
    assert impasto("a fox", "--size", "256", "-q").code == 0
    assert impasto("a fox", "--size", "256x256", "-q").code == 0


def test_choices_follow_the_seed_of_each_picture(impasto: Callable[..., Ran]) -> None:
    args = ("{red|blue} {fox|cat}", "-n", "6", "--seed", "1", "--json")
    first, second = (sorted(map(json.loads, impasto(*args).lines), key=lambda d: d["seed"]) for _ in range(2))
    assert [line["words"] for line in first] == [line["words"] for line in second]
    assert len({line["words"] for line in first}) > 1
    assert {line["template"] for line in first} == {"{red|blue} {fox|cat}"}


def test_wildcards_come_from_the_folder_of_the_setting(
    impasto: Callable[..., Ran], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = here / "wild"
    folder.mkdir()
    (folder / "colour.txt").write_text("# colours\nred\nblue\n")
    monkeypatch.setenv("IMPASTO_WILDCARDS_FOLDER", str(folder))
    drawn = {json.loads(line)["words"] for line in impasto("a __colour__ fox", "-n", "8", "--json").lines}
    assert drawn == {"a red fox", "a blue fox"}


def test_output_folder_setting(impasto: Callable[..., Ran], here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_OUTPUT_FOLDER", str(here / "pictures"))
    impasto("a fox", "--seed", "1")
    assert names(here / "pictures") == ["a-fox-1.png"]
