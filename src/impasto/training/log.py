"""What a run tells: a CSV line and TensorBoard scalars every few steps, and sample sheets."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np


class Log:
    """Appends to `log.csv` and `measures.csv`, writes TensorBoard events and `sheets/<seen>.png`."""

    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.folder = folder
        self.board = SummaryWriter(str(folder / "tensorboard"))

    def scalars(self, seen: int, values: dict[str, float]) -> None:
        self._append("log.csv", seen, values)

    def measures(self, seen: int, values: dict[str, float]) -> None:
        """Numbers on held-out pictures, into `measures.csv`."""
        self._append("measures.csv", seen, {f"held_out/{name}": value for name, value in values.items()})

    def _append(self, name: str, seen: int, values: dict[str, float]) -> None:
        row = {"seen": seen, **{key: float(f"{value:.6g}") for key, value in values.items()}}
        path = self.folder / name
        new = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(row))
            if new:
                writer.writeheader()
            writer.writerow(row)
        for key, value in values.items():
            self.board.add_scalar(key, value, seen)

    def sheet(self, seen: int, pixels: np.ndarray) -> None:
        folder = self.folder / "sheets"
        folder.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{seen:09d}.png")

    def close(self) -> None:
        self.board.close()
