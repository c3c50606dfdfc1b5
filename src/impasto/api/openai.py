"""OpenAI's Images dialect: generations, edits, variations, streams, and the list of models.

Wire forms as `openai-python` sends and reads them. Beyond them, `seed`, `steps`, `negative_prompt`, `style` and
`guidance` may be given. Where nothing is said of the form of the answer, each picture comes as base64 and as a link:
clients of one age read the one, those of another age the other. A size that the model does not draw is drawn at the
model's own size and scaled to the one asked for.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from starlette.datastructures import UploadFile

from impasto.api import events
from impasto.api.callers import CallerHere
from impasto.api.house import House, HouseHere
from impasto.api.rendered import MIMES, b64, rendered
from impasto.api.uploads import init_of, mask_of
from impasto.core import MAX_SEED, Caller, Failed, ImageRequest, Invalid, Job, NotFound, Refused, StoredPicture

if TYPE_CHECKING:
    from numpy import ndarray

    from impasto.api.errors import No
    from impasto.models.cards import Card

router = APIRouter(prefix="/v1", tags=["openai"])

LINK_LASTS_S = 3600
ALIASES = ("dall-e", "gpt-image", "chatgpt-image")
"""what stock clients ask for when their person says nothing: the model that is first here"""
TYPES = {401: "authentication_error", 402: "insufficient_quota", 403: "permission_error", 429: "rate_limit_error"}
CODES = {"unknown_model": "model_not_found", "not_enough_credit": "insufficient_quota", "refused": "moderation_blocked"}


class Asked(BaseModel):
    """The fields of all three calls."""

    model_config = ConfigDict(extra="forbid")

    prompt: str = ""
    model: str | None = None
    n: int = Field(default=1, ge=1, le=10)
    size: str | None = Field(default=None, pattern=r"^(auto|[1-9]\d{1,3}x[1-9]\d{1,3})$")
    quality: Literal["standard", "hd", "low", "medium", "high", "auto"] | None = None
    response_format: Literal["url", "b64_json"] | None = None
    output_format: Literal["png", "jpeg", "webp"] = "png"
    output_compression: int = Field(default=100, ge=0, le=100)
    background: Literal["transparent", "opaque", "auto"] = "auto"
    moderation: Literal["low", "auto"] | None = None
    style: str | None = None
    """one of the model's; OpenAI's own "vivid" and "natural" are the default one"""
    user: str | None = None
    input_fidelity: Literal["low", "high"] | None = None
    stream: bool = False
    partial_images: int = Field(default=0, ge=0, le=3)
    seed: int | None = Field(default=None, ge=0, le=MAX_SEED)
    steps: int | None = None
    guidance: float | None = None
    negative_prompt: str = ""
    strength: float | None = None

    @field_validator("*", mode="before")
    @classmethod
    def _none_is_default(cls, value: Any, info: Any) -> Any:
        return cls.model_fields[info.field_name].get_default() if value is None else value

    @property
    def size_px(self) -> tuple[int, int] | None:
        if self.size in (None, "auto"):
            return None
        width_px, _, height_px = str(self.size).partition("x")
        return int(width_px), int(height_px)


@router.post("/images/generations")
async def generations(request: Request, house: HouseHere, caller: CallerHere) -> Response:
    """Pictures of words."""
    from impasto.api.native.jobs import json_of

    asked = _valid(await json_of(request))
    if not asked.prompt.strip():
        raise Invalid("prompt", "must not be empty")
    return await _answer(request, house, caller, asked, {}, kind="image_generation")


@router.post("/images/edits")
async def edits(request: Request, house: HouseHere, caller: CallerHere) -> Response:
    """Pictures of words, from a picture; where the mask is transparent it is drawn anew."""
    fields, files = await _form(request)
    asked = _valid(fields)
    if "image" not in files:
        raise Invalid("image", "must be given, as a file")
    if not asked.prompt.strip():
        raise Invalid("prompt", "must not be empty")
    return await _answer(request, house, caller, asked, files, kind="image_edit")


@router.post("/images/variations")
async def variations(request: Request, house: HouseHere, caller: CallerHere) -> Response:
    """Pictures like one: by its own words, where it carries Impasto's document or A1111's text."""
    fields, files = await _form(request)
    asked = _valid(fields)
    if "image" not in files:
        raise Invalid("image", "must be given, as a file")
    if not asked.prompt.strip():
        asked = asked.model_copy(update={"prompt": _words_of(files["image"])})
    return await _answer(request, house, caller, asked, files, kind="image_edit")


@router.get("/models")
def models(house: HouseHere, caller: CallerHere) -> dict[str, Any]:
    return {"object": "list", "data": [_model(card) for card in house.desk.cards()]}


@router.get("/models/{name}")
def model(name: str, house: HouseHere, caller: CallerHere) -> dict[str, Any]:
    return _model(_card(house, name))


@router.get("/images/files/{account}/{picture_id}.{ending}")
def linked(
    account: str,
    picture_id: str,
    ending: Literal["png", "jpeg", "webp"],
    until: int,
    size: str,
    sign: str,
    house: HouseHere,
) -> Response:
    """A picture by a link that works for an hour, for whoever has it."""
    expected = _sign(house, account, picture_id, ending, until, size)
    if not hmac.compare_digest(expected, sign) or until < time.time():
        raise NotFound("link", picture_id)
    owner = Caller(account=account, name="", scopes=frozenset({"read"}))
    kept = house.gallery.find(owner, picture_id)
    picture = StoredPicture(**{name: getattr(kept, name) for name in StoredPicture.__dataclass_fields__})
    width_px, _, height_px = size.partition("x")
    content = rendered(house, owner, picture, ending=ending, size_px=(int(width_px), int(height_px)))
    return Response(content, media_type=MIMES[ending])


async def _answer(
    request: Request, house: House, caller: Caller, asked: Asked, files: Mapping[str, bytes], *, kind: str
) -> Response:
    wanted = await run_in_threadpool(_request, house, asked, files)
    job = await run_in_threadpool(house.desk.submit, caller, wanted, keep=False)
    if asked.stream:
        return events.stream(_streamed(house, caller, job, asked, kind))
    try:
        job = await house.desk.wait(caller, job.id, timeout_s=house.bounds.wait_s)
    finally:
        if not job.ended:
            await run_in_threadpool(house.desk.cancel, caller, job.id)
    _made(job)
    base = str(request.base_url).rstrip("/")
    data = [await run_in_threadpool(_datum, house, caller, asked, picture, base) for picture in job.pictures]
    return JSONResponse({"created": int(job.created_at.timestamp()), "data": data, **_told(job, asked)})


async def _streamed(house: House, caller: Caller, job: Job, asked: Asked, kind: str) -> AsyncIterator[tuple[str, str]]:
    """Partial pictures as they grow, then each when it is finished."""
    import json

    sent: dict[int, int] = {}
    try:
        async for event in house.desk.watch(caller, job.id):
            job, progress = event.job, event.progress
            about = {"created_at": int(time.time()), **_told(job, asked)}
            if progress is not None and progress.preview is not None:
                due, parts = sent.get(progress.index, 0), asked.partial_images + 1
                if due + 1 < parts and progress.step * parts >= (due + 1) * progress.steps:
                    sent[progress.index] = due + 1
                    size_px = asked.size_px or _card(house, job.model).picture.sizes[0]
                    partial = b64(_grown(progress.preview, size_px))
                    body = {"type": f"{kind}.partial_image", "b64_json": partial, "partial_image_index": due, **about}
                    yield body["type"], json.dumps(body)
            if event.picture is not None:
                datum = await run_in_threadpool(_datum, house, caller, asked, event.picture)
                body = {"type": f"{kind}.completed", "b64_json": datum.get("b64_json", ""), **about}
                yield body["type"], json.dumps(body)
        _made(job)
    except (Failed, Invalid, Refused) as error:
        from impasto.api.errors import no_of

        yield "error", json.dumps({"type": "error", **say(no_of(error))})
    finally:
        if not job.ended:
            await run_in_threadpool(house.desk.cancel, caller, job.id)


def _request(house: House, asked: Asked, files: Mapping[str, bytes]) -> ImageRequest:
    card = _card(house, asked.model)
    style = None if asked.style in ("vivid", "natural") else asked.style
    return ImageRequest(
        words=asked.prompt,
        negative=asked.negative_prompt,
        model=card.model.name,
        style=style,
        size_px=asked.size_px if asked.size_px in card.picture.sizes else None,
        steps=asked.steps,
        guidance=asked.guidance,
        seed=asked.seed,
        count=asked.n,
        background="#ffffff" if asked.background == "opaque" else "transparent",
        init=init_of(files["image"], house.bounds, "image") if "image" in files else None,
        mask=mask_of(files["mask"], house.bounds) if "mask" in files else None,
        strength=asked.strength,
    )


def _card(house: House, name: str | None) -> Card:
    """Raises UnknownModel."""
    from impasto.core import UnknownModel

    cards = {card.model.name: card for card in house.desk.cards()}
    if name is None or (name not in cards and name.startswith(ALIASES)):
        return next(iter(cards.values()))
    if name not in cards:
        raise UnknownModel("model", name, cards)
    return cards[name]


def _model(card: Card) -> dict[str, Any]:
    return {"id": card.model.name, "object": "model", "created": 0, "owned_by": "impasto"}


def _made(job: Job) -> None:
    """Raises for a job that made nothing."""
    if job.pictures:
        return
    if job.state == "refused":
        raise Refused("policy", job.reason)
    raise Invalid(job.field, job.reason) if job.field else Failed({0: job.reason or job.state})


def _told(job: Job, asked: Asked) -> dict[str, Any]:
    size_px = asked.size_px or ((p := job.pictures[0]).width_px, p.height_px) if job.pictures else asked.size_px
    shown = "auto" if size_px is None else f"{size_px[0]}x{size_px[1]}"
    background = "opaque" if asked.background == "opaque" else "transparent"
    return {"background": background, "output_format": asked.output_format, "quality": "auto", "size": shown}


def _datum(house: House, caller: Caller, asked: Asked, picture: StoredPicture, base: str = "") -> dict[str, Any]:
    out: dict[str, Any] = {"seed": picture.seed}
    size_px = asked.size_px or (picture.width_px, picture.height_px)
    if asked.response_format != "url":
        quality = min(asked.output_compression, 95)
        out["b64_json"] = b64(
            rendered(house, caller, picture, ending=asked.output_format, size_px=size_px, quality=quality)
        )
    if asked.response_format != "b64_json":
        until, size = int(time.time()) + LINK_LASTS_S, f"{size_px[0]}x{size_px[1]}"
        sign = _sign(house, caller.account, picture.id, asked.output_format, until, size)
        path = f"/v1/images/files/{caller.account}/{picture.id}.{asked.output_format}"
        out["url"] = f"{base}{path}?until={until}&size={size}&sign={sign}"
    return out


def _grown(preview: ndarray, size_px: tuple[int, int]) -> bytes:
    """A small preview at the size of the picture, as PNG."""
    from io import BytesIO

    from PIL import Image

    out = BytesIO()
    Image.fromarray(preview, "RGBA").resize(size_px, Image.Resampling.BICUBIC).save(out, "PNG")
    return out.getvalue()


def _sign(house: House, *parts: object) -> str:
    text = "\n".join(map(str, parts)).encode()
    return hmac.new(house.secret, b"link\n" + text, hashlib.sha256).hexdigest()


def _valid(fields: Mapping[str, Any]) -> Asked:
    try:
        return Asked.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        raise Invalid(".".join(map(str, first["loc"])), first["msg"]) from error


async def _form(request: Request) -> tuple[dict[str, Any], dict[str, bytes]]:
    """(fields, files); of several images, `image[]` or `image` again, the first is drawn from."""
    fields: dict[str, Any] = {}
    files: dict[str, bytes] = {}
    async with request.form(max_files=16, max_fields=40) as form:
        for name, value in form.multi_items():
            name = name.removesuffix("[]")
            if isinstance(value, UploadFile):
                if name not in ("image", "mask"):
                    raise Invalid(name, "is no file that is asked for; image and mask are")
                files.setdefault(name, await value.read())
            else:
                fields[name] = value
    return fields, files


def _words_of(content: bytes) -> str:
    """The words that a picture carries. Raises Invalid if it carries none."""
    from impasto.pictures.metadata import read_any

    found = read_any(content)
    words = (found.document or {}).get("words") or (found.parameters or "").partition("\n")[0]
    if not words:
        raise Invalid("image", "carries no words of its own; give a prompt")
    return words


def say(no: No) -> dict[str, object]:
    """OpenAI's form of an error."""
    kind = TYPES.get(no.status, "invalid_request_error" if no.status < 500 else "server_error")
    code = CODES.get(no.code, no.code)
    return {"error": {"message": no.message, "type": kind, "param": no.field or None, "code": code}}
