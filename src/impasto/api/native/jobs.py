"""Impasto's own dialect: jobs that are asked for, watched, cancelled, or waited for."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import UploadFile

from impasto.api import events
from impasto.api.callers import CallerHere
from impasto.api.house import House, HouseHere
from impasto.api.uploads import from_base64, init_of, mask_of
from impasto.core import (
    MAX_SEED,
    Failed,
    ImageRequest,
    Invalid,
    Job,
    JobState,
    Quote,
    Refused,
    StoredPicture,
)

router = APIRouter(prefix="/api", tags=["jobs"])

Key = Annotated[str | None, Header(alias="Idempotency-Key", description="your own name for this request")]


class Ask(BaseModel):
    """What to draw; what is left out is the model's default."""

    model_config = ConfigDict(extra="forbid")

    words: str = Field(description="what shall be seen, in any language")
    negative: str = ""
    model: str = "mini"
    style: str | None = None
    width_px: int | None = Field(default=None, ge=1, le=8192)
    height_px: int | None = Field(default=None, ge=1, le=8192)
    steps: int | None = None
    guidance: float | None = None
    sampler: str | None = None
    sigmas: str | None = None
    seed: int | None = Field(default=None, ge=0, le=MAX_SEED)
    count: int = 1
    background: str = "transparent"
    init: str | None = Field(default=None, description="a picture to start from, base64")
    mask: str | None = Field(default=None, description="what of it may change, base64")
    strength: float | None = None
    priority: int = Field(default=0, description="-10 to 10, among your own jobs")
    keep: bool = Field(default=True, description="false: gone 24 hours after it ended")

    def request(self, house: House, init: bytes | None = None, mask: bytes | None = None) -> ImageRequest:
        """`init` and `mask` are files that came beside the fields."""
        if (self.width_px is None) != (self.height_px is None):
            missing = "height_px" if self.height_px is None else "width_px"
            raise Invalid(missing, "width_px and height_px must be given together")
        init = init if self.init is None else from_base64(self.init, "init")
        mask = mask if self.mask is None else from_base64(self.mask, "mask")
        plain = self.model_dump(exclude={"width_px", "height_px", "init", "mask", "priority", "keep"})
        return ImageRequest(
            **plain,
            size_px=None if self.width_px is None or self.height_px is None else (self.width_px, self.height_px),
            init=None if init is None else init_of(init, house.bounds),
            mask=None if mask is None else mask_of(mask, house.bounds),
        )


class PictureOut(BaseModel):
    id: str
    index: int
    url: str
    sha256: str
    width_px: int
    height_px: int
    seed: int


class QuoteOut(BaseModel):
    credit_micros: int = Field(description="for all; one credit is 1000000")
    picture_micros: int
    count: int


class JobOut(BaseModel):
    id: str
    kind: str
    state: JobState
    words: str
    model: str
    count: int
    quote: QuoteOut
    charged_micros: int
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    reason: str
    field: str
    position: int | None = Field(description="pictures that are begun before its first one")
    done_share: float
    pictures: list[PictureOut]


@router.post("/jobs", status_code=202, response_model=JobOut, openapi_extra={"requestBody": events.ASK_BODY})
async def submit(request: Request, response: Response, house: HouseHere, caller: CallerHere, key: Key = None) -> JobOut:
    """Ask for pictures; the answer comes at once and says where the job is to be found.

    The fields come as JSON, or as a multipart form with `init` and `mask` as files.
    """
    job = await submitted(request, house, caller, key)
    response.headers["Location"] = f"/api/jobs/{job.id}"
    return told(job)


@router.post(
    "/draw",
    response_model=JobOut,
    openapi_extra={"requestBody": events.ASK_BODY},
    responses={200: {"content": {"image/png": {}}}, 202: {"description": "not ended in time; look at its Location"}},
)
async def draw(request: Request, house: HouseHere, caller: CallerHere, key: Key = None) -> Response:
    """Ask for pictures and wait for them. With `Accept: image/png` the answer is the first picture itself."""
    job = await submitted(request, house, caller, key)
    job = await house.desk.wait(caller, job.id, timeout_s=house.bounds.wait_s)
    where = {"Location": f"/api/jobs/{job.id}"}
    if job.state == "refused":
        raise Refused("policy", job.reason)
    if job.ended and not job.pictures:
        raise Invalid(job.field, job.reason) if job.field else Failed({0: job.reason or job.state})
    if job.pictures and "image/png" in request.headers.get("accept", ""):
        path = house.gallery.path(caller, job.pictures[0].id)
        return FileResponse(path, media_type="image/png", headers={**where, "X-Seed": str(job.pictures[0].seed)})
    return JSONResponse(told(job).model_dump(mode="json"), 200 if job.ended else 202, where)


