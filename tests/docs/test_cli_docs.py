"""docs/cli.md tells of every command, option and setting, and of none that does not exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer
from typer.core import TyperGroup, TyperOption

from impasto.cli.main import app
from impasto.engine import samplers
from impasto.engine.sigmas import CURVES
from impasto.settings import Settings, variable
from impasto.workflows.grid import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
SHARED = {"-h", "--help"}


def commands(group: TyperGroup, prefix: str = "") -> Iterator[tuple[str, set[str]]]:
    """Every command's whole name and its options."""
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from commands(command, f"{prefix}{name} ")
        else:
            options = [param for param in command.params if isinstance(param, TyperOption)]
            yield f"{prefix}{name}", {opt for option in options for opt in [*option.opts, *option.secondary_opts]}


def sections() -> dict[str, str]:
    parts = re.split(r"^## (.+)$", TEXT, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def root() -> TyperGroup:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return group


def test_every_command_has_a_section_that_names_its_options() -> None:
    said = {re.sub(r"impasto | [A-Z]+$", "", heading): text for heading, text in sections().items()}
    for name, options in commands(root()):
        assert name in said, f"docs/cli.md has no section for `impasto {name}`"
        text = said[name] + (said["draw"] if name == "grid" else "")
        for option in options - SHARED:
            assert re.search(rf"`{re.escape(option)}[` ]", text), f"`impasto {name}` has {option}, docs/cli.md does not"


def test_options_of_the_program_itself() -> None:
    for param in root().params:
        assert all(f"`{opt}`" in sections()["impasto itself"] for opt in param.opts), param.opts


def test_every_setting_is_told_with_its_default() -> None:
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f" `{field.default}`"
        if field.default_factory is not None:  # another one on each system
            default = " the system's place for data"
        assert f"| `{variable(name)}` |{default} |" in sections()["impasto settings"]
        assert field.description


@pytest.mark.parametrize(("option", "names"), [("--sampler", samplers.NAMES), ("--sigmas", tuple(CURVES))])
def test_every_sampler_and_curve_is_told_and_no_other(option: str, names: tuple[str, ...]) -> None:
    (row,) = re.findall(rf"^\| `{option}` \|(.*)\|$", sections()["impasto draw WORDS"], re.MULTILINE)
    assert sorted(re.findall(r"`(\w+)`", row)) == sorted(names)


def test_every_field_a_grid_may_vary_is_told_in_the_docs_and_in_its_help() -> None:
    grid = root().commands["grid"]
    assert grid.help is not None
    for text in (sections()["impasto grid WORDS"], grid.help):
        assert [field for field in KINDS if field not in text] == []


def test_nothing_is_told_that_does_not_exist() -> None:
    names = {name for name, _ in commands(root())}
    headings = {re.sub(r" [A-Z]+$", "", h).removeprefix("impasto ") for h in sections() if h.startswith("impasto ")}
    assert headings - {"itself"} == names
    known = {opt for _, options in commands(root()) for opt in options} | {o for p in root().params for o in p.opts}
    assert set(re.findall(r"`(--?[a-z][a-z-]*)", TEXT)) <= known | SHARED
    assert set(re.findall(r"IMPASTO_[A-Z_]+", TEXT)) == {variable(name) for name in Settings.model_fields}
