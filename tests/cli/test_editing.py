"""`--init`, `--mask`, `--strength`, `impasto vary`, and drawing such pictures again; in Python too."""

from __future__ import annotations

import json
import re
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

import impasto as package
from impasto.core import Invalid

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ran

SEED = ("--seed", "3")


@pytest.fixture
def blue(here: Path) -> np.ndarray:
    """blue.png, a person's own picture of 256x256: a blue disc with soft edges on nothing; mask.png over its left."""
    y, x = np.mgrid[:256, :256]
    pixels = np.zeros((256, 256, 4), np.uint8)
    pixels[...] = (20, 60, 240, 0)
    pixels[..., 3] = (np.clip(90 - np.hypot(x - 128, y - 128), 0, 1) * 255).astype(np.uint8)
    pixels[pixels[..., 3] == 0] = 0
    Image.fromarray(pixels).save(here / "blue.png")
    mask = np.zeros((256, 256), np.uint8)
    mask[:, :120] = 255
    Image.fromarray(mask).save(here / "mask.png")
    return pixels


def read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGBA"))


def test_a_mask_keeps_the_rest_to_the_bit(impasto: Callable[..., Ran], here: Path, blue: np.ndarray) -> None:
    ran = impasto("a red fox", "--init", "blue.png", "--mask", "mask.png", *SEED, "-o", "out.png")
    assert (ran.code, ran.err) == (0, "")
    np.testing.assert_array_equal(read(here / "out.png")[:, 120:], blue[:, 120:])
    assert (read(here / "out.png")[:, :110] != blue[:, :110]).any()


def test_the_file_and_the_line_tell_what_it_was_drawn_from(
    impasto: Callable[..., Ran], here: Path, blue: np.ndarray
) -> None:
    line = json.loads(impasto("a fox", "--init", "blue.png", "--strength", "0.3", *SEED, "-o", "x.png", "--json").out)
    assert line["edit"]["strength"] == 0.3
    assert line["edit"]["mask_sha256"] is None
    assert len(line["sigmas"]["values"]) == 3, "0.3 of 4 steps are 2, rounded up, and 0"
    assert line["steps"] == 4
    shown = impasto("show", "x.png").out
    assert re.search(rf"^edit\.init_sha256 +{line['edit']['init_sha256']}$", shown, re.MULTILINE)
    with Image.open(here / "x.png") as image:
        assert "Denoising strength: 0.3" in image.info["parameters"]


def test_again_redraws_it_from_the_same_pictures_in_any_file(
    impasto: Callable[..., Ran], here: Path, blue: np.ndarray
) -> None:
    impasto("a fox", "--init", "blue.png", "--mask", "mask.png", "--strength", "0.7", *SEED, "-o", "one.png")
    Image.fromarray(blue).save(here / "same.webp", lossless=True, exact=True)
    given = ("--init", "same.webp", "--mask", "mask.png")
    assert impasto("again", "one.png", *given, "-o", "two.png").code == 0
    assert (here / "one.png").read_bytes() == (here / "two.png").read_bytes()


def test_again_from_anything_else_is_refused_with_both_hashes(
    impasto: Callable[..., Ran], here: Path, blue: np.ndarray
) -> None:
    drawn = json.loads(impasto("a fox", "--init", "blue.png", *SEED, "-o", "one.png", "--json").out)
    before = drawn["edit"]["init_sha256"]
    blue[128, 128] = 0
    Image.fromarray(blue).save(here / "other.png")
    other = json.loads(impasto("a fox", "--init", "other.png", *SEED, "-o", "x.png", "--json").out)
    refusals = {
        (): f"init: must be given: the picture was drawn from one with sha256 {before}",
        ("--init", "other.png"): f"init: drawn from sha256 {before}; the one given has sha256 "
        f"{other['edit']['init_sha256']}",
        ("--init", "blue.png", "--mask", "mask.png"): "mask: must not be given: the picture was drawn without one",
    }
    for given, says in refusals.items():
        ran = impasto("again", "one.png", *given, "-o", "two.png")
        assert (ran.code, ran.out, ran.err) == (2, "", f"impasto: {says}\n")
    assert not (here / "two.png").exists()


