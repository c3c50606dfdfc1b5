"""The commands that only tell: show, styles, settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from impasto.cli import options as o
from impasto.cli.report import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def show(
    file: Annotated[Path, Argument(help="A PNG, WebP, JPEG or SVG.", show_default=False)],
    as_json: Annotated[bool, Option("--json", help="Print one line of JSON.", show_default=False)] = False,
) -> None:
    """Print the parameters that are embedded in a picture, Impasto's and those that A1111 tools read."""
    from impasto.pictures.metadata import read

    found = read(file)
    if as_json:
        say(json.dumps({"impasto": found.document, "parameters": found.parameters}))
        return
    if found.document is not None:
        _table([[key, value] for key, value in _flat(found.document)])
    elif found.parameters is not None:
        say(found.parameters)


def verify(
    file: Annotated[Path, Argument(help="A PNG, WebP or JPEG.", show_default=False)],
    as_json: Annotated[bool, Option("--json", help="Print one line of JSON.", show_default=False)] = False,
) -> None:
    """Tell who made a picture, as far as its file says: signed credentials, embedded parameters. Never "real"."""
    from dataclasses import asdict

    from impasto import local
    from impasto.pictures.reading import check_file

    check_file(file, "file")
    report = local.verify(file.read_bytes())
    if as_json:
        say(json.dumps(asdict(report), ensure_ascii=False))
        return
    say(report.answer)
    for one in report.findings:
        say(f"  {one.how}: {one.says}")
    say(report.unknowable)


def styles(model: o.Model = None) -> None:
    """List the styles of a model."""
    from impasto import local
    from impasto.settings import settings as read

    card = local.registry().find(model or read().model).card
    if not card.styles:
        say(f"{card.model.name} has no styles")
        return
    rows = [[name, style.title, style.sample and f'e.g. "{style.sample}"'] for name, style in card.styles.items()]
    _table([[f"{name} (default)" if name == card.defaults.style else name, *rest] for name, *rest in rows])


def settings() -> None:
    """List every setting with its value, where that comes from, and what it means."""
    from impasto.settings import knobs

    _table([[knob.variable, knob.value or "-", knob.origin, knob.meaning] for knob in knobs()])


def _flat(document: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested keys as dotted names."""
    for key, value in document.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for place, item in enumerate(value, 1):
                yield from _flat(item, f"{prefix}{key}.{place}.")
        else:
            yield f"{prefix}{key}", value if isinstance(value, str) else json.dumps(value)


def _table(rows: Sequence[Sequence[str]]) -> None:
    """Columns lined up with spaces: plain text that a pipe can read too."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
