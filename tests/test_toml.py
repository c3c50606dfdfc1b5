"""Recipes are read strictly: what is wrong is refused by name, and nothing is made to fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from impasto.core import Invalid
from impasto.toml import Strict, parse, read


class Inner(Strict):
    size_px: int
    share: float = 0.5


class Outer(Strict):
    name: str
    sides: tuple[int, int] = (1, 1)
    folder: Path = Path()
    inner: Inner


WHOLE = {"name": "x", "inner": {"size_px": 3}}


def test_what_is_right_is_read_and_defaults_are_filled_in() -> None:
    found = parse(Outer, {**WHOLE, "sides": [2, 3], "folder": "a/b", "inner": {"size_px": 3, "share": 1}}, where="x")
    assert found == Outer(name="x", sides=(2, 3), folder=Path("a/b"), inner=Inner(size_px=3, share=1.0))


@pytest.mark.parametrize(
    ("table", "field"),
    [
        ({**WHOLE, "colour": "red"}, "colour"),
        ({**WHOLE, "inner": {"size_px": 3, "shape": 1}}, "inner.shape"),
        ({**WHOLE, "inner": {"size_px": 3.0}}, "inner.size_px"),
        ({**WHOLE, "inner": {"size_px": "3"}}, "inner.size_px"),
        ({**WHOLE, "inner": {"size_px": True}}, "inner.size_px"),
        ({**WHOLE, "inner": {"size_px": 3, "share": float("nan")}}, "inner.share"),
        ({**WHOLE, "name": 3}, "name"),
        ({**WHOLE, "sides": [1]}, "sides.1"),
        ({"name": "x"}, "inner"),
    ],
)
def test_what_is_wrong_is_refused_by_name_and_file(table: dict, field: str) -> None:
    with pytest.raises(Invalid, match=r"\(in some\.toml\)") as refused:
        parse(Outer, table, where="some.toml")
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("content", "says"), [(b"a = ", "is not TOML"), (b"\xff", "is not TOML"), (None, "there is no file")]
)
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes | None, says: str) -> None:
    path = tmp_path / "x.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Invalid, match=f"^recipe: .*{says}"):
        read(path, "recipe")
    with pytest.raises(Invalid, match=r"^recipe: .*cannot be read"):
        read(tmp_path, "recipe")
