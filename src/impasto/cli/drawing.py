"""The commands that draw: draw, vary, again, grid. They turn options into requests, pictures into files and lines."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from impasto.cli import options as o
from impasto.cli import report
from impasto.core import ImageRequest, Invalid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from impasto.core import Picture, Progress
    from impasto.pictures.files import Destination

STDIN = "-"


def draw(
    words: o.Words = None,
    output: o.Output = None,
    count: o.Count = 1,
    seed: o.Seed = None,
    style: o.Style = None,
    size: o.Size = None,
    steps: o.Steps = None,
    guidance: o.Guidance = None,
    negative: o.Negative = "",
    sampler: o.Sampler = None,
    sigmas: o.Sigmas = None,
    background: o.Background = "transparent",
    init: o.Init = None,
    mask: o.Mask = None,
    strength: o.Strength = None,
    model: o.Model = None,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Draw words as pictures. This is what `impasto "a red fox"` does."""
    from impasto import local

    request = _request(
        words,
        negative=negative,
        model=model,
        style=style,
        size=size,
        steps=steps,
        guidance=guidance,
        sampler=sampler,
        sigmas=sigmas,
        seed=seed,
        count=count,
        background=background,
        init=init,
        mask=mask,
        strength=strength,
    )
    destination = _destination(output)
    _keep(local.events(request), destination, count, as_json=as_json, quiet=quiet)


