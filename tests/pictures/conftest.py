from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from impasto.core import Drawing, ModelRef, Picture

if TYPE_CHECKING:
    from collections.abc import Callable


def _picture(**changes: object) -> Picture:
    """A red disc with soft edges on a transparent ground, colours under full transparency included."""
    y, x = np.mgrid[:64, :64]
    pixels = np.full((64, 64, 4), (220, 40, 30, 0), np.uint8)
    pixels[..., 3] = (np.clip(24 - np.hypot(x - 32, y - 32), 0, 1) * 255).astype(np.uint8)
    drawing = Drawing(
        words="a red disc",
        negative="",
        style="flat",
        width_px=64,
        height_px=64,
        steps=4,
        guidance=2.5,
        sampler="dpmpp_2m",
        sigmas="karras",
        seed=7,
        background="transparent",
    )
    return Picture(
        pixels=pixels,
        drawing=replace(drawing, **changes),  # type: ignore[arg-type]
        model=ModelRef(name="mini", version="1.0", sha256="0123456789abcdef" * 4),
        sigma_values=(40.0, 0.1 + 0.2, 1e-7, 0.0),
        took_s=1.5,
        template="a {red|blue} disc",
    )


@pytest.fixture
def picture() -> Picture:
    return _picture()


@pytest.fixture(scope="session")
def picture_with() -> Callable[..., Picture]:
    """A picture whose drawing differs in the fields given."""
    return _picture
