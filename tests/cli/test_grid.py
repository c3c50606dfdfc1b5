"""`impasto grid`: a labelled sheet over one or two varied fields."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ran


def test_two_fields(impasto: Callable[..., Ran], here: Path) -> None:
    ran = impasto("grid", "a cat", "--x", "style", "--y", "steps=2,4", "--seed", "3")
    assert ran.out == "a-cat-grid-3.png  6 pictures  seed 3\n"
    document = json.loads(impasto("show", "a-cat-grid-3.png", "--json").out)["impasto"]
    assert document["sheet"] == {
        "x": {"field": "style", "values": ["flat", "line", "clay"]},
        "y": {"field": "steps", "values": [2, 4]},
    }
    cells = [(cell["style"], cell["steps"], cell["seed"]) for cell in document["pictures"]]
    assert cells == [(style, steps, 3) for steps in (2, 4) for style in ("flat", "line", "clay")]


def test_cells_are_the_pictures_drawn_alone(impasto: Callable[..., Ran], here: Path) -> None:
    impasto("grid", "a cat", "--x", "seed=5,6", "-o", "sheet.png", "--background", "#00ff00")
    sheet = np.asarray(Image.open(here / "sheet.png").convert("RGB"))
    for seed in ("5", "6"):
        impasto("a cat", "--seed", seed, "-o", "one.png", "--background", "#00ff00")
        one = np.asarray(Image.open(here / "one.png").convert("RGB"))
        found = [
            x
            for x in range(sheet.shape[1] - 255)
            if any(
                (sheet[y : y + 256, x : x + 256] == one).all()
                for y in np.flatnonzero((sheet[: sheet.shape[0] - 255, x] == one[0, 0]).all(axis=1))
            )
        ]
        assert len(found) == 1


def test_other_fields_and_formats(impasto: Callable[..., Ran], here: Path) -> None:
    args = ("grid", "a cat", "--x", "words=a red fox,a blue fox", "--y", "sampler", "-o", "sheet.jpg", "-q")
    assert impasto(*args).out == "sheet.jpg\n"
    document = json.loads(impasto("show", "sheet.jpg", "--json").out)["impasto"]
    assert {cell["words"] for cell in document["pictures"]} == {"a red fox", "a blue fox"}
    assert {"euler", "heun", "dpmpp_2m"} <= {cell["sampler"] for cell in document["pictures"]}


def test_seed_alone_is_four_from_the_given_one(impasto: Callable[..., Ran]) -> None:
    impasto("grid", "a cat", "--x", "seed", "--seed", "10", "-o", "sheet.png")
    document = json.loads(impasto("show", "sheet.png", "--json").out)["impasto"]
    assert [cell["seed"] for cell in document["pictures"]] == [10, 11, 12, 13]
