"""What was asked, as a job keeps it: every field as JSON, pictures as files among the blobs."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

from impasto.core import ImageRequest, Init, Mask

if TYPE_CHECKING:
    from numpy import ndarray

    from impasto.ports import Blobs

PICTURES = ("init", "mask")


def to_json(request: ImageRequest, blobs: Blobs) -> dict[str, Any]:
    """Plain values; the pixels it was drawn from are put among the blobs."""
    out = {f.name: getattr(request, f.name) for f in fields(request) if f.name not in PICTURES}
    if request.init is not None:
        out["init"] = {"sha256": request.init.sha256, "file": blobs.put(_png(request.init.pixels))}
    if request.mask is not None:
        mask = request.mask
        out["mask"] = {"sha256": mask.sha256, "file": blobs.put(_png(mask.pixels)), "beyond": mask.beyond}
    return out


def from_json(kept: dict[str, Any], blobs: Blobs) -> ImageRequest:
    """The request again. Raises NotFound or Damaged if a picture of it is gone."""
    plain = {name: value for name, value in kept.items() if name not in PICTURES}
    if plain.get("size_px") is not None:
        plain["size_px"] = tuple(plain["size_px"])
    request = ImageRequest(**plain)
    if init := kept.get("init"):
        request = replace(request, init=Init(sha256=init["sha256"], pixels=_pixels(blobs, init["file"])))
    if mask := kept.get("mask"):
        pixels = _pixels(blobs, mask["file"])
        request = replace(request, mask=Mask(sha256=mask["sha256"], pixels=pixels, beyond=mask["beyond"]))
    return request


def files_of(kept: dict[str, Any]) -> set[str]:
    """The blobs that a kept request names."""
    return {kept[name]["file"] for name in PICTURES if kept.get(name)}


def digest(request: ImageRequest) -> str:
    """sha256 of all that was asked, the same for the same request."""
    plain = {f.name: getattr(request, f.name) for f in fields(request) if f.name not in PICTURES}
    drawn_from = [getattr(request, name) and getattr(request, name).sha256 for name in PICTURES]
    return hashlib.sha256(json.dumps([plain, drawn_from], sort_keys=True).encode()).hexdigest()


def _png(pixels: ndarray) -> bytes:
    from PIL import Image

    out = BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()


def _pixels(blobs: Blobs, sha256: str) -> ndarray:
    import numpy as np
    from PIL import Image

    return np.asarray(Image.open(BytesIO(blobs.get(sha256))))
