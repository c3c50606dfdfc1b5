"""Pixels to the bytes of a file: PNG, WebP, JPEG, or SVG by tracing. Every file carries the picture's parameters.

The same picture gives the same bytes: nothing that is written depends on the time or the machine's name.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from impasto.pictures import carriers
from impasto.pictures.metadata import describe, parameters_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image

    from impasto.core import Picture

JPEG_QUALITY = 95
TRACED_BITS = 8
"""of each colour that the tracer tells apart; its own 6 lose soft shading (mean error 3.4 for 2.2 of 256)"""


def encode(picture: Picture, ending: str) -> bytes:
    """The whole file for one picture. `ending` is one of ENDINGS; JPEG, which has no alpha, lies on white."""
    text, json_text = parameters_text(document := describe(picture)), carriers.dumps(document)
    return ENDINGS[ending](picture.image, text, json_text)


def encode_image(image: Image, ending: str, text: str, json_text: str) -> bytes:
    """As `encode`, for an image that is not one picture, such as a contact sheet."""
    return ENDINGS[ending](image, text, json_text)


def on_white(image: Image) -> Image:
    """An RGBA image laid over white, as RGB."""
    from PIL import Image as images

    white = images.new("RGBA", image.size, (255, 255, 255, 255))
    white.alpha_composite(image)
    return white.convert("RGB")


def _png(image: Image, text: str, json_text: str) -> bytes:
    file = BytesIO()
    image.save(file, "PNG", pnginfo=carriers.png_info(text, json_text))
    return file.getvalue()


def _webp(image: Image, text: str, json_text: str) -> bytes:
    """Lossless, colours under full transparency kept: the pixels are the PNG's."""
    file, exif, xmp = BytesIO(), carriers.exif(text), carriers.xmp(json_text)
    image.save(file, "WEBP", lossless=True, exact=True, exif=exif, xmp=xmp)
    return file.getvalue()


def _jpeg(image: Image, text: str, json_text: str) -> bytes:
    """Without chroma subsampling, which smears the hard edges of flat illustrations."""
    file, exif, xmp = BytesIO(), carriers.exif(text), carriers.xmp(json_text)
    on_white(image).save(file, "JPEG", quality=JPEG_QUALITY, subsampling=0, exif=exif, xmp=xmp)
    return file.getvalue()


def _svg(image: Image, text: str, json_text: str) -> bytes:
    """Traced by VTracer into stacked splines; transparent ground stays empty."""
    import vtracer

    png = BytesIO()
    _cut_out(image).save(png, "PNG")
    drawn: str = vtracer.convert_raw_image_to_svg(
        png.getvalue(), img_format="png", path_precision=3, color_precision=TRACED_BITS
    )
    return carriers.into_svg(drawn, image.size, text, json_text).encode()


def _cut_out(image: Image) -> Image:
    """Every pixel seen or not: a faint one has a colour nobody sees, and the tracer would draw it in full."""
    from PIL import Image as images

    seen = image.getchannel("A").point(lambda alpha: 255 if alpha >= 128 else 0)
    cut = image.copy()
    cut.putalpha(seen)
    return images.composite(cut, images.new("RGBA", image.size), seen)


ENDINGS: dict[str, Callable[[Image, str, str], bytes]] = {
    ".png": _png,
    ".webp": _webp,
    ".jpg": _jpeg,
    ".jpeg": _jpeg,
    ".svg": _svg,
}


def listed_endings() -> str:
    """For people: `.png, .webp, .jpg or .svg`."""
    return ".png, .webp, .jpg or .svg"
