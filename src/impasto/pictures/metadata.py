"""What a file says of its picture: A1111's `parameters` text, and a JSON document from which it can be drawn again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any

from impasto.core import MAX_SEED, ImageRequest, Invalid, ModelRef
from impasto.pictures.carriers import read_texts
from impasto.version import __version__

if TYPE_CHECKING:
    from impasto.core import Picture

FORMAT = 1
"""the version of the JSON document; a reader refuses those it does not know"""

A1111_SAMPLERS = {
    "euler": "Euler",
    "euler_ancestral": "Euler a",
    "heun": "Heun",
    "dpm_2": "DPM2",
    "dpm_2_ancestral": "DPM2 a",
    "dpmpp_2m": "DPM++ 2M",
    "dpmpp_2s_ancestral": "DPM++ 2S a",
    "dpmpp_sde": "DPM++ SDE",
    "dpmpp_2m_sde": "DPM++ 2M SDE",
    "lms": "LMS",
    "unipc": "UniPC",
    "lcm": "LCM",
    "ddim": "DDIM",
}
A1111_HASH_CHARS = 10


def describe(picture: Picture) -> dict[str, Any]:
    """All that made the picture, in the order people read it. Floats are kept to the last bit."""
    drawing, model = picture.drawing, picture.model
    edit = drawing.edit
    drawn_from = (
        {}
        if edit is None
        else {
            "edit": {
                "strength": edit.strength,
                "init_sha256": edit.init.sha256,
                "mask_sha256": edit.mask.sha256 if edit.mask else None,
            }
        }
    )
    return {
        "format": FORMAT,
        "words": drawing.words,
        "template": picture.template or drawing.words,
        "negative": drawing.negative,
        "style": drawing.style,
        "seed": drawing.seed,
        "sampler": drawing.sampler,
        "sigmas": {"curve": drawing.sigmas, "values": list(picture.sigma_values)},
        "steps": drawing.steps,
        "guidance": drawing.guidance,
        "size_px": [drawing.width_px, drawing.height_px],
        "background": drawing.background,
        **drawn_from,
        "model": {"name": model.name, "version": model.version, "sha256": model.sha256},
        "impasto": __version__,
    }


def parameters_text(document: dict[str, Any]) -> str:
    """The text that A1111 tools parse: the words, the negative words if there are any, and a line of `Key: value`."""
    width_px, height_px = document["size_px"]
    model = document["model"]
    settings = {
        "Steps": document["steps"],
        "Sampler": A1111_SAMPLERS.get(document["sampler"], document["sampler"]),
        "CFG scale": f"{document['guidance']:g}",
        "Seed": document["seed"],
        "Size": f"{width_px}x{height_px}",
        "Model hash": model["sha256"][:A1111_HASH_CHARS],
        "Model": model["name"],
        **({"Denoising strength": f"{document['edit']['strength']:g}"} if "edit" in document else {}),
        "Version": f"Impasto {document['impasto']}",
    }
    negative = [f"Negative prompt: {document['negative']}"] if document["negative"] else []
    line = ", ".join(f"{key}: {_quoted(value)}" for key, value in settings.items())
    return "\n".join([document["words"], *negative, line])


def _quoted(value: object) -> str:
    """A1111's rule: a value that would break the line of pairs stands as a JSON string."""
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if any(c in text for c in ",:\n") else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """What was found in a file; None where there is none."""

    parameters: str | None
    document: dict[str, Any] | None


def read(path: Path) -> Embedded:
    """Raises Invalid if the file cannot be read, or carries neither text, or a JSON document that is not ours."""
    found = read_any(path)
    if found.parameters is None and found.document is None:
        raise Invalid("file", f"{path} carries no parameters, neither Impasto's nor A1111's")
    return found


def read_any(path: Path | bytes) -> Embedded:
    """As `read`, for a file, or the bytes of one, that may carry neither."""
    parameters, json_text = read_texts(path)
    path = Path("what was given") if isinstance(path, bytes) else path
    return Embedded(parameters=parameters, document=_parse(path, json_text) if json_text is not None else None)


def _parse(path: Path, json_text: str) -> dict[str, Any]:
    try:
        document = json.loads(json_text)
    except ValueError as error:
        raise Invalid("file", f"the parameters in {path} are damaged: {error}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise Invalid("file", f"the parameters in {path} are of a format this Impasto ({__version__}) does not know")
    return document


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What a picture was made of, as its document says."""

    request: ImageRequest
    """its words as they were drawn, and neither init nor mask, of which only the hash is known"""
    template: str
    model: ModelRef
    init_sha256: str | None = None
    mask_sha256: str | None = None


def request_of(document: dict[str, Any]) -> Recorded:
    """What draws a picture again. Raises Invalid naming the first key that is missing or of the wrong kind."""
    if "pictures" in document:
        raise Invalid("file", "is a sheet of several pictures; draw one of them again from its own file")
    sigmas, model = _get(document, "sigmas", dict), _get(document, "model", dict)
    edit = _get(document, "edit", dict) if "edit" in document else None
    size_px = _get(document, "size_px", list)
    if len(size_px) != 2 or not all(type(side) is int for side in size_px):
        raise Invalid("file", "its parameters are damaged: size_px must be two whole numbers")
    seed: int = _get(document, "seed", int)
    if not 0 <= seed <= MAX_SEED:
        raise Invalid("file", f"its parameters are damaged: seed must be from 0 to {MAX_SEED}")
    request = ImageRequest(
        words=_get(document, "words", str),
        negative=_get(document, "negative", str),
        model=_get(model, "name", str),
        style=_get(document, "style", str),
        size_px=(size_px[0], size_px[1]),
        steps=_get(document, "steps", int),
        guidance=float(_get(document, "guidance", (int, float))),
        sampler=_get(document, "sampler", str),
        sigmas=_get(sigmas, "curve", str),
        seed=seed,
        background=_get(document, "background", str),
        strength=float(_get(edit, "strength", (int, float))) if edit is not None else None,
    )
    return Recorded(
        request=request,
        template=str(document.get("template") or request.words),
        model=ModelRef(name=request.model, version=_get(model, "version", str), sha256=_get(model, "sha256", str)),
        init_sha256=_get(edit, "init_sha256", str) if edit is not None else None,
        mask_sha256=_get(edit, "mask_sha256", (str, NoneType)) if edit is not None else None,
    )


def _get(mapping: dict[str, Any], key: str, kind: type | tuple[type, ...]) -> Any:
    value = mapping.get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise Invalid("file", f"its parameters are damaged: {key} is missing or not what it should be")
    return value
