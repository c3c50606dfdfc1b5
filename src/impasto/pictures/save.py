"""A picture to a file, in one call."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from impasto.pictures.files import Destination
from impasto.pictures.formats import encode
from impasto.pictures.names import stem

if TYPE_CHECKING:
    from pathlib import Path

    from impasto.core import Picture


def save(picture: Picture, output: str | os.PathLike[str]) -> Path:
    """Writes one picture to a file or into a folder, as Destination.parse reads `output`. Raises Invalid."""
    return put(picture, Destination.parse(os.fspath(output), field="path"))


def put(picture: Picture, destination: Destination, number: int | None = None) -> Path:
    """Writes one picture where a destination says. Raises Invalid if the disk says no."""
    named = stem(picture.drawing.words, picture.drawing.seed)
    return destination.write(encode(picture, destination.ending), named, number)
