"""docs/journey.md is true to the code at least in its names."""

from __future__ import annotations

import re
from importlib import import_module
from operator import attrgetter
from pathlib import Path

import pytest

TEXT = (Path(__file__).parents[2] / "docs" / "journey.md").read_text()
ROOMS = "cli|core|engine|local|models|pictures|workflows"
NAMES = sorted(set(re.findall(rf"`((?:{ROOMS})\.[\w.]+)`", TEXT)))


def find(name: str) -> object:
    parts = name.split(".")
    for size in range(len(parts) - 1, 0, -1):
        try:
            module = import_module(".".join(["impasto", *parts[:size]]))
        except ModuleNotFoundError:
            continue
        return attrgetter(".".join(parts[size:]))(module)
    raise AssertionError(f"no module in {name}")


@pytest.mark.parametrize("name", NAMES)
def test_every_name_in_the_journey_exists(name: str) -> None:
    assert find(name) is not None


def test_the_journey_is_numbered_and_names_the_road() -> None:
    assert [int(number) for number in re.findall(r"^(\d+)\. ", TEXT, re.MULTILINE)] == list(range(1, 11))
    assert len(NAMES) > 20
