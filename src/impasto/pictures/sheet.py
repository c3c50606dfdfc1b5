"""A labelled contact sheet: pictures in a table whose columns and rows say what was varied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from impasto.pictures.formats import on_white

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

GAP_PX = 8
LABEL_PX, TITLE_PX = 18, 22
MAX_LABEL_WIDTH_PX = 200
INK, PALE_INK, FRAME = (32, 32, 36), (110, 110, 118), (225, 225, 230)


def contact_sheet(
    cells: Sequence[Sequence[Image]], *, columns: Sequence[str], rows: Sequence[str], title: str, note: str = ""
) -> Image:
    """Lays `cells[row][column]`, RGBA images of any sizes, on white under their labels.

    Long labels are cut with an ellipsis rather than run into their neighbours. Returns an RGBA image without
    transparency.
    """
    from PIL import Image as images
    from PIL import ImageDraw

    label, big = _font(LABEL_PX), _font(TITLE_PX)
    width_px = max(image.width for row in cells for image in row)
    height_px = max(image.height for row in cells for image in row)
    left_px = min(max((int(label.getlength(text)) for text in rows), default=0), MAX_LABEL_WIDTH_PX)
    left_px += 2 * GAP_PX if left_px else GAP_PX
    top_px = GAP_PX + 2 * (TITLE_PX + GAP_PX) + LABEL_PX + GAP_PX
    total_px = left_px + len(columns) * (width_px + GAP_PX)
    sheet = images.new("RGB", (total_px, top_px + len(rows) * (height_px + GAP_PX)), "white")
    pen = ImageDraw.Draw(sheet)
    _write(pen, (GAP_PX, GAP_PX), title, big, total_px - 2 * GAP_PX, INK)
    _write(pen, (GAP_PX, 2 * GAP_PX + TITLE_PX), note, label, total_px - 2 * GAP_PX, PALE_INK)
    for place, text in enumerate(columns):
        x_px = left_px + place * (width_px + GAP_PX)
        _write(pen, (x_px, top_px - LABEL_PX - GAP_PX), text, label, width_px, INK)
    for place, (text, row) in enumerate(zip(rows, cells, strict=True)):
        y_px = top_px + place * (height_px + GAP_PX)
        _write(pen, (GAP_PX, y_px + (height_px - LABEL_PX) // 2), text, label, left_px - 2 * GAP_PX, INK)
        for column, image in enumerate(row):
            x_px = left_px + column * (width_px + GAP_PX)
            sheet.paste(on_white(image), (x_px, y_px))
            pen.rectangle((x_px - 1, y_px - 1, x_px + image.width, y_px + image.height), outline=FRAME)
    return sheet.convert("RGBA")


def _font(size_px: int) -> FreeTypeFont | ImageFont:
    """Pillow's own face: no font need be installed. It covers Latin; other scripts show as boxes on a sheet."""
    from PIL import ImageFont

    return ImageFont.load_default(size_px)


def _write(
    pen: ImageDraw,
    at_px: tuple[int, int],
    text: str,
    font: FreeTypeFont | ImageFont,
    room_px: int,
    ink: tuple[int, int, int],
) -> None:
    text = " ".join(text.split())
    if font.getlength(text) > room_px:
        while text and font.getlength(text + "…") > room_px:
            text = text[:-1]
        text += "…"
    pen.text(at_px, text, fill=ink, font=font)
