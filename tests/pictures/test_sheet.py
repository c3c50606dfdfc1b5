from __future__ import annotations

import numpy as np
from PIL import Image

from impasto.pictures.sheet import contact_sheet


def cell(colour: str) -> Image.Image:
    return Image.new("RGBA", (40, 30), colour)


def test_cells_stand_in_the_order_given() -> None:
    colours = [["#ff0000", "#00ff00", "#0000ff"], ["#ffff00", "#00ffff", "#ff00ff"]]
    cells = [[cell(colour) for colour in row] for row in colours]
    sheet = contact_sheet(cells, columns=["a", "b", "c"], rows=["1", "2"], title="title")
    pixels = np.asarray(sheet.convert("RGB"))
    middles = {}
    for row in colours:
        for colour in row:
            rgb = tuple(bytes.fromhex(colour[1:]))
            y, x = np.nonzero((pixels == rgb).all(axis=2))
            assert len(y) == 40 * 30
            middles[colour] = (y.mean(), x.mean())
    for row in colours:
        assert len({middles[colour][0] for colour in row}) == 1
        assert [middles[colour][1] for colour in row] == sorted(middles[colour][1] for colour in row)
    assert middles["#ff0000"][0] < middles["#ffff00"][0]


def test_labels_are_drawn_and_stay_in_their_room() -> None:
    plain = contact_sheet([[cell("white")]], columns=[""], rows=[""], title="")
    named = contact_sheet([[cell("white")]], columns=["W" * 50], rows=[""], title="")
    ink = np.asarray(named.convert("L")) < np.asarray(plain.convert("L"))
    assert ink.any()
    columns = np.flatnonzero(ink.any(axis=0))
    assert columns.max() <= 8 + 40


def test_transparency_lies_on_white() -> None:
    sheet = contact_sheet([[Image.new("RGBA", (40, 30), (0, 0, 0, 0))]], columns=[""], rows=[""], title="")
    pixels = np.asarray(sheet)
    assert (pixels[..., 3] == 255).all()
    assert (pixels[-20:-10, 20:30, :3] == 255).all()
