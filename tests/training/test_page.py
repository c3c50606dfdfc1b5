"""The page of a model says what its card and the logs of its runs say; the script that makes Mini is whole."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from tests.training.conftest import RUN

from impasto.core import Invalid
from impasto.models.registry import Registry
from impasto.training.page import columns_of, page, runs_of, tables
from impasto.training.plots import curves
from impasto.training.recipe import load

ROOT = Path(__file__).parents[2]
MINI = ROOT / "recipes" / "mini"
RESULTS = """
[results.measured]
held_out_top5 = 0.7312
halo = 3.25
[results.languages]
concepts = 300
median_share_of_english = 0.912
[results.languages.each.zh]
top5 = 0.61
median_rank = 3.0
[results.languages.each.en]
top5 = 0.72
median_rank = 2.0
[results.against]
model = "m 1"
way = "30 steps"
default_way = "4 steps"
[results.against.other]
held_out_top5 = 0.75
[results.against.ratio]
held_out_top5 = 0.975
"""


@pytest.fixture
def made(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch):
    """A model, one run with a log, one without, and a page.md that names everything."""
    monkeypatch.chdir(tmp_path)
    for name in ("first", "second"):
        (tmp_path / f"{name}.toml").write_text(
            RUN.format(stage="words", out=tmp_path / name, data=tmp_path / "data", pictures=90)
        )
    (tmp_path / "run.sh").write_text("impasto train first.toml\nimpasto train second.toml\n")
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "log.csv").write_text(
        "seen,loss,core_hours\n10,3,0.1\n20,2,0.2\n30,9,0.3\n20,1.5,0.25\n40,1,0.5\n"
    )
    (tmp_path / "sheets").mkdir()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "sheets" / "common.png")
    card = tiny_model / "card.toml"
    text = card.read_text().replace('notes = "made in a test"', RESULTS)
    card.write_text(text.replace('licence = "Apache-2.0"', 'licence = "Apache-2.0"\nrecipe = "second.toml"'))
    installed = Registry([tiny_model.parent]).find("tiny")
    names = [*tables(installed, runs_of(tmp_path)), "curves", "sheets"]
    (tmp_path / "page.md").write_text("\n\n".join(f"{name}:\n\n${name}" for name in names))
    return SimpleNamespace(model=installed, folder=tmp_path, names=names)


def test_what_a_page_says_is_in_the_card_and_the_logs(made):
    out = made.folder / "docs.md"
    text = page(made.model, out, sheets=made.folder / "sheets")
    assert out.read_text() == text
    assert "| held out top5 | 73.1% |" in text
    assert "| halo | 3.25 |" in text
    assert "| median share of english | 91.2% |" in text
    assert text.index("| English | 72.0% | 2 |") < text.index("| Chinese | 61.0% | 3 |")
    assert "The default (4 steps) against m 1 with 30 steps." in text
    assert "| held out top5 | 75.0% | 0.975 |" in text
    assert "| first | 40 | 90 | 0.50 |" in text
    assert "| second | not run here |" in text
    assert "probes:\n\nNot measured." in text
    assert {path.name for path in (made.folder / "docs").iterdir()} == {"first.svg", "common.webp"}
    for link in re.findall(r"\]\((.+?)\)", text):
        assert (made.folder / link).is_file(), link


def test_a_page_that_is_only_printed_writes_nothing(made):
    before = sorted(made.folder.rglob("*"))
    assert "73.1%" in page(made.model, sheets=made.folder / "sheets")
    assert sorted(made.folder.rglob("*")) == before


def test_rows_that_a_resumed_run_wrote_again_count_once(made):
    assert columns_of(made.folder / "first")["loss"] == [(10, 3), (20, 1.5), (40, 1)]
    assert columns_of(made.folder / "second") == {}


def test_a_page_refuses_what_it_cannot_fill(made):
    (made.folder / "page.md").write_text("$nonsense")
    with pytest.raises(Invalid, match=r"nonsense.*results"):
        page(made.model)
    (made.folder / "page.md").unlink()
    with pytest.raises(Invalid, match=r"page\.md"):
        page(made.model)


def test_curves_stay_in_their_boxes():
    tree = ElementTree.fromstring(
        curves({"loss <a>": [(1, 5.0), (2, 1.0), (3, 3.0)], "flat": [(1, 2), (2, 2)], "one": [(1, 1)]})
    )
    svg = "{http://www.w3.org/2000/svg}"
    assert [text.text for text in tree.iter(f"{svg}text") if text.get("class") == "name"] == ["loss <a>", "flat"]
    for path in tree.iter(f"{svg}path"):
        numbers = [tuple(map(float, point.split())) for point in path.get("d")[1:].split("L")]
        assert all(0 <= x <= 290 and 20 <= y <= 120 for x, y in numbers)
    first = next(tree.iter(f"{svg}path")).get("d")
    assert first == "M0.0 20.0L145.0 120.0L290.0 70.0"


def test_the_script_makes_mini_by_every_recipe_and_no_other():
    script = (MINI / "run.sh").read_text()
    named = re.findall(r"(recipes/\S+\.toml)", script)
    assert all((ROOT / path).is_file() for path in named), named
    trained = re.findall(r"^impasto train recipes/mini/(\S+)$", script, re.MULTILINE)
    recipes = {path.name for path in MINI.glob("*.toml") if re.search(r"^\[run\]", path.read_text(), re.MULTILINE)}
    assert sorted(trained) == sorted(recipes), "recipes/mini/run.sh must run each training recipe once"


def test_the_script_says_nothing_that_the_command_line_does_not_know():
    from tests.docs.test_cli_docs import commands, root

    known = dict(commands(root()))
    for line in re.findall(r"^(?:\[.+\|\| )?impasto (.+)$", (MINI / "run.sh").read_text(), re.MULTILINE):
        name = next(name for name in known if line.startswith(name))
        assert set(re.findall(r"(?<!\S)(--?[a-z]+)", line)) <= known[name], line


def test_a_recipe_starts_from_what_an_earlier_one_leaves():
    """Folders under runs/ that a recipe reads are written by a recipe, or copied by the script, before it."""
    script, written = (MINI / "run.sh").read_text(), set()
    for line in script.splitlines():
        if copied := re.search(r"cp -r \S+ (runs/\S+)", line):
            written.add(copied[1])
        if found := re.match(r"impasto train (\S+)", line):
            recipe = load(ROOT / found[1])
            read = {str(v) for v in recipe.stage.values() if isinstance(v, str) and v.startswith("runs/")}
            own = str(recipe.run.out)
            for path in read:
                assert any(path.startswith(folder) for folder in {*written, own}), f"{found[1]} reads {path} too early"
            written.add(own)


def test_minis_page_names_only_what_there_is(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    text = page(Registry([ROOT / "weights"]).find("mini"))
    assert text.startswith("<!-- Written by `impasto card`")
    assert "$" not in text
