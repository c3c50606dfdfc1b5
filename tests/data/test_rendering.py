"""Pixels: centred, keeping their aspect, told apart when they differ."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image

from impasto.data.iconify import _svg
from impasto.data.items import Drop, Item, Named
from impasto.data.pictures import LARGEST_CANVAS_PX, _render_job, decode, near_duplicates, render, render_all

FACE = '<circle cx="8" cy="8" r="7" fill="#fc3"/><circle cx="5.5" cy="6" r="1"/><circle cx="10.5" cy="6" r="1"/>{}'
SMILE, FROWN = '<path d="M5 10q3 3 6 0" {}/>', '<path d="M5 11q3-3 6 0" {}/>'
STROKE = 'stroke="#630" fill="none"'


def named(svg: str, *, on_page: bool = False) -> Named:
    item = Item(
        id="flat/x", icon="x", style="flat", package="p", package_version="1", author="A", licence="MIT",
        licence_url="", svg=svg, title="x", on_page=on_page,
    )  # fmt: skip
    return Named(item=item, concept="x", name="x", emoji=None, key=None, group=None, subgroup=None)


def icon(body: str, **box: float) -> Named:
    svg = _svg({"width": 16, "height": 16}, {"body": body, **box}, "#37474f")
    return named(svg=svg)


def pixels(body: str, size_px: int = 64, **box: float) -> np.ndarray:
    result = render(icon(body, **box), size_px)
    assert not isinstance(result, Drop)
    return decode(result.png)


def test_a_wide_icon_is_centred_and_not_stretched() -> None:
    rows = np.flatnonzero(pixels('<path d="M0 0h32v8H0z" fill="#f00"/>', width=32, height=8)[..., 3].any(1))
    assert (rows[0], rows[-1]) == (24, 39)


def test_current_colour_is_dark_and_the_ground_is_transparent() -> None:
    picture = pixels('<path d="M4 4h8v8H4z" fill="currentColor"/>')
    assert tuple(picture[32, 32]) == (0x37, 0x47, 0x4F, 255)
    assert picture[0, 0, 3] == 0


def test_mirrors_mirror() -> None:
    body = '<path d="M0 0h8v16H0z" fill="#00f"/>'
    plain, flipped = pixels(body), pixels(body, hFlip=True)
    assert np.array_equal(plain[:, ::-1], flipped)
    assert not np.array_equal(plain, flipped)


def test_a_drawing_on_a_page_is_cropped_to_its_content() -> None:
    page = named(svg='<svg xmlns="http://www.w3.org/2000/svg" width="210mm" height="297mm"><rect x="9" y="9" width="40" height="20" fill="#0a0"/></svg>', on_page=True)  # fmt: skip  # noqa: E501
    result = render(page, 64)
    assert not isinstance(result, Drop)
    alpha = decode(result.png)[..., 3]
    columns, rows = np.flatnonzero(alpha.any(0)), np.flatnonzero(alpha.any(1))
    assert (columns[0], columns[-1]) == (2, 61)
    assert len(rows) == 30


def bar(height: int) -> Named:
    """A page one unit wide with all of it drawn."""
    size = f'width="1" height="{height}"'
    return named(f'<svg xmlns="http://www.w3.org/2000/svg" {size}><rect {size} fill="#f00"/></svg>', on_page=True)


def test_a_page_of_any_shape_asks_for_no_more_than_the_largest_canvas(monkeypatch) -> None:
    import resvg_py

    asked = []
    draw = resvg_py.svg_to_bytes
    monkeypatch.setattr(resvg_py, "svg_to_bytes", lambda **size: asked.append(size) or draw(**size))
    result = render(bar(1000), 64)
    assert not isinstance(result, Drop)
    assert decode(result.png).shape == (64, 64, 4)
    assert all(max(size["width"], size["height"]) <= LARGEST_CANVAS_PX for size in asked)


def test_what_cannot_be_drawn_is_dropped_and_the_rest_go_on() -> None:
    items = [named("<svg"), icon('<path d="M4 4h8v8H4z" fill="#f00"/>')]
    told: list[int] = []
    drawn = render_all(
        items, 64, min_cover=0.0, timeout_s=60, workers=1, progress=lambda done, total: told.append(done)
    )
    assert [isinstance(result, Drop) and result.reason for _, result in drawn] == ["unreadable", False]
    assert told == [1, 2]


def test_a_drawing_that_is_too_much_for_pillow_is_dropped(monkeypatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    result = _render_job(icon('<path d="M4 4h8v8H4z" fill="#f00"/>'), 64, 0.0)
    assert isinstance(result, Drop)
    assert (result.reason, result.detail[:10]) == ("unreadable", "Image size")


def test_nothing_drawn_is_dropped() -> None:
    blank = render(icon('<path d="M0 0h4v4H0z" fill="none"/>'), 32)
    assert isinstance(blank, Drop)
    assert blank.reason == "empty"
    full = render(icon('<path d="M0 0h16v16H0z" fill="#fff"/>'), 32)
    assert isinstance(full, Drop)
    assert full.detail == "one flat colour"


def test_repeats_are_found_and_expressions_are_not_merged() -> None:
    bodies = [FACE.format(SMILE.format(STROKE)), FACE.format(FROWN.format(STROKE)), FACE.format(SMILE.format(STROKE))]
    faces = [render(icon(body), 256) for body in bodies]
    assert near_duplicates(faces) == {2: 0}  # type: ignore[arg-type]


def test_the_same_shape_in_another_colour_is_another_picture() -> None:
    hearts = [render(icon(f'<circle cx="8" cy="8" r="6" fill="{colour}"/>'), 256) for colour in ("#e11", "#16e")]
    assert near_duplicates(hearts) == {}  # type: ignore[arg-type]


def test_a_picture_equal_but_for_its_alpha_is_another_picture() -> None:
    solid = render(icon('<circle cx="8" cy="8" r="6" fill="#808080"/>'), 256)
    assert not isinstance(solid, Drop)
    assert near_duplicates([solid, replace(solid, shape=solid.shape ^ ((1 << 40) - 1))]) == {}