def test_pictures_of_any_size_are_fitted(impasto: Callable[..., Ran], here: Path, blue: np.ndarray) -> None:
    """A wide one keeps its shape, in the middle, on nothing."""
    wide = Image.fromarray(blue).crop((0, 64, 256, 192)).resize((1024, 512))
    wide.save(here / "wide.png")
    impasto("a fox", "--init", "wide.png", "--strength", "0.01", "--guidance", "1", *SEED, "-o", "out.png")
    found = read(here / "out.png").astype(int)
    assert found[:32, :, 3].max() < 30
    assert found[100:156, 100:156, 3].min() > 225


def test_what_is_transparent_is_drawn_where_the_mask_is_the_picture_itself(
    impasto: Callable[..., Ran], here: Path, blue: np.ndarray
) -> None:
    """Outpainting: everything around the disc, and what fitting adds above and below, may change."""
    Image.fromarray(blue[64:192]).save(here / "wide.png")
    impasto("a fox", "--init", "wide.png", "--mask", "wide.png", *SEED, "-o", "out.png")
    found = read(here / "out.png")
    disc = blue[64:192, :, 3] == 255
    np.testing.assert_array_equal(found[64:192][disc], blue[64:192][disc])
    assert found[:56, :, 3].mean() > 10


def test_a_background_is_laid_under(impasto: Callable[..., Ran], here: Path, blue: np.ndarray) -> None:
    impasto("a fox", "--init", "blue.png", "--mask", "mask.png", "--background", "#ffffff", *SEED, "-o", "out.png")
    alpha = blue[..., 3:] / 255
    white = np.rint(blue[..., :3] * alpha + 255 * (1 - alpha))
    np.testing.assert_allclose(read(here / "out.png")[:, 120:, :3], white[:, 120:], atol=1)


def test_grid_varies_the_strength(impasto: Callable[..., Ran], blue: np.ndarray) -> None:
    given = ("--init", "blue.png", "--x", "strength=0.3,0.6,0.9", *SEED)
    assert impasto("grid", "a fox", *given, "-o", "sheet.png").code == 0
    document = json.loads(impasto("show", "sheet.png", "--json").out)["impasto"]
    assert [cell["edit"]["strength"] for cell in document["pictures"]] == [0.3, 0.6, 0.9]


def test_vary_takes_words_and_style_from_the_picture(impasto: Callable[..., Ran], here: Path) -> None:
    impasto("a red {fox|fox}", "--style", "clay", "--steps", "5", *SEED, "-o", "fox.png")
    ran = impasto("vary", "fox.png", "--json", "-o", "like/")
    lines = [json.loads(line) for line in ran.lines]
    assert len(lines) == 4
    assert {(line["words"], line["style"], line["steps"]) for line in lines} == {("a red fox", "clay", 5)}
    assert {line["edit"]["strength"] for line in lines} == {0.75}
    seeds = sorted(line["seed"] for line in lines)
    assert seeds == list(range(seeds[0], seeds[0] + 4))
    assert len(list((here / "like").iterdir())) == 4

    said = ("-n", "1", "--style", "flat", "--strength", "0.4", "--seed", "9", "--json")
    [line] = map(json.loads, impasto("vary", "fox.png", "a", "cat", *said).lines)
    assert (line["words"], line["style"], line["seed"], line["steps"]) == ("a cat", "flat", 9, 5)
    assert line["edit"]["strength"] == 0.4


def test_vary_is_drawing_from_the_picture(impasto: Callable[..., Ran], here: Path) -> None:
    impasto("a red fox", *SEED, "-o", "fox.png")
    impasto("vary", "fox.png", "-n", "1", "--seed", "5", "-o", "one.png")
    impasto("a red fox", "--init", "fox.png", "--seed", "5", "-o", "two.png")
    np.testing.assert_array_equal(read(here / "one.png"), read(here / "two.png"))
    assert impasto("again", "one.png", "--init", "fox.png", "-o", "three.png").code == 0
    assert (here / "one.png").read_bytes() == (here / "three.png").read_bytes()


