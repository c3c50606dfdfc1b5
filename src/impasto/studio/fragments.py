"""The pieces of pages that htmx asks for: a job's card as it grows, what it costs, what a file says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, StreamingResponse
from starlette.datastructures import UploadFile

from impasto.api import events
from impasto.api.callers import CallerHere
from impasto.api.house import House, HouseHere
from impasto.api.uploads import init_of, mask_of
from impasto.core import Caller, ImageRequest, ImpastoError, Invalid
from impasto.pictures.metadata import read_any, request_of
from impasto.pictures.reading import read_init
from impasto.safety.verify import verify
from impasto.studio import contexts
from impasto.studio.forms import Asked, read_form
from impasto.studio.look import page, person_of, text
from impasto.workflows.edit import variation

router = APIRouter(prefix="/studio", include_in_schema=False)

LEAST_CHANGE = 0.04
"""of a job's whole way, between two cards that are sent: more often nobody sees"""


@router.post("/jobs")
async def submit(request: Request, house: HouseHere, caller: CallerHere) -> Response:
    """The form on the first page; its answer is the card of the job."""
    try:
        asked = await _form(request, house, caller)
        job = await run_in_threadpool(house.desk.submit, caller, asked)
    except ImpastoError as error:
        return _no(request, error)
    if "hx-request" not in request.headers:
        return RedirectResponse("/", status_code=303)
    card = contexts.job_card(job, house.desk.cards())
    return page(request, "parts/job.html", contexts.CardPart(card=card))


@router.post("/cost")
async def cost(request: Request, house: HouseHere, caller: CallerHere) -> Response:
    """What the button will cost; nothing where the form is not ready yet."""
    try:
        asked = await _form(request, house, caller, files=False)
        quote = await run_in_threadpool(house.desk.quote, caller, asked)
    except ImpastoError:
        return Response("&nbsp;", media_type="text/html")
    shown = contexts.cost(quote, free=house.people is None)
    return page(request, "parts/cost.html", contexts.CostPart(cost=shown))


@router.delete("/jobs/{job_id}", status_code=204)
def cancel(job_id: str, house: HouseHere, caller: CallerHere) -> None:
    house.desk.cancel(caller, job_id)


@router.get("/jobs/{job_id}/events")
async def watch(job_id: str, request: Request, house: HouseHere, caller: CallerHere) -> StreamingResponse:
    """The card, drawn anew as the job goes on; last an event `ended`."""
    await run_in_threadpool(house.desk.find, caller, job_id)
    return events.stream(_cards(request, house, caller, job_id))


async def _cards(request: Request, house: House, caller: CallerHere, job_id: str) -> AsyncIterator[tuple[str, str]]:
    cards, previews, sent = house.desk.cards(), dict[int, str](), -1.0
    async for event in house.desk.watch(caller, job_id):
        job, progress = event.job, event.progress
        if progress is not None and progress.preview is not None:
            previews[progress.index] = contexts.data_url(progress.preview)
            if job.done_share - sent < LEAST_CHANGE:
                continue
        sent = job.done_share
        part = contexts.CardPart(card=contexts.job_card(job, cards, previews))
        yield "card", text(request, "parts/card.html", part)
        if job.ended:
            yield "ended", job.state


@router.post("/pictures/{picture_id}/vary")
def vary(picture_id: str, request: Request, house: HouseHere, caller: CallerHere) -> Response:
    """More like this one: drawn from it, by its own words."""
    try:
        kept = house.gallery.find(caller, picture_id)
        init = read_init(house.gallery.path(caller, picture_id))
        job = house.desk.submit(caller, variation(init, kept.document, {}, model=kept.model))
    except ImpastoError as error:
        return _no(request, error)
    return page(request, "parts/job.html", contexts.CardPart(card=contexts.job_card(job, house.desk.cards())))


@router.post("/pictures/{picture_id}/favourite")
def favourite(picture_id: str, request: Request, house: HouseHere, caller: CallerHere) -> Response:
    kept = house.gallery.find(caller, picture_id)
    house.gallery.mark(caller, [picture_id], favourite=not kept.favourite)
    shown = contexts.picture_page(person_of(request, house, caller), house.gallery.find(caller, picture_id))
    return page(request, "parts/favourite.html", shown)


@router.delete("/pictures/{picture_id}")
def delete(picture_id: str, house: HouseHere, caller: CallerHere) -> Response:
    house.gallery.delete(caller, [picture_id])
    return Response(status_code=204, headers={"HX-Location": "/pictures"})


@router.post("/read")
async def read(request: Request, house: HouseHere, caller: CallerHere) -> Response:
    """What a picture from anywhere says of how it was made."""
    try:
        async with request.form(max_files=1) as form:
            file = form.get("file")
            content = await file.read() if isinstance(file, UploadFile) else b""
        found = read_any(content)
        known = None if found.document is None or "pictures" in found.document else request_of(found.document)
    except ImpastoError as error:
        return _no(request, error)
    told = contexts.FoundPart(
        words=known.request.words if known else "",
        parameters=found.parameters or "",
        report=await run_in_threadpool(verify, content, house.marker.read),
    )
    return page(request, "parts/found.html", told)


async def _form(request: Request, house: House, caller: Caller, *, files: bool = True) -> ImageRequest:
    """What was filled in, with the picture to start from, which was brought or is kept here, and the mask over it."""
    fields: dict[str, Any] = {}
    brought: dict[str, bytes] = {}
    async with request.form(max_files=2, max_fields=40) as form:
        for name, value in form.multi_items():
            if not isinstance(value, UploadFile):
                fields[name] = value
            elif files and value.size:
                brought[name] = await value.read()
    init_id = str(fields.pop("init_id", ""))
    for empty in ("init", "mask"):
        fields.pop(empty, None)  # a file field with nothing in it, as some clients send it
    return await run_in_threadpool(_request, house, caller, read_form(fields), init_id if files else "", brought)


def _request(house: House, caller: Caller, asked: Asked, init_id: str, brought: dict[str, bytes]) -> ImageRequest:
    init = mask = None
    if "init" in brought:
        init = init_of(brought["init"], house.bounds)
    elif init_id:
        init = read_init(house.gallery.path(caller, init_id))
    if "mask" in brought:
        if init is None:
            raise Invalid("mask", "needs a picture to start from")
        mask = mask_of(brought["mask"], house.bounds)
    return asked.request(init, mask)


def _no(request: Request, error: ImpastoError) -> Response:
    """The error beside the form instead of a card in the feed."""
    answer = page(request, "parts/error.html", contexts.ErrorPart(message=str(error)), status=422)
    answer.headers["HX-Retarget"] = "#composer-error"
    answer.headers["HX-Reswap"] = "innerHTML"
    return answer
