"""A checkpoint of someone else's becomes a model: its files beside a card that names the hash of each.

What is read is a folder as diffusers keeps pipelines. Only safetensors are taken: other files of weights are pickles,
which run whatever code is in them when they are opened.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.core import Clash, Damaged, Invalid
from impasto.models.describing import kind_of
from impasto.models.registry import CARD, load, sha256

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from impasto.models.describing import Kind
    from impasto.models.registry import InstalledModel

CONFIGS = Path(__file__).parent / "configs"
"""what a file of one piece does not say, by its layout: the configuration of each part"""
WEIGHTS, PICKLES = ".safetensors", (".bin", ".ckpt", ".pt", ".pth", ".pkl")
KEPT = (".json", ".txt", ".model", WEIGHTS)
"""endings of the files that a part may need"""
CONVERT = (
    "holds pickled weights and no safetensors; a pickle can run any code when it is opened. Who trusts it may convert "
    "it: torch.load(FILE, weights_only=True), then safetensors.torch.save_file"
)


def add(
    source: Path,
    into: Path,
    name: str,
    *,
    licence: str = "unknown",
    description: str = "",
    prediction: str | None = None,
    finish: Callable[[Path], dict[str, Any]] | None = None,
) -> InstalledModel:
    """Brings a diffusers folder into a folder of models as `name` and returns the model.

    Files are linked where the disk allows it, else copied; the model appears whole or not at all. Raises Invalid naming
    what breaks a rule, Unknown for a pipeline of no known family, Clash if the name is taken, Damaged for what cannot
    be read. `prediction` ("epsilon" or "v") is for a net whose configuration is wrong about it;
    `finish` may still change the folder, before its files are hashed, and returns more tables of the card.
    """
    target, making = check_new(into, name), into / f".{name}.making"
    pipeline = read_json(source / "model_index.json")
    kind = kind_of(str(pipeline.get("_class_name")))
    shutil.rmtree(making, ignore_errors=True)
    try:
        parts = [*kind.parts, *(part for part in kind.optional if (source / part).is_dir())]
        for part in parts:
            _bring(source / part, making / part)
        about = {"name": name, "version": "1", "family": kind.family, "licence": licence}
        about["description"] = description or f"Added from {source.name}."
        tables = _tables(making, kind, source, prediction)
        _write_card(making, {"model": about, **tables, **(finish(making) if finish else {})})
        making.rename(target)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return load(target)


def check_new(into: Path, name: str) -> Path:
    """The folder of a model that is to come into `into`, which is made. Raises Invalid for what cannot name one, Clash
    if there is one.
    """
    import re

    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", name):
        raise Invalid("name", f"must be up to 64 small letters, digits, dots, - and _, not {name!r}")
    if (into / name).exists():
        raise Clash("name", f"{into / name} is there already")
    into.mkdir(parents=True, exist_ok=True)
    return into / name


def called(source: str) -> str:
    """A name for what is added from there."""
    import re

    stem = Path(re.sub(r"/tree/[^/]+/?$", "", source)).name.removesuffix(WEIGHTS).lower()
    return re.sub(r"[^a-z0-9._-]+", "-", stem).strip("-._")[:64]


def check_file(path: Path) -> None:
    """Raises Invalid for a file that is none, or whose weights are pickled."""
    if not path.is_file():
        raise Invalid("source", f"{path} is neither a folder nor a file")
    if path.name.endswith(PICKLES):
        raise Invalid("source", f"{path} {CONVERT}")
    if not path.name.endswith(WEIGHTS):
        raise Invalid("source", f"{path} must end in {WEIGHTS}")


def read_json(path: Path) -> dict[str, Any]:
    """Raises Damaged."""
    try:
        told: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise Damaged(f"{path}: cannot be read: {error}") from None
    return told


def _bring(source: Path, target: Path) -> None:
    """One part's files, of several precisions the plain one if there is one, under their plain names."""
    if not source.is_dir():
        raise Invalid("model", f"{source} is missing")
    target.mkdir(parents=True)
    found = {path.name: path for path in sorted(source.iterdir()) if path.is_file()}
    weights = dict(_plain_weights(found))
    if not weights and any(name.endswith(PICKLES) for name in found):
        raise Invalid("model", f"{source} {CONVERT}")
    others = {name: path for name, path in found.items() if name.endswith(KEPT) and not _is_weights(name)}
    for name, path in (others | weights).items():
        if (
            ".index" in name and name != path.name
        ):  # it names the pieces of the weights, which have their plain names now
            (target / name).write_text(path.read_text("utf-8").replace(".fp16", ""), "utf-8")
        else:
            link(path, target / name)


def _plain_weights(found: dict[str, Path]) -> Iterator[tuple[str, Path]]:
    """Weights and their index by plain names: x.safetensors, else x.fp16.safetensors as that."""
    names = [name for name in found if _is_weights(name)]
    variants = {name: name.replace(".fp16", "") for name in names}
    plain = [name for name in names if variants[name] == name]
    for name in plain or names:
        if name.endswith((WEIGHTS, ".json")):
            yield variants[name], found[name]


def _is_weights(name: str) -> bool:
    return name.endswith((WEIGHTS, *PICKLES)) or ".index." in name


def link(source: Path, target: Path) -> None:
    """The file itself under a second name, or a copy where the disk cannot do that."""
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)


def _tables(folder: Path, kind: Kind, source: Path, prediction: str | None) -> dict[str, Any]:
    """What the configurations say."""
    configs = {part: read_json(path) for part in kind.parts if (path := folder / part / "config.json").is_file()}
    configs["scheduler"] = read_json(source / "scheduler" / "scheduler_config.json")
    configs["pipeline"] = read_json(source / "model_index.json")
    try:
        tables = kind.tables(configs)
    except KeyError as error:
        raise Invalid("model", f"the configuration of {source} does not say {error}") from None
    if prediction is not None:
        if tables["net"]["prediction"] == "flow" or prediction not in {"epsilon", "v"}:
            raise Invalid("prediction", f"must be epsilon or v, for a net that is no flow, not {prediction!r}")
        tables["net"]["prediction"] = prediction
    return tables


def _write_card(folder: Path, tables: dict[str, Any]) -> None:
    import tomli_w

    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    hashes = {path.relative_to(folder).as_posix(): sha256(path) for path in files}
    (folder / CARD).write_text(tomli_w.dumps({**tables, "files": hashes}), "utf-8")
