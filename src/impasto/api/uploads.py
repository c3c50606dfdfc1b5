"""Bytes from outside -> the pictures that a request starts from. Judged before they are decoded."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from impasto.core import Invalid
from impasto.pictures.reading import opened, read_init, read_mask

if TYPE_CHECKING:
    from impasto.api.house import Bounds
    from impasto.core import Init, Mask


def init_of(content: bytes, bounds: Bounds, field: str = "init") -> Init:
    """Raises Invalid naming `field`."""
    _small(content, bounds, field)
    return read_init(content, field)


def mask_of(content: bytes, bounds: Bounds, field: str = "mask") -> Mask:
    """Raises Invalid naming `field`."""
    _small(content, bounds, field)
    return read_mask(content, field)


def from_base64(text: str, field: str) -> bytes:
    """Base64 with or without a `data:` prefix. A link is not followed. Raises Invalid naming `field`."""
    if text.startswith(("http://", "https://")):
        raise Invalid(field, "must be the picture itself in base64; links are not followed")
    _, _, encoded = text.rpartition("base64,") if text.startswith("data:") else ("", "", text)
    try:
        return base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Invalid(field, "is not base64") from error


def _small(content: bytes, bounds: Bounds, field: str) -> None:
    with opened(content, field) as image:
        if image.width * image.height > bounds.upload_pixels:
            most = bounds.upload_pixels / 1e6
            raise Invalid(field, f"must have at most {most:g} megapixels: {image.width}x{image.height} has more")
