"""A kept picture as a dialect's client wants it: its format, its size, its background."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from impasto.api.house import House
    from impasto.core import Caller, StoredPicture

MIMES = {"png": "image/png", "webp": "image/webp", "jpeg": "image/jpeg"}


def rendered(
    house: House,
    caller: Caller,
    picture: StoredPicture,
    *,
    ending: str = "png",
    size_px: tuple[int, int] | None = None,
    quality: int = 95,
) -> bytes:
    """The file as it is kept where nothing else is asked for; else drawn larger or smaller by Lanczos, re-encoded, with
    the text that A1111 tools read and Impasto's document inside."""
    from PIL import Image

    from impasto.pictures.carriers import dumps
    from impasto.pictures.formats import encode_image
    from impasto.pictures.metadata import parameters_text

    kept = house.gallery.find(caller, picture.id)
    path = house.blobs.path(kept.sha256)
    if ending == "png" and size_px in (None, (kept.width_px, kept.height_px)):
        return path.read_bytes()
    with Image.open(path) as opened:
        image = opened.convert("RGBA")
    if size_px is not None and image.size != size_px:
        image = image.resize(size_px, Image.Resampling.LANCZOS)
    text, document = parameters_text(kept.document), dumps(kept.document)
    if ending != "png" and quality < 95:
        made = _lossy(image, ending, quality)
    else:
        made = encode_image(image, {"jpeg": ".jpg"}.get(ending, f".{ending}"), text, document)
    return house.marker.follow(made, path.read_bytes())


def _lossy(image, ending: str, quality: int) -> bytes:  # type: ignore[no-untyped-def]
    from PIL import Image

    out = BytesIO()
    if ending == "jpeg":
        flat = Image.new("RGB", image.size, "white")
        flat.paste(image, mask=image.getchannel("A"))
        image = flat
    image.save(out, ending.upper(), quality=quality)
    return out.getvalue()


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()
