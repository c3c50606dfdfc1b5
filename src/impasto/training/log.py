"""What a run tells: a CSV line and TensorBoard scalars every few steps, and sample sheets."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np


class Log:
    """Appends to `log.csv` and `measures.csv`, writes TensorBoard events and `sheets/<seen>.png`.

    What was told after `seen` pictures is forgotten: a killed run walks those steps, and tells of them, once more.
    """

    def __init__(self, folder: Path, *, seen: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.folder = folder
        for name in ("log.csv", "measures.csv"):
            _forget(folder / name, seen)
        self.board = SummaryWriter(str(folder / "tensorboard"), purge_step=seen + 1)

    def scalars(self, seen: int, values: dict[str, float]) -> None:
        """Numbers of a training step, into `log.csv`."""
        self._append("log.csv", seen, values)

    def measures(self, seen: int, values: dict[str, float]) -> None:
        """Numbers on held-out pictures, into `measures.csv`."""
        self._append("measures.csv", seen, {f"held_out/{name}": value for name, value in values.items()})

    def _append(self, name: str, seen: int, values: dict[str, float]) -> None:
        row = {"seen": seen, **{key: float(f"{value:.6g}") for key, value in values.items()}}
        path = self.folder / name
        new = not path.exists() or not path.stat().st_size
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(row))
            if new:
                writer.writeheader()
            writer.writerow(row)
        for key, value in values.items():
            self.board.add_scalar(key, value, seen)

    def sheet(self, seen: int, pixels: np.ndarray) -> None:
        """A sample sheet, (height, width, 3) uint8."""
        folder = self.folder / "sheets"
        folder.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{seen:09d}.png")

    def close(self) -> None:
        self.board.close()


def _forget(path: Path, seen: int) -> None:
    """Take out the rows of a table beyond `seen`, and one that was only half written."""
    if not path.exists():
        return
    with path.open(newline="") as file:
        head, *rows = list(csv.reader(file)) or [[]]
    kept = [row for row in rows if len(row) == len(head) and int(row[0]) <= seen]
    part = path.with_suffix(".part")
    with part.open("w", newline="") as file:
        csv.writer(file).writerows([head, *kept] if kept else [])
    part.replace(path)
