"""Pixels to bytes: what each format keeps."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from impasto.pictures.formats import ENDINGS, encode, on_white
from impasto.pictures.metadata import describe, parameters_text

if TYPE_CHECKING:
    from impasto.core import Picture

SVG = "{http://www.w3.org/2000/svg}"


def decode(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(data)))


@pytest.mark.parametrize("ending", [".png", ".webp"])
def test_lossless_formats_keep_every_pixel_also_under_transparency(picture: Picture, ending: str) -> None:
    np.testing.assert_array_equal(decode(encode(picture, ending)), picture.pixels)


def test_jpeg_is_close_to_the_picture_on_white(picture: Picture) -> None:
    error = decode(encode(picture, ".jpg")).astype(int) - np.asarray(on_white(picture.image))
    assert np.abs(error).mean() < 1.5


@pytest.mark.parametrize("ending", ENDINGS)
def test_same_picture_same_bytes(picture: Picture, ending: str) -> None:
    assert encode(picture, ending) == encode(picture, ending)


def test_svg_is_well_formed_scales_and_leaves_the_ground_empty(picture: Picture) -> None:
    root = ElementTree.fromstring(encode(picture, ".svg"))
    assert root.tag == f"{SVG}svg"
    assert root.get("viewBox") == "0 0 64 64"
    paths = root.findall(f".//{SVG}path")
    assert len(paths) == 1, "one disc and nothing behind it"
    red, green, blue = bytes.fromhex(paths[0].get("fill", "")[1:])
    assert red > 180
    assert max(green, blue) < 80


def test_svg_looks_like_the_picture(picture: Picture) -> None:
    resvg_py = pytest.importorskip("resvg_py")
    drawn = bytes(resvg_py.svg_to_bytes(svg_string=encode(picture, ".svg").decode()))
    traced = np.asarray(on_white(Image.open(BytesIO(drawn)).convert("RGBA"))).astype(int)
    assert np.abs(traced - np.asarray(on_white(picture.image))).mean() < 4


def test_svg_has_nothing_where_the_picture_is_too_faint_to_see(picture: Picture) -> None:
    noise = np.random.default_rng(0).integers(0, 256, picture.pixels.shape, np.uint8)
    noise[..., 3] //= 3
    root = ElementTree.fromstring(encode(replace(picture, pixels=noise), ".svg"))
    assert root.findall(f".//{SVG}path") == []


def test_a1111_tools_find_the_text_where_they_look(picture: Picture) -> None:
    text = parameters_text(describe(picture))
    assert Image.open(BytesIO(encode(picture, ".png"))).info["parameters"] == text
    for ending in (".jpg", ".webp"):
        comment = Image.open(BytesIO(encode(picture, ending))).getexif().get_ifd(0x8769)[0x9286]
        assert comment == b"UNICODE\0" + text.encode("utf-16-be")
