"""What is installed: the libraries that are named are those that are imported, and what travels in the wheel."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from impasto.models.registry import installed

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "impasto"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
HEAVY = {"torch", "diffusers", "transformers", "tensorflow", "jax"}
MAKING = ("data", "training", "models/nets")
"""rooms whose libraries come with the extra `train`"""
SERVING = (
    *("accounts", "api", "app.py", "cli/operating.py", "cli/serving.py", "jobs", "ledger", "safety", "storage"),
    *("studio", *(f"workflows/{name}.py" for name in ("desk", "gallery", "housekeeping", "job", "verdicts"))),
)
"""rooms whose libraries come with the extra `serve`"""
MOST_BYTES, FEWEST_STYLES = 64_000_000, 6


def plain(requirement: str) -> str:
    """A requirement's name as packages_distributions() spells it, more or less."""
    return re.split(r"[\[<>=!~ ;]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def imported(path: Path) -> set[str]:
    """Top-level names of the libraries that a file imports to run, in functions too."""
    tree = ast.parse(path.read_text())
    typing_only = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    found = set()
    for node in ast.walk(tree):
        if node not in typing_only and isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        if node not in typing_only and isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"impasto"}


def test_the_base_install_has_nothing_heavy() -> None:
    assert not {plain(one) for one in PROJECT["dependencies"]} & HEAVY


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_every_library_that_is_imported_is_named(path: Path) -> None:
    named = {plain(one) for one in PROJECT["dependencies"]}
    if str(path.relative_to(SOURCE)).startswith(MAKING):
        named |= {plain(one) for one in PROJECT["optional-dependencies"]["train"]}
    elif str(path.relative_to(SOURCE)).startswith(SERVING):
        named |= {plain(one) for one in PROJECT["optional-dependencies"]["serve"]}
    elif re.match(r"torch_", path.name):
        named |= {plain(one) for one in PROJECT["optional-dependencies"]["torch"]}
    known = packages_distributions()
    for name in imported(path):
        assert {plain(one) for one in known[name]} & named, f"{name} is imported, and no requirement brings it"


def test_type_checkers_are_told() -> None:
    assert (SOURCE / "py.typed").is_file()


def test_the_embedded_model_is_small_has_styles_and_names_its_makers() -> None:
    model = installed().find("mini")
    files = [path for path in model.folder.iterdir() if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= MOST_BYTES
    assert {path.suffix for path in files} == {".toml", ".json", ".md", ".onnx", ".safetensors"}, "no pickle"
    assert {path.name for path in files} == {*model.card.files, "card.toml"}, "every file has its hash in the card"
    assert len(model.card.styles) >= FEWEST_STYLES
    attribution = model.file("ATTRIBUTION.md").read_text()
    assert all(f"| {style} |" in attribution for style in model.card.styles)
