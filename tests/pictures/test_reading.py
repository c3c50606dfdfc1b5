"""People's own files, as they come: every colour kind, turned by EXIF, broken, and larger than they look."""

from __future__ import annotations

import hashlib
import struct
import warnings
import zlib
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from impasto.core import Invalid
from impasto.pictures.metadata import read
from impasto.pictures.reading import MAX_PIXELS, read_init, read_mask

if TYPE_CHECKING:
    from impasto.core import Picture

RANDOM = np.random.default_rng(1)
RGBA = RANDOM.integers(0, 256, (6, 9, 4), np.uint8)
RGBA[:2, :, 3] = 0
SEEN = np.where(RGBA[..., 3:] > 0, RGBA, 0)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png(width: int, height: int, depth: int, colour: int, rows: bytes, clear: bytes = b"") -> bytes:
    """A PNG written by hand (PNG specification, section 5), for kinds that Pillow does not write."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = [chunk(b"IHDR", header), chunk(b"tRNS", clear) if clear else b"", chunk(b"IDAT", zlib.compress(rows))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + chunk(b"IEND", b"")


def test_transparency_is_kept_and_what_cannot_be_seen_is_left_out() -> None:
    init = read_init(saved(Image.fromarray(RGBA), "PNG"))
    np.testing.assert_array_equal(init.pixels, SEEN)
    assert (init.pixels.dtype, init.pixels.shape) == (np.uint8, (6, 9, 4))


def test_a_picture_is_the_same_however_it_is_given(picture: Picture, tmp_path: Path) -> None:
    image = Image.fromarray(RGBA)
    path = tmp_path / "misnamed.jpg"
    path.write_bytes(saved(image, "PNG"))
    webp = saved(image, "WEBP", lossless=True, exact=True)
    given = [path, str(path), path.read_bytes(), image, webp, Image.fromarray(SEEN)]
    assert {read_init(source).sha256 for source in given} == {
        hashlib.sha256(b"rgba 9x6\n" + SEEN.tobytes()).hexdigest()
    }
    assert read_init(picture) == read_init(picture.image)


def test_two_pictures_are_equal_by_their_hash_and_can_be_looked_up() -> None:
    one, same, other = (read_init(Image.fromarray(p)) for p in (RGBA, RGBA.copy(), RGBA[:3]))
    assert one == same
    assert len({one, same, other}) == 2
    turned = read_init(Image.fromarray(np.ascontiguousarray(RGBA.reshape(9, 6, 4))))
    assert turned.sha256 != one.sha256, "the same bytes of another shape"


def test_sixteen_bits_of_grey_are_scaled_not_clipped() -> None:
    rows = b"\0" + struct.pack(">4H", 0, 0x8080, 0xFFFF, 0x1234)
    assert read_init(png(4, 1, 16, 0, rows)).pixels[0, :, 0].tolist() == [0, 128, 255, 18]
    clear = read_init(png(4, 1, 16, 0, rows, struct.pack(">H", 0x8080))).pixels
    assert clear[0].tolist() == [[0, 0, 0, 255], [0, 0, 0, 0], [255, 255, 255, 255], [18, 18, 18, 255]]


def test_sixteen_bits_of_colour_and_alpha() -> None:
    rgba = b"\0" + struct.pack(">4H", 0, 0x8000, 0xFFFF, 0x40FF)
    assert read_init(png(1, 1, 16, 6, rgba)).pixels.tolist() == [[[0, 128, 255, 64]]]
    grey_alpha = b"\0" + struct.pack(">2H", 0x8000, 0x40FF)
    assert read_init(png(1, 1, 16, 4, grey_alpha)).pixels.tolist() == [[[128, 128, 128, 64]]]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (png(2, 1, 1, 0, b"\0\x40"), [[0, 0, 0, 255], [255, 255, 255, 255]]),
        (png(2, 1, 8, 0, b"\0\x10\x80", struct.pack(">H", 0x80)), [[16, 16, 16, 255], [0, 0, 0, 0]]),
        (png(2, 1, 8, 4, b"\0\x10\x80\x20\x00"), [[16, 16, 16, 128], [0, 0, 0, 0]]),
        (png(1, 1, 8, 2, b"\0\x01\x02\x03"), [[1, 2, 3, 255]]),
    ],
)
def test_grey_and_one_bit(source: bytes, expected: list[list[int]]) -> None:
    assert read_init(source).pixels[0].tolist() == expected


def test_a_palette_with_transparency() -> None:
    image = Image.new("P", (3, 1))
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    image.putdata([0, 1, 2])
    pixels = read_init(saved(image, "PNG", transparency=bytes([255, 128, 0]))).pixels
    assert pixels[0].tolist() == [[255, 0, 0, 255], [0, 255, 0, 128], [0, 0, 0, 0]]


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpeg_is_opaque(mode: str) -> None:
    grey = Image.new("L", (16, 16), 200).convert(mode)
    pixels = read_init(saved(grey, "JPEG")).pixels
    assert (pixels[..., 3] == 255).all()
    assert np.abs(pixels[..., :3].astype(int) - 200).max() <= 3


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_pictures_are_turned_upright(orientation: int, kind: str) -> None:
    """EXIF 2.32, 4.6.4 A: where row 0 and column 0 of the stored picture belong."""
    upright = np.zeros((16, 32, 3), np.uint8)
    upright[:8, :16] = 255
    turns = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a.swapaxes(0, 1), 2),
        8: lambda a: np.rot90(a, -1),
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(turns[orientation](upright)))
    found = read_init(saved(stored, kind, exif=exif, **({} if kind == "PNG" else {"quality": 100}))).pixels
    assert found.shape == (16, 32, 4)
    assert np.abs(found[..., :3].astype(int) - upright).max() < 8


def test_the_first_of_several_frames() -> None:
    red, blue = (Image.new("RGB", (8, 8), colour) for colour in ("red", "blue"))
    for kind in ("PNG", "WEBP"):
        source = saved(red, kind, save_all=True, append_images=[blue], **({"lossless": True} if kind == "WEBP" else {}))
        assert read_init(source).pixels[0, 0].tolist() == [255, 0, 0, 255]


def test_white_changes_and_black_stays() -> None:
    levels = np.array([[0, 100, 255]], np.uint8)
    for image in (Image.fromarray(levels), Image.fromarray(levels).convert("RGBA")):
        mask = read_mask(image)
        assert (mask.pixels.tolist(), mask.beyond) == ([[0, 100, 255]], False)
        assert mask.sha256 == hashlib.sha256(b"white 3x1\n" + levels.tobytes()).hexdigest()


def test_a_transparent_mask_says_it_by_that_alone() -> None:
    image = Image.fromarray(np.array([[[255, 255, 255, 255], [0, 0, 0, 0], [9, 9, 9, 155]]], np.uint8))
    mask = read_mask(saved(image, "PNG"))
    assert (mask.pixels.tolist(), mask.beyond) == ([[0, 255, 100]], True)
    assert mask.sha256 != read_mask(Image.fromarray(mask.pixels)).sha256, "what lies beyond differs"


BOMB = png(60_000, 60_000, 8, 6, b"")
HUGE = png(9_000, 6_000, 1, 0, b"")
"""54 megapixels: more than is read, less than Pillow itself warns of"""


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (b"", "is no readable PNG, WebP or JPEG"),
        (b"not a picture", "is no readable"),
        (saved(Image.fromarray(RGBA), "GIF"), "is no readable"),
        (saved(Image.fromarray(RGBA), "BMP"), "is no readable"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "is no readable"),
        (BOMB, "must have at most 50 megapixels"),
        (HUGE, "must have at most 50 megapixels: 9000x6000 has more"),
        (Image.new("1", (MAX_PIXELS + 1, 1)), "must have at most 50 megapixels"),
        (Image.new("F", (2, 2)), "Pillow's mode F"),
        (Path("/nowhere/fox.png"), "there is no file /nowhere/fox.png"),
        (Path("/"), "there is no file /"),
        (3, "must be a path, bytes, a Pillow image or a Picture, not int"),
    ],
)
@pytest.mark.parametrize("reader", [read_init, read_mask])
def test_what_is_no_picture_is_refused_by_name(reader, source, says: str) -> None:
    with warnings.catch_warnings(action="error"), pytest.raises(Invalid, match=says) as refused:
        reader(source, "field")
    assert refused.value.field == "field"


def test_a_large_file_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.pictures.reading.MAX_FILE_BYTES", 100)
    path = tmp_path / "fox.png"
    path.write_bytes(bytes(101))
    for source in (path, path.read_bytes()):
        with pytest.raises(Invalid, match="must be at most 0 MiB"):
            read_init(source)


def test_a_bomb_is_not_decoded_for_its_parameters_either(tmp_path: Path) -> None:
    for name, content in (("bomb.png", BOMB), ("huge.png", HUGE)):
        (tmp_path / name).write_bytes(content)
        with warnings.catch_warnings(action="error"), pytest.raises(Invalid, match="at most 50 megapixels"):
            read(tmp_path / name)


NOISE = Image.fromarray(RANDOM.integers(0, 256, (40, 40, 4), np.uint8))
WHOLE = {kind: saved(NOISE.convert("RGB") if kind == "JPEG" else NOISE, kind) for kind in ("PNG", "WEBP", "JPEG")}


@pytest.mark.parametrize("kind", WHOLE)
def test_what_is_cut_short_is_refused(kind: str) -> None:
    for share in (0.02, 0.3, 0.9):
        with pytest.raises(Invalid, match="is no readable"):
            read_init(WHOLE[kind][: int(len(WHOLE[kind]) * share)])


@settings(max_examples=300)
@given(
    kind=st.sampled_from(sorted(WHOLE)),
    changes=st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_a_damaged_file_is_read_or_refused_and_nothing_else(kind: str, changes: list[tuple[int, int]]) -> None:
    raw = bytearray(WHOLE[kind])
    for place, value in changes:
        raw[place % len(raw)] = value
    with suppress(Invalid):
        assert read_init(bytes(raw)).pixels.shape[2] == 4
