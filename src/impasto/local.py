"""The composition root for one person on one machine: settings, models and an engine put together, for Python and
for the command line."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from impasto.core import ImageRequest, Picture
from impasto.settings import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from impasto.core import Progress
    from impasto.models.registry import InstalledModel, Registry
    from impasto.ports import Engine


def registry() -> Registry:
    """The models of this machine: the person's folder first, then the embedded one."""
    from impasto.models.registry import installed

    return installed(settings().models_folder)


def engine_of(model: InstalledModel) -> Engine:
    """The engine that runs a model, opened the first time it is asked for. Raises Damaged."""
    return _engine(model.folder, model.ref.sha256, settings().threads)


@cache
def _engine(folder: Path, sha256: str, threads: int) -> Engine:
    from impasto.engine.engine import open_engine
    from impasto.models.registry import load

    return open_engine(load(folder), threads=threads or None)


def events(request: ImageRequest) -> Iterator[Progress | Picture]:
    """What happens as a request is drawn here. Raises Invalid, Unknown, Damaged."""
    from impasto.workflows.generate import generate

    model = registry().find(request.model)
    wildcards = settings().wildcards_folder
    return generate(request, card=model.card, engine=lambda: engine_of(model), wildcards=wildcards)


def draw(
    words: str,
    *,
    negative: str = "",
    model: str | None = None,
    style: str | None = None,
    size_px: tuple[int, int] | None = None,
    steps: int | None = None,
    guidance: float | None = None,
    sampler: str | None = None,
    sigmas: str | None = None,
    seed: int | None = None,
    count: int = 1,
    background: str = "transparent",
    on_progress: Callable[[Progress], None] | None = None,
) -> list[Picture]:
    """Draws `count` pictures of `words` and returns them in order; None means the model's default.

    size_px is (width, height), seed 0 to 2**32 - 1 (picture i has seed + i; None draws one), background "transparent"
    or "#rrggbb". `on_progress` is called after every step. Raises core.Invalid or core.Unknown naming the argument
    that breaks a rule, core.Damaged if the model's files are not what its card says, core.Failed if a picture could
    not be made.
    """
    request = ImageRequest(
        words=words,
        negative=negative,
        model=model or settings().model,
        style=style,
        size_px=size_px,
        steps=steps,
        guidance=guidance,
        sampler=sampler,
        sigmas=sigmas,
        seed=seed,
        count=count,
        background=background,
    )
    pictures = []
    for event in events(request):
        if isinstance(event, Picture):
            pictures.append(event)
        elif on_progress is not None:
            on_progress(event)
    return sorted(pictures, key=lambda picture: picture.index)