@router.post("/quote", response_model=QuoteOut)
def quote(ask: Ask, house: HouseHere, caller: CallerHere) -> QuoteOut:
    """What an ask would cost; nothing is begun."""
    return priced(house.desk.quote(caller, ask.request(house)))


@router.get("/jobs", response_model=list[JobOut])
def jobs(
    house: HouseHere,
    caller: CallerHere,
    state: JobState | None = None,
    before: Annotated[str | None, Query(description="the id of the last one seen")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[JobOut]:
    """Your own, newest first."""
    return [told(job) for job in house.desk.jobs(caller, state=state, before=before, limit=limit)]


@router.get("/jobs/{job_id}", response_model=JobOut)
def job(job_id: str, house: HouseHere, caller: CallerHere) -> JobOut:
    return told(house.desk.find(caller, job_id))


@router.delete("/jobs/{job_id}", response_model=JobOut)
def cancel(job_id: str, house: HouseHere, caller: CallerHere) -> JobOut:
    """Cancel it; pictures that are finished are kept and charged, the rest costs nothing."""
    return told(house.desk.cancel(caller, job_id))


@router.get("/jobs/{job_id}/events", response_class=StreamingResponse, responses={200: {"content": {events.MIME: {}}}})
async def watch(job_id: str, house: HouseHere, caller: CallerHere) -> StreamingResponse:
    """Server-sent events until it ends: `job` (it, as it is), `progress`, `picture`, and last `ended`."""
    house.desk.find(caller, job_id)
    return events.stream(_events(house, caller, job_id))


async def _events(house: House, caller: CallerHere, job_id: str) -> AsyncIterator[tuple[str, str]]:
    async for event in house.desk.watch(caller, job_id):
        if event.progress is not None:
            progress = event.progress
            preview = None if progress.preview is None else events.data_url(progress.preview)
            walked = {"index": progress.index, "step": progress.step, "steps": progress.steps, "preview": preview}
            yield "progress", json.dumps(walked)
        if event.picture is not None:
            yield "picture", pictured(event.picture).model_dump_json()
        elif event.job.ended or event.progress is None:
            yield ("ended" if event.job.ended else "job"), told(event.job).model_dump_json()


async def submitted(request: Request, house: House, caller: CallerHere, key: str | None) -> Job:
    """Read what was asked, as JSON or as a form, and hand it in."""
    from fastapi.concurrency import run_in_threadpool

    ask, init, mask = await read(request)

    def hand_in() -> Job:
        wanted = ask.request(house, init, mask)
        return house.desk.submit(caller, wanted, key=key, priority=ask.priority, keep=ask.keep)

    return await run_in_threadpool(hand_in)


async def read(request: Request) -> tuple[Ask, bytes | None, bytes | None]:
    """(fields, init file, mask file). Raises Invalid naming the field."""
    files: dict[str, bytes] = {}
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        fields: dict[str, Any] = {}
        async with request.form(max_files=2, max_fields=40) as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    files[name] = await value.read()
                elif value != "":
                    fields[name] = value
        for name in files:
            if name not in ("init", "mask"):
                raise Invalid(name, "is no file that is asked for; init and mask are")
    else:
        fields = await json_of(request)
    try:
        return Ask.model_validate(fields), files.get("init"), files.get("mask")
    except ValidationError as error:
        first = error.errors()[0]
        raise Invalid(".".join(map(str, first["loc"])), first["msg"]) from error


async def json_of(request: Request) -> dict[str, Any]:
    try:
        fields = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise Invalid("body", "must be JSON, or a multipart form") from error
    if not isinstance(fields, dict):
        raise Invalid("body", "must be a JSON object")
    return fields


def told(job: Job) -> JobOut:
    shown = {name: getattr(job, name) for name in JobOut.model_fields if name not in ("quote", "pictures")}
    return JobOut(**shown, quote=priced(job.quote), pictures=[pictured(picture) for picture in job.pictures])


def priced(quote: Quote) -> QuoteOut:
    return QuoteOut(credit_micros=quote.credit_micros, picture_micros=quote.picture_micros, count=quote.count)


def pictured(picture: StoredPicture) -> PictureOut:
    return PictureOut(
        id=picture.id,
        index=picture.index,
        url=f"/api/pictures/{picture.id}/file",
        sha256=picture.sha256,
        width_px=picture.width_px,
        height_px=picture.height_px,
        seed=picture.seed,
    )
