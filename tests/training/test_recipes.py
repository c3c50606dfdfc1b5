"""The recipes of this repository are what the code reads, down to the stages' settings and the nets' sizes."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from impasto.core import Invalid
from impasto.data.recipe import load_recipe
from impasto.training.recipe import load, parse

ROOT = Path(__file__).parents[2]
RUNS = sorted(path for path in (ROOT / "recipes").glob("*/*.toml") if "\n[run]\n" in f"\n{path.read_text()}")


@pytest.mark.parametrize("path", sorted((ROOT / "recipes" / "data").glob("*.toml")), ids=lambda path: path.stem)
def test_a_data_recipe_is_read(path: Path) -> None:
    recipe = load_recipe(path)
    assert recipe.filters.opted_out is None or (path.parent / recipe.filters.opted_out).is_file()
    assert not any(licence.startswith(("CC-BY-SA", "CC-BY-NC", "GPL")) for licence in recipe.filters.licences)


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.stem)
def test_a_training_recipe_is_read_with_its_stage(path: Path) -> None:
    recipe = load(path)
    settings = parse(
        import_module(f"impasto.training.{recipe.run.stage}").Settings, recipe.stage, where=f"[stage] of {path}"
    )
    for name in ("autoencoder", "words", "card", "painter"):
        named = getattr(settings, name, None)
        assert named is None or (ROOT / named).is_file(), f"{path} names {named}"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("run.pictures", 0),
        ("run.pictures", 1e6),
        ("run.batch", "4"),
        ("run.threads", 0),
        ("run.log_every", 0),
        ("run.sheet_every", 0),
        ("run.stage", "lora"),
        ("optim.rate", 0),
        ("optim.ema", []),
        ("optim.ema", [1.5]),
        ("optim.rat", 1e-3),
    ],
)
def test_what_breaks_a_rule_is_refused_by_key(key: str, value: object) -> None:
    with pytest.raises(Invalid) as refused:
        load(ROOT / "recipes/mini/autoencoder.toml", {key: value})
    assert refused.value.field.startswith(key)