def test_vary_wants_words_for_a_picture_of_others(impasto: Callable[..., Ran], blue: np.ndarray) -> None:
    ran = impasto("vary", "blue.png")
    assert (ran.code, ran.err) == (2, "impasto: words: must be given: the picture carries none of Impasto's own\n")
    assert len(impasto("vary", "blue.png", "a cat", "-q").lines) == 4


BAD = {
    "mask alone": (["fox", "--mask", "mask.png"], "mask: needs an init"),
    "strength alone": (["fox", "--strength", "0.5"], "strength: needs an init"),
    "strength 0": (["fox", "--init", "blue.png", "--strength", "0"], "strength: must be above 0 and at most 1, not 0"),
    "strength nan": (["fox", "--init", "blue.png", "--strength", "nan"], "strength: must be above 0"),
    "no file": (["fox", "--init", "nope.png"], "init: there is no file nope.png"),
    "no picture": (["fox", "--init", __file__], "is no readable PNG, WebP or JPEG"),
    "no mask": (["fox", "--init", "blue.png", "--mask", "nope.png"], "mask: there is no file nope.png"),
    "empty mask": (["fox", "--init", "blue.png", "--mask", "black.png"], "mask: marks nothing to change"),
    "mask size": (
        ["fox", "--init", "blue.png", "--mask", "small.png"],
        "mask: must have the size of the init, 256x256",
    ),
    "vary: no file": (["vary", "nope.png"], "file: there is no file nope.png"),
    "vary: no picture": (["vary", __file__], "file: "),
    "vary: nothing": (["vary"], "file"),
    "vary: a sheet": (["vary", "sheet.png"], "file: is a sheet of several pictures"),
    "grid: no init": (["grid", "fox", "--x", "strength=0.5"], "strength: needs an init"),
}


@pytest.mark.parametrize(("args", "says"), BAD.values(), ids=BAD.keys())
def test_refused_in_one_line(
    impasto: Callable[..., Ran], here: Path, blue: np.ndarray, args: list[str], says: str
) -> None:
    Image.new("L", (256, 256)).save(here / "black.png")
    Image.new("L", (25, 25), 255).save(here / "small.png")
    impasto("grid", "fox", "--x", "seed=1,2", "-o", "sheet.png")
    before = sorted(here.iterdir())
    ran = impasto(*args)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("impasto: ")
    assert ran.err.count("\n") == 1
    assert says in ran.err
    assert sorted(here.iterdir()) == before


def test_python_takes_a_path_bytes_an_image_or_a_picture(
    impasto: Callable[..., Ran], here: Path, blue: np.ndarray
) -> None:
    assert impasto("styles").code == 0  # so that the settings are this test's own
    path, image = here / "blue.png", Image.open(here / "blue.png")
    given = [path, str(path), path.read_bytes(), image]
    drawn = [package.draw("a fox", init=one, strength=0.4, seed=3)[0] for one in given]
    for picture in drawn[1:]:
        assert picture.drawing == drawn[0].drawing
        np.testing.assert_array_equal(picture.pixels, drawn[0].pixels)
    [masked] = package.draw("a fox", init=drawn[0], mask=Image.open(here / "mask.png"), seed=3)
    np.testing.assert_array_equal(masked.pixels[:, 120:], drawn[0].pixels[:, 120:])

    likes = package.vary(drawn[0], seed=3, style="clay")
    assert [(p.drawing.words, p.drawing.style, p.drawing.seed) for p in likes] == [
        ("a fox", "clay", seed) for seed in (3, 4, 5, 6)
    ]
    buffer = BytesIO()
    image.save(buffer, "PNG")
    with pytest.raises(Invalid, match="words: must be given"):
        package.vary(buffer.getvalue())
    [one] = package.vary(path, "a cat", count=1, mask=here / "mask.png")
    np.testing.assert_array_equal(one.pixels[:, 120:], blue[:, 120:])
    with pytest.raises(Invalid, match="strength: needs an init"):
        package.draw("a fox", strength=0.5)
