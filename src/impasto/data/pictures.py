"""Vectors to pixels with resvg, and the fingerprints that tell pictures apart."""

from __future__ import annotations

import io
from concurrent.futures import TimeoutError as RenderTimeout
from typing import TYPE_CHECKING

import numpy as np

from impasto.data.items import Drop, Rendered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from PIL.Image import Image

    from impasto.data.items import Named

THUMB_PX = 32
GREY = 128
MARGIN = 0.03
"""empty border, as a share of the side, of drawings that are cropped to their content"""
LARGEST_CANVAS_PX = 4096
DPI = 96.0
"""CSS pixels an inch, for drawings measured in points and millimetres"""


def render_all(
    items: Sequence[Named], size_px: int, *, min_cover: float, timeout_s: float, workers: int,
    progress: Callable[[int, int], None],
) -> Iterator[tuple[Named, Rendered | Drop]]:  # fmt: skip
    """Each item with its picture, in order, made in `workers` processes; one that fails or hangs gives a `Drop`."""
    from multiprocessing import get_context

    from pebble import ProcessExpired, ProcessPool

    with ProcessPool(max_workers=workers, context=get_context("spawn")) as pool:
        jobs = [pool.schedule(_render_job, args=(named, size_px, min_cover), timeout=timeout_s) for named in items]
        for done, (named, job) in enumerate(zip(items, jobs, strict=True), start=1):
            try:
                yield named, job.result()
            except RenderTimeout:
                yield named, Drop(reason="unreadable", detail=f"took more than {timeout_s:g} s")
            except ProcessExpired as error:
                yield named, Drop(reason="unreadable", detail=f"the renderer died: {error}")
            progress(done, len(items))


def _render_job(named: Named, size_px: int, min_cover: float) -> Rendered | Drop:
    try:
        return render(named, size_px, min_cover)
    except Exception as error:  # whatever one drawing does to the renderer or to Pillow, the others go on
        return Drop(reason="unreadable", detail=str(error)[:200])


def render(named: Named, size_px: int, min_cover: float = 0.0) -> Rendered | Drop:
    """One item as a square RGBA PNG, centred, aspect kept; `Drop` if it is empty or only one flat full square."""
    svg = named.item.svg
    png = _cropped_png(svg, size_px) if named.item.on_page else _resvg(svg, width=size_px, height=size_px)
    if png is None:
        return Drop(reason="empty")
    pixels = decode(png)
    cover = float(pixels[..., 3].mean()) / 255
    if cover <= min_cover:
        return Drop(reason="empty", detail=f"cover {cover:.4f}")
    if (pixels == pixels[0, 0]).all():
        return Drop(reason="empty", detail="one flat colour")
    look, shape, thumb = fingerprints(pixels)
    return Rendered(named=named, png=png, look=look, shape=shape, thumb=thumb, cover=cover)


def decode(png: bytes) -> np.ndarray:
    """PNG bytes to (height, width, 4) uint8 unpremultiplied RGBA."""
    from PIL import Image

    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGBA"))


def _resvg(svg: str, *, width: int, height: int) -> bytes:
    """PNG bytes of what fits into this box, aspect kept; no fonts of the machine, so that every machine draws alike."""
    import resvg_py

    return bytes(resvg_py.svg_to_bytes(svg_string=svg, skip_system_fonts=True, dpi=DPI, width=width, height=height))


def _cropped_png(svg: str, size_px: int) -> bytes | None:
    """A drawing on a page: what is drawn, cropped, fills the square but for a small margin."""
    from PIL import Image

    first = decode(_resvg(svg, width=2 * size_px, height=LARGEST_CANVAS_PX))
    box = _content_box(first)
    if box is None:
        return None
    inner_px = round(size_px * (1 - 2 * MARGIN))
    extent = max(box[2] - box[0], box[3] - box[1])
    width = min(round(first.shape[1] * 2 * inner_px / extent), LARGEST_CANVAS_PX)
    width = max(1, min(width, int(LARGEST_CANVAS_PX * first.shape[1] / max(first.shape[:2]))))
    again = decode(_resvg(svg, width=width, height=LARGEST_CANVAS_PX))
    box = _content_box(again)
    if box is None:
        return None
    small = _premultiplied(Image.fromarray(again)).crop(box)
    scale = inner_px / max(small.size)
    small = small.resize(
        (max(1, round(small.width * scale)), max(1, round(small.height * scale))), Image.Resampling.BOX
    )
    square = Image.new("RGBa", (size_px, size_px))
    square.paste(small, ((size_px - small.width) // 2, (size_px - small.height) // 2))
    out = io.BytesIO()
    square.convert("RGBA").save(out, "png", compress_level=6)
    return out.getvalue()


def _premultiplied(image: Image) -> Image:
    return image.convert("RGBA").convert("RGBa")


def _content_box(pixels: np.ndarray) -> tuple[int, int, int, int] | None:
    """(left, top, right, bottom) of what is not transparent, or None."""
    rows, columns = np.flatnonzero(pixels[..., 3].any(1)), np.flatnonzero(pixels[..., 3].any(0))
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def fingerprints(pixels: np.ndarray) -> tuple[int, int, bytes]:
    """(perceptual hash over grey, perceptual hash of alpha, thumbnail) of (height, width, 4) uint8 RGBA."""
    import imagehash
    from PIL import Image

    rgba = Image.fromarray(pixels)
    flat = Image.new("RGBA", rgba.size, (GREY, GREY, GREY, 255))
    flat.alpha_composite(rgba)
    look = int(str(imagehash.phash(flat.convert("RGB"), hash_size=16)), 16)
    shape = int(str(imagehash.phash(rgba.getchannel("A"), hash_size=16)), 16)
    thumb = _premultiplied(rgba).resize((THUMB_PX, THUMB_PX), Image.Resampling.BOX)
    return look, shape, np.asarray(thumb).tobytes()


def near_duplicates(
    pictures: Sequence[Rendered], *, hash_bits: int = 6, mean_step: float = 1.0, peak_step: int = 28
) -> dict[int, int]:
    """Index -> index of the earlier picture it repeats.

    Both hashes must agree within `hash_bits` of 256, and the premultiplied thumbnails within `mean_step` on average
    and `peak_step` anywhere (of 255): two faces that differ in a brow alone stay two.
    """
    looks = np.array([np.frombuffer(p.look.to_bytes(32, "big"), np.uint8) for p in pictures]).reshape(-1, 32)
    shapes = np.array([np.frombuffer(p.shape.to_bytes(32, "big"), np.uint8) for p in pictures]).reshape(-1, 32)
    found: dict[int, int] = {}
    for i in range(1, len(pictures)):
        close = np.bitwise_count(looks[:i] ^ looks[i]).sum(1, dtype=np.int32) <= hash_bits
        close &= np.bitwise_count(shapes[:i] ^ shapes[i]).sum(1, dtype=np.int32) <= hash_bits
        for j in np.flatnonzero(close):
            if int(j) not in found and _same_thumb(pictures[i].thumb, pictures[int(j)].thumb, mean_step, peak_step):
                found[i] = int(j)
                break
    return found


def _same_thumb(one: bytes, other: bytes, mean_step: float, peak_step: int) -> bool:
    a, b = np.frombuffer(one, np.uint8).astype(np.int16), np.frombuffer(other, np.uint8).astype(np.int16)
    step = np.abs(a - b)
    return bool(step.mean() <= mean_step and step.max() <= peak_step)
