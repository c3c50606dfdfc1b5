"""The commands that make models: data build, train, evaluate. Their libraries come with the extra `train`."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option, Typer

from impasto.cli import options as o
from impasto.cli.report import say
from impasto.core import Invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

data = Typer(help="Build data sets.", no_args_is_help=True, rich_markup_mode="rich")

Recipe = Annotated[Path, Argument(help="A recipe in TOML.", show_default=False)]


@data.callback()
def _data() -> None:
    """Keeps `build` a command of its own while it is the only one."""


@data.command()
def build(
    recipe: Recipe,
    out: Annotated[
        Path | None, Option("-o", "--output", help="The folder to build; named after the recipe if left out.")
    ] = None,
    workers: Annotated[int | None, Option("--workers", min=1, help="Processes; one a core if left out.")] = None,
) -> None:
    """Build a data set from a recipe, in the open: what is kept, what is dropped and why, and whom to credit."""
    _check_recipe(recipe)
    with _needs("train"):
        from impasto.data.build import build as run

        with _stages() as progress:
            report = run(recipe, out, progress=progress, workers=workers)
    say(f"{report.folder}  {report.pictures} pictures of {report.concepts} concepts, {report.held_out} held out")
    for heading, counts in (("kept", report.by_style), ("dropped", report.dropped)):
        for name, count in sorted(counts.items(), key=lambda item: -item[1]):
            say(f"  {heading} {count:6d}  {name}")


def train(
    recipe: Recipe,
    device: Annotated[str, Option("--device", help="auto, cpu or cuda.")] = "auto",
    resume: Annotated[bool, Option("--resume/--fresh", help="Go on from the last checkpoint, or start over.")] = True,
) -> None:
    """Run one training recipe to its end; it can be stopped at any moment and goes on where it was."""
    _check_recipe(recipe)
    with _needs("train"):
        from impasto.training.run import train as run

        say(str(run(recipe, resume=resume, device=device)))


def evaluate(
    model: Annotated[str, Argument(help="A model's name.", autocompletion=o.complete_models)] = "mini",
    languages: Annotated[
        bool, Option("--languages", help="Draw the same concepts by their names in each language.", show_default=False)
    ] = False,
    texts: Annotated[
        bool, Option("--texts", help="Ask the text encoder alone which name is nearest: seconds.", show_default=False)
    ] = False,
    probes: Annotated[
        bool, Option("--probes", help="Draw synonyms, plurals and looks that are no names.", show_default=False)
    ] = False,
    composed: Annotated[
        bool, Option("--composed", help="Draw composed prompts: counted, coloured, placed.", show_default=False)
    ] = False,
    concepts: Annotated[int, Option("--concepts", min=1, help="How many concepts a language is measured by.")] = 300,
    steps: Annotated[int | None, Option("--steps", help="Compare: draw with as many steps too.")] = None,
    guidance: Annotated[float | None, Option("--guidance", help="Compare: draw with this guidance too.")] = None,
    sampler: Annotated[
        str | None,
        Option("--sampler", help="Compare: draw with this sampler too.", autocompletion=o.complete_samplers),
    ] = None,
    against: Annotated[
        Path | None, Option("--against", help="Compare: a folder of models, whose model of the same name draws too.")
    ] = None,
) -> None:
    """Measure a model and write the results into its card: on pictures it never saw, unless an option says on what."""
    from impasto import local
    from impasto.models.registry import Registry

    installed = local.registry().find(model)
    other = Registry([against]).find(model) if against else installed
    asked = {"languages": languages, "texts": texts, "probes": probes, "composed": composed}
    comparing = against is not None or (steps, guidance, sampler) != (None, None, None)
    parts = [part for part, wanted in asked.items() if wanted] or ([] if comparing else ["pictures"])
    with _needs("train"):
        from impasto.training.artist import Artist
        from impasto.training.evaluate import evaluate as run
        from impasto.training.evaluate import into_card

        rival = Artist(engine=local.engine_of(other), card=other.card, steps=steps, guidance=guidance, sampler=sampler)
        with _stages() as progress:
            results = run(
                installed,
                local.engine_of(installed),
                parts=parts,
                other=rival if comparing else None,
                concepts=concepts,
                say=say,
                progress=progress,
            )
    into_card(installed.folder, results)


def card(
    model: Annotated[str, Argument(help="A model's name.", autocompletion=o.complete_models)] = "mini",
    out: Annotated[
        Path | None, Option("-o", "--output", help="A Markdown file; its pictures go into a folder beside it.")
    ] = None,
) -> None:
    """Write the page of a model from its card, its recipes and the logs of its runs; without --output, print it."""
    from impasto import local

    installed = local.registry().find(model)
    with _needs("train"):
        from impasto.training.page import page

        text = page(installed, out)
    say(str(out) if out else text)


@contextmanager
def _stages() -> Iterator[Callable[[str, int, int], None] | None]:
    """A bar for each stage of the work, on a terminal only."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, redirect_stdout=False) as bar:
        tasks: dict[str, Any] = {}

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage)
            bar.update(tasks[stage], completed=done, total=total)

        yield tell


def _check_recipe(recipe: Path) -> None:
    if not recipe.is_file():
        raise Invalid("recipe", f"there is no file {recipe}")


@contextmanager
def _needs(extra: str) -> Iterator[None]:
    """Turns a missing library into the one line that says how to get it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "impasto":
            raise
        raise Invalid(error.name, f'is not installed; pip install "impasto[{extra}]" brings it') from error
