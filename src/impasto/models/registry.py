"""The models that are installed: a folder each, with a card that names the sha256 of every file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.core import Damaged, Invalid, ModelRef, UnknownModel
from impasto.models import cards

if TYPE_CHECKING:
    from collections.abc import Iterable

    from impasto.models.cards import Card

CARD = "card.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledModel:
    """A model in its folder."""

    card: Card
    folder: Path
    ref: ModelRef

    def file(self, name: str) -> Path:
        """The path of one of its files, its bytes checked. Raises Damaged with the hash expected and the one found."""
        expected = self.card.files.get(name)
        if expected is None:
            raise Damaged(f"{self.folder / CARD}: names no file {name!r}")
        path = self.folder / name
        if not path.is_file():
            raise Damaged(f"{path}: missing, the card of {self.ref.name} expects sha256 {expected}")
        found = sha256(path)
        if found != expected:
            raise Damaged(f"{path}: damaged, expected sha256 {expected}, found {found}")
        return path

    def has(self, part: str) -> bool:
        """Whether the card names a file in this folder of its own."""
        return any(file.startswith(f"{part}/") for file in self.card.files)

    def part(self, name: str) -> Path:
        """The path of a folder in its own, each file in it checked. Raises Damaged, also for a file the card does not
        name: what is opened by its folder must hold nothing unknown.
        """
        from concurrent.futures import ThreadPoolExecutor

        folder = self.folder / name
        named = {file for file in self.card.files if file.startswith(f"{name}/")}
        if not named:
            raise Damaged(f"{self.folder / CARD}: names no file in {name!r}")
        for path in folder.rglob("*"):
            if path.is_file() and path.relative_to(self.folder).as_posix() not in named:
                raise Damaged(f"{path}: is not named by the card of {self.ref.name}")
        with ThreadPoolExecutor() as pool:  # hashing lets other threads run
            list(pool.map(self.file, sorted(named)))
        return folder


class Registry:
    """Looks for models in folders; where two hold the same name, the earlier folder wins."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = tuple(folders)

    def names(self) -> list[str]:
        """The names of all installed models, sorted. A folder without a card is no model."""
        return sorted(self._where())

    def all(self) -> list[InstalledModel]:
        """Sorted by name. Raises Invalid if a card breaks a rule."""
        where = self._where()
        return [load(where[name]) for name in sorted(where)]

    def find(self, name: str) -> InstalledModel:
        """Raises UnknownModel with near names, Invalid if the model's card breaks a rule."""
        where = self._where()
        if name not in where:
            raise UnknownModel("model", name, where)
        return load(where[name])

    def check(self, name: str) -> InstalledModel:
        """Find a model and check every file its card names. Raises Damaged for the first that is not what it says."""
        model = self.find(name)
        for file in model.card.files:
            model.file(file)
        return model

    def _where(self) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for folder in reversed(self._folders):
            if folder.is_dir():
                cards_here = (card for card in folder.glob(f"*/{CARD}") if not card.parent.name.startswith("."))
                found |= {card.parent.name: card.parent for card in cards_here}
        return found


def load(folder: Path) -> InstalledModel:
    """One model's folder -> the model. Raises Invalid; Damaged if there is no card to read."""
    path = folder / CARD
    try:
        card, digest = _read(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise Damaged(f"{path}: cannot be read ({error.strerror})") from None
    if card.model.name != folder.name:
        raise Invalid(f"{path}: model.name", f"is {card.model.name!r} in a folder called {folder.name!r}")
    return InstalledModel(
        card=card, folder=folder, ref=ModelRef(name=card.model.name, version=card.model.version, sha256=digest)
    )


@lru_cache(maxsize=64)
def _read(path: Path, changed_ns: int) -> tuple[Card, str]:
    """A server looks a model up with every request; its card is read again only when it has changed."""
    return cards.read(path)


def installed(user_folder: Path | None = None) -> Registry:
    """The registry of this machine: the person's own models first, then those shipped with Impasto."""
    return Registry([user_folder, shipped()] if user_folder else [shipped()])


def shipped() -> Path:
    """Where the models that come with Impasto lie: inside the package, or `weights/` in a source tree."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "weights"
    return inside if inside.is_dir() else package.parents[1] / "weights"


def sha256(path: Path) -> str:
    """The sha256 of a file's bytes, in hexadecimal."""
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