def vary(
    file: Annotated[Path, Argument(help="A picture; PNG, WebP or JPEG.", show_default=False)],
    words: Annotated[
        list[str] | None,
        Argument(metavar="[WORDS]", help="What to draw instead of its own words.", show_default=False),
    ] = None,
    output: o.Output = None,
    count: Annotated[
        int | None, Option("-n", "--count", help="How many pictures; 4 if left out.", rich_help_panel=o.DRAWING)
    ] = None,
    strength: o.Strength = None,
    seed: o.Seed = None,
    style: o.Style = None,
    size: o.Size = None,
    steps: o.Steps = None,
    guidance: o.Guidance = None,
    negative: Annotated[
        str | None, Option("--negative", help="Words for what to keep out.", rich_help_panel=o.DRAWING)
    ] = None,
    sampler: o.Sampler = None,
    sigmas: o.Sigmas = None,
    background: Annotated[
        str | None, Option("--background", help="transparent, or a colour as #rrggbb.", rich_help_panel=o.DRAWING)
    ] = None,
    mask: o.Mask = None,
    model: o.Model = None,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Draw pictures like one there is: its own words and style if Impasto drew it, and any others if you say so."""
    from impasto import local

    request = local.variation_of(
        file,
        words=_read_words(words) if words else None,
        negative=negative,
        model=model,
        style=style,
        size_px=o.size_of(size),
        steps=steps,
        guidance=guidance,
        sampler=sampler,
        sigmas=sigmas,
        seed=seed,
        count=count,
        background=background,
        strength=strength,
        mask=mask,
    )
    destination = _destination(output)
    _keep(local.events(request), destination, request.count, as_json=as_json, quiet=quiet)


def again(
    file: Annotated[Path, Argument(help="A picture that Impasto drew.", show_default=False)],
    output: o.Output = None,
    init: Annotated[Path | None, Option("--init", help="The picture it was drawn from, if from one.")] = None,
    mask: Annotated[Path | None, Option("--mask", help="The mask it was drawn with, if with one.")] = None,
    model: Annotated[
        str | None,
        Option("--model", help="Draw with this model even if another one drew it.", autocompletion=o.complete_models),
    ] = None,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Draw a picture a second time from what is embedded in it, bit for bit the same on the same machine."""
    from impasto import local
    from impasto.pictures.metadata import read, request_of
    from impasto.workflows import generate

    document = read(file).document
    if document is None:
        raise Invalid("file", f"{file} carries A1111's parameters but not Impasto's, which drawing again needs")
    recorded = request_of(document)
    installed = local.registry().find(model or recorded.model.name)
    destination = _destination(output)
    events = generate.again(
        replace(recorded, model=installed.ref) if model else recorded,
        **_pictures(init, mask),
        card=installed.card,
        model=installed.ref,
        engine=lambda: local.engine_of(installed),
    )
    _keep(events, destination, 1, as_json=as_json, quiet=quiet)


def grid(
    words: o.Words = None,
    x: Annotated[str, Option("--x", help="What changes from column to column: style, or steps=10,20,30.")] = "style",
    y: Annotated[str | None, Option("--y", help="What changes from row to row.")] = None,
    output: o.Output = None,
    seed: o.Seed = None,
    style: o.Style = None,
    size: o.Size = None,
    steps: o.Steps = None,
    guidance: o.Guidance = None,
    negative: o.Negative = "",
    sampler: o.Sampler = None,
    sigmas: o.Sigmas = None,
    background: o.Background = "transparent",
    init: o.Init = None,
    mask: o.Mask = None,
    strength: o.Strength = None,
    model: o.Model = None,
    quiet: o.Quiet = False,
) -> None:
    """Draw a labelled contact sheet over one or two varied fields, all with the same seed.

    Fields: style, steps, guidance, sampler, sigmas, seed, words, negative, background, strength. A style, sampler,
    sigmas or seed without values takes all there are (four seeds).
    """
    from impasto import local
    from impasto.pictures import names
    from impasto.settings import settings
    from impasto.workflows import grid as sheets
    from impasto.workflows.generate import seeded

    request = seeded(
        _request(
            words,
            negative=negative,
            model=model,
            style=style,
            size=size,
            steps=steps,
            guidance=guidance,
            sampler=sampler,
            sigmas=sigmas,
            seed=seed,
            background=background,
            init=init,
            mask=mask,
            strength=strength,
        )
    )
    installed, wildcards = local.registry().find(request.model), settings().wildcards_folder
    destination = _destination(output)
    sheet = sheets.plan(request, x, y, card=installed.card, engine=local.engine_of(installed))
    events = sheets.draw(sheet, card=installed.card, engine=local.engine_of(installed), wildcards=wildcards)
    pictures = list(report.watched(events, len(sheet.requests), quiet=quiet))
    stem = f"{names.slug(request.words)}-grid-{request.seed}"
    path = destination.write(sheets.lay_out(sheet, pictures, destination.ending), stem)
    report.say(str(path) if quiet else f"{path}  {len(pictures)} pictures  seed {request.seed}")


def _request(
    words: list[str] | None,
    *,
    model: str | None,
    size: str | None,
    init: Path | None,
    mask: Path | None,
    **fields: Any,
) -> ImageRequest:
    from impasto.settings import settings

    return ImageRequest(
        words=_read_words(words),
        model=model or settings().model,
        size_px=o.size_of(size),
        **_pictures(init, mask),
        **fields,
    )


def _pictures(init: Path | None, mask: Path | None) -> dict[str, Any]:
    """The pictures to start from, read only where one is named."""
    if init is None and mask is None:
        return {}
    from impasto.pictures.reading import read_init, read_mask

    return {"init": init and read_init(init), "mask": mask and read_mask(mask)}


def _read_words(words: list[str] | None) -> str:
    """Several arguments are one line of words; a single - is standard input."""
    if words != [STDIN]:
        return " ".join(words or [])
    try:
        return sys.stdin.read()
    except UnicodeDecodeError as error:
        raise Invalid("words", f"standard input is not text: {error.reason}") from error


def _destination(output: str | None) -> Destination:
    from impasto.pictures.files import Destination
    from impasto.settings import settings, variable

    if output is None:
        return Destination.parse(f"{settings().output_folder}/", field=variable("output_folder"))
    return Destination.parse(output)


def _keep(
    events: Iterable[Progress | Picture], destination: Destination, count: int, *, as_json: bool, quiet: bool
) -> None:
    """Writes each picture as it comes, so that a stop loses only what was not finished."""
    from impasto.pictures.save import put

    for picture in report.watched(events, count, quiet=quiet or as_json):
        path = put(picture, destination, picture.index + 1 if count > 1 else None)
        report.result(picture, path, as_json=as_json, quiet=quiet)
