"""The composition root for one person on one machine: settings, models and an engine put together, for Python and
for the command line."""

from __future__ import annotations

import os
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.core import ImageRequest, Picture
from impasto.settings import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from impasto.core import Progress
    from impasto.models.loras import InstalledLora, Loras
    from impasto.models.registry import InstalledModel, Registry
    from impasto.pictures.reading import Source
    from impasto.ports import Engine
    from impasto.safety.verify import Report


def registry() -> Registry:
    """The models of this machine: the person's folder first, then the embedded one."""
    from impasto.models.registry import installed

    return installed(models_folder())


def models_folder() -> Path:
    """Where the person's own models are, and where they are added."""
    return settings().models_folder or settings().data_folder / "models"


def add_model(
    source: str | Path,
    name: str | None = None,
    *,
    licence: str = "unknown",
    like: str | None = None,
    prediction: str | None = None,
) -> InstalledModel:
    """Adds someone else's checkpoint to the person's models: a folder as diffusers keeps it, one safetensors file in
    its makers' layout, or the address of a repository, which alone is fetched.

    `like` names an installed model that lends the parts a file lacks; `prediction`, "epsilon" or "v", is for a source
    that is silent or wrong about it. Raises Invalid, Unknown, Clash or Damaged naming what is wrong.
    """
    from contextlib import ExitStack
    from tempfile import TemporaryDirectory

    from impasto.models import hub, importing

    folder, into = Path(source).expanduser(), models_folder()
    name, said = name or importing.called(str(source)), f"Added from {folder.name}."
    importing.check_new(into, name)
    with ExitStack() as stack:
        if hub.is_address(str(source)):
            folder = hub.fetch(str(source))
        elif not folder.is_dir():
            importing.check_file(folder)
            from impasto.engine.runtimes.torch_single import take_apart

            # on the same disk as the models, so that nothing is copied
            scratch = stack.enter_context(TemporaryDirectory(dir=into, prefix=".apart-"))
            lender = None if like is None else registry().find(like)
            folder = take_apart(folder, Path(scratch) / "parts", like=lender)
        return importing.add(
            folder, into, name, licence=licence, description=said, prediction=prediction, finish=_finish()
        )


def loras() -> Loras:
    """The person's LoRAs: `loras` among their models."""
    from impasto.models.loras import Loras

    return Loras(models_folder() / "loras")


def add_lora(source: str | Path, name: str | None = None, *, licence: str = "unknown") -> InstalledLora:
    """Adds a LoRA, one safetensors file, which words then ask for as `<lora:NAME:WEIGHT>`. Raises Invalid, Clash or
    Damaged naming what is wrong."""
    from impasto.models import importing

    return loras().add(Path(source).expanduser(), name or importing.called(str(source)), licence=licence)


def _finish() -> Callable[[Path], dict[str, Any]] | None:
    """What takes the libraries that run checkpoints, where they are installed."""
    from importlib.util import find_spec

    from impasto.engine.adding import finish

    return finish if find_spec("diffusers") and find_spec("transformers") and find_spec("torch") else None


def engine_of(model: InstalledModel) -> Engine:
    """The engine that runs a model, opened the first time it is asked for. Raises Damaged."""
    return _engine(model.folder, model.ref.sha256, settings().threads)


@cache
def _engine(folder: Path, sha256: str, threads: int) -> Engine:
    from impasto.engine.engine import open_engine
    from impasto.models.registry import load

    return open_engine(load(folder), threads=threads or None, loras=loras().find)


def verify(content: bytes) -> Report:
    """What a picture's file says of who made it. Signatures are read where `impasto[serve]` is installed; those of this
    machine's own server are trusted. Raises Invalid for what is no PNG, JPEG or WebP."""
    from importlib.util import find_spec

    from impasto.safety import credentials
    from impasto.safety.verify import verify as verified

    root = settings().data_folder / "credentials" / credentials.ROOT
    trusted = [root.read_bytes()] if root.is_file() else []
    reads = partial(credentials.read, trusted=trusted) if find_spec("c2pa") else None
    return verified(content, reads)


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
    init: Source | None = None,
    mask: Source | None = None,
    strength: float | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> list[Picture]:
    """Draws `count` pictures of `words` and returns them in order; None means the model's default.

    size_px is (width, height), seed 0 to 2**32 - 1 (picture i has seed + i; None draws one), background "transparent"
    or "#rrggbb". `init` is a picture to start from, of any size: a path, the bytes of a file, a Pillow image or a
    Picture. `strength`, above 0 to 1, is how far to go from it (None: 0.75, with a mask 1). `mask`, of the init's size,
    is what may change: white, or transparent where it has transparency. `on_progress` is called after every step.

    Raises core.Invalid or core.Unknown naming the argument that breaks a rule, core.Damaged if the model's files are
    not what its card says, core.Failed if a picture could not be made.
    """
    from impasto.pictures.reading import read_init, read_mask

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
        init=None if init is None else read_init(init),
        mask=None if mask is None else read_mask(mask),
        strength=strength,
    )
    return _drawn(request, on_progress)


def vary(
    file: Source,
    words: str | None = None,
    *,
    on_progress: Callable[[Progress], None] | None = None,
    **said: Any,
) -> list[Picture]:
    """Draws pictures like `file`; four of them, unless `count` is said.

    One that Impasto drew brings its words, style and all else but the seed; for another one, words must be given.
    `said` takes the other arguments of `draw`. Raises as `draw` does.
    """
    return _drawn(variation_of(file, words=words, **said), on_progress)


def variation_of(file: Source, *, mask: Source | None = None, **said: Any) -> ImageRequest:
    """The request for variations of a picture; `said` holds fields of ImageRequest, None where not said."""
    from impasto.pictures.metadata import describe, read_any
    from impasto.pictures.reading import read_init, read_mask
    from impasto.workflows.edit import variation

    init = read_init(file, "file")
    document = None
    if isinstance(file, Picture):
        document = describe(file)
    elif isinstance(file, str | os.PathLike):
        document = read_any(Path(file).expanduser()).document
    said["mask"] = None if mask is None else read_mask(mask)
    return variation(init, document, said, model=settings().model)


def _drawn(request: ImageRequest, on_progress: Callable[[Progress], None] | None) -> list[Picture]:
    pictures = []
    for event in events(request):
        if isinstance(event, Picture):
            pictures.append(event)
        elif on_progress is not None:
            on_progress(event)
    return sorted(pictures, key=lambda picture: picture.index)
