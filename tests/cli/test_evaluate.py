"""`impasto evaluate`: what its options ask for, and where the results go."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("torch")

from impasto.models.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the command asks of the evaluation, which finds one number at once."""
    given: dict[str, Any] = {}

    def measure(installed: Any, engine: Any, **rest: Any) -> dict[str, Any]:
        given.update(rest)
        return {"measured": {"held_out_top5": 0.5}}

    monkeypatch.setattr("impasto.training.evaluate.evaluate", measure)
    return given


@pytest.mark.parametrize(
    ("options", "parts", "way"),
    [
        ("", ["pictures"], None),
        ("--languages --texts --concepts 20", ["languages", "texts"], None),
        ("--probes --composed", ["probes", "composed"], None),
        ("--steps 30 --guidance 2.5", [], "30 steps of euler, guidance 2.5"),
        ("--probes --sampler heun", ["probes"], "4 steps of heun, guidance 2"),
    ],
)
def test_options_say_what_is_measured_and_what_it_is_held_against(
    impasto: Callable[..., Any],
    asked: dict[str, Any],
    tiny_model: Path,
    options: str,
    parts: list[str],
    way: str | None,
) -> None:
    done = impasto("evaluate", "tiny", *options.split())
    assert done.code == 0, done.err
    assert asked["parts"] == parts
    assert asked["concepts"] == (20 if "--concepts" in options else 300)
    assert (asked["other"] and asked["other"].way) == way
    card = Registry([tiny_model.parent]).check("tiny").card
    assert card.results == {"notes": "made in a test", "measured": {"held_out_top5": 0.5}}


def test_a_model_can_be_held_against_one_of_another_folder(
    impasto: Callable[..., Any], asked: dict[str, Any], tiny_model: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(tiny_model, tmp_path / "teacher" / "tiny") / "card.toml"
    other.write_text(other.read_text().replace("steps = 4", "steps = 9"))
    assert impasto("evaluate", "tiny", "--against", str(tmp_path / "teacher")).code == 0
    assert asked["other"].way == "9 steps of euler, guidance 2"
    assert asked["parts"] == []


def test_a_model_that_is_not_there_is_refused(
    impasto: Callable[..., Any], asked: dict[str, Any], tmp_path: Path
) -> None:
    refused = impasto("evaluate", "tiny", "--against", str(tmp_path / "nowhere"))
    assert refused.code == 2
    assert "there is no 'tiny'" in refused.err
    assert not asked
