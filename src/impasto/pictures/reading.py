"""A person's own pictures and masks, from anywhere, read with suspicion: what is too large, cut short or no picture is
refused by name before it is decoded.

Read are PNG, WebP and JPEG, by content and not by name, of any colour kind; the first frame where there are several.
EXIF orientation is applied. Values are taken as sRGB: colour profiles are not applied.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.core import ImpastoError, Init, Invalid, Mask, Picture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy import ndarray
    from PIL.Image import Image

    Source = str | os.PathLike[str] | bytes | Image | Picture
    """a path, the bytes of a file, a Pillow image, or a picture that Impasto drew"""

MAX_FILE_BYTES = 256 * 2**20
MAX_PIXELS = 50_000_000
FORMATS = ("PNG", "WEBP", "JPEG")


def read_init(source: Source, field: str = "init") -> Init:
    """A picture to start from. Colours that nobody can see, under full transparency, are left out.

    Raises Invalid naming `field`.
    """
    import numpy as np

    pixels = np.array(_rgba(source, field))
    pixels[pixels[..., 3] == 0] = 0
    return Init(sha256=_digest("rgba", pixels), pixels=pixels)


def read_mask(source: Source, field: str = "mask") -> Mask:
    """What may change. A mask that is transparent somewhere says it by that: transparent changes, opaque stays, and
    what lies beyond the picture changes. Any other says it by brightness: white changes, black stays.

    Raises Invalid naming `field`.
    """
    import numpy as np

    image = _rgba(source, field)
    alpha = np.asarray(image.getchannel("A"))
    if alpha.min() < 255:
        return Mask(sha256=_digest("clear", 255 - alpha), pixels=255 - alpha, beyond=True)
    pixels = np.array(image.convert("L"))
    return Mask(sha256=_digest("white", pixels), pixels=pixels)


@contextmanager
def opened(source: Path | bytes, field: str) -> Iterator[Image]:
    """A file's picture, its header read and found small enough to decode. Raises Invalid, also for what goes wrong as
    it is decoded within."""
    from PIL import Image

    name = source if isinstance(source, Path) else "what was given"
    check_file(source, field)
    try:
        with warnings.catch_warnings(action="ignore"):  # of sizes, which are judged here
            image = Image.open(BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS)
        with image:
            _check_size(image, field)
            yield image
    except (ImpastoError, MemoryError):
        raise
    except Image.DecompressionBombError:
        raise Invalid(field, _too_many(str(name))) from None
    except Exception as error:  # Pillow's readers raise nearly anything for broken files
        raise Invalid(field, f"{name} is no readable PNG, WebP or JPEG") from error


def check_file(source: Path | bytes, field: str) -> None:
    """Refuse a file that is not there or too large to read, as Invalid."""
    if isinstance(source, Path) and not source.is_file():
        raise Invalid(field, f"there is no file {source}")
    size_bytes = source.stat().st_size if isinstance(source, Path) else len(source)
    if size_bytes > MAX_FILE_BYTES:
        raise Invalid(field, f"must be at most {MAX_FILE_BYTES // 2**20} MiB, not {size_bytes / 2**20:.0f}")


def _check_size(image: Image, field: str) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise Invalid(field, _too_many(f"{image.width}x{image.height}"))


def _too_many(what: str) -> str:
    return f"must have at most {MAX_PIXELS // 10**6} megapixels: {what} has more"


def _rgba(source: Source, field: str) -> Image:
    """Upright, in mode RGBA."""
    from PIL import Image as images

    if isinstance(source, Picture):
        return source.image
    if isinstance(source, images.Image):
        _check_size(source, field)
        return _upright(source, field)
    if not isinstance(source, bytes | str | os.PathLike):
        raise Invalid(field, f"must be a path, bytes, a Pillow image or a Picture, not {type(source).__name__}")
    with opened(source if isinstance(source, bytes) else Path(source).expanduser(), field) as image:
        return _upright(image, field)


def _upright(image: Image, field: str) -> Image:
    from PIL import ImageOps

    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I;16"):
        upright = _eight_bits(upright)
    if upright.mode in ("I", "F"):
        raise Invalid(field, f"must have 8 or 16 bits a channel; Pillow's mode {upright.mode} says not what is white")
    return upright.convert("RGBA")


def _eight_bits(image: Image) -> Image:
    """16-bit grey, which Pillow would clip rather than scale, by its high byte, as Pillow reads 16-bit colour."""
    import numpy as np
    from PIL import Image as images

    levels = np.asarray(image)
    small = images.fromarray((levels >> 8).astype(np.uint8))
    if (clear := image.info.get("transparency")) is not None:
        small.putalpha(images.fromarray(np.where(levels == clear, 0, 255).astype(np.uint8)))
    return small


def _digest(kind: str, pixels: ndarray) -> str:
    """sha256 of a line such as `rgba 640x480` and the pixels row by row, whatever file they came in."""
    height, width = pixels.shape[:2]
    return hashlib.sha256(f"{kind} {width}x{height}\n".encode() + pixels.tobytes()).hexdigest()
