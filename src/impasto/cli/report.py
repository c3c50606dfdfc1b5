"""What drawing prints: results on standard output, progress on standard error and only where a person watches."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from impasto.core import Picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from impasto.core import Progress


def result(picture: Picture, path: Path, *, as_json: bool, quiet: bool) -> None:
    """One picture's line."""
    if as_json:
        from impasto.pictures.metadata import describe

        say(json.dumps({"path": str(path), "took_s": round(picture.took_s, 4), **describe(picture)}))
    elif quiet:
        say(str(path))
    else:
        drawing = picture.drawing
        size = f"{drawing.width_px}x{drawing.height_px}"
        say(f"{path}  {size}  seed {drawing.seed}  {picture.took_s:.2f} s")


def say(line: str) -> None:
    """A line on standard output, seen at once by whoever reads a pipe."""
    print(line, flush=True)


def watched(events: Iterable[Progress | Picture], count: int, *, quiet: bool) -> Iterator[Picture]:
    """The pictures among the events, with a bar on a terminal while they are made."""
    with _bar(count, shown=not quiet and sys.stderr.isatty()) as show:
        for event in events:
            show(event)
            if isinstance(event, Picture):
                yield event


@contextmanager
def _bar(count: int, *, shown: bool) -> Iterator[Callable[[Progress | Picture], None]]:
    if not shown:
        yield lambda event: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
    bar = Bar(
        *columns,
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        # what is printed meanwhile goes above the bar, but never away from a pipe
        redirect_stdout=sys.stdout.isatty(),
    )
    with bar:
        task = bar.add_task("drawing", total=count)
        parts: dict[int, float] = {}

        def show(event: Progress | Picture) -> None:
            parts[event.index] = 1.0 if isinstance(event, Picture) else event.step / event.steps
            done = sum(part == 1.0 for part in parts.values())
            bar.update(task, completed=sum(parts.values()), description=f"drawing {min(done + 1, count)} of {count}")

        yield show
