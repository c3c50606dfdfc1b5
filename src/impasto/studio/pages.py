"""The pages: each builds its context and hands it to a template; nothing is decided in between."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from impasto.api.house import HouseHere
from impasto.studio import contexts
from impasto.studio.entry import VisitorHere
from impasto.studio.look import page, person_of, samples
from impasto.workflows.gallery import Wish

router = APIRouter(include_in_schema=False)

SHOWN_JOBS = 12
PER_PAGE = 60


@router.get("/")
def create(
    request: Request,
    house: HouseHere,
    caller: VisitorHere,
    words: Annotated[str, Query(max_length=2000)] = "",
    model: str | None = None,
    init: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """The first page; `init` is a kept picture to start from."""
    cards = house.desk.cards()
    models = tuple(contexts.model_choice(card, samples()) for card in cards)
    chosen = next((choice for choice in models if choice.name == model), models[0])
    jobs = house.desk.jobs(caller, limit=SHOWN_JOBS)
    context = contexts.CreatePage(
        person=person_of(request, house, caller),
        models=models,
        chosen=chosen,
        most_at_once=contexts.MOST_AT_ONCE,
        jobs=tuple(contexts.job_card(job, cards) for job in jobs if job.pictures or not job.ended or job.reason),
        words=words,
        init_id=init,
        init_url=contexts.kept_tile(house.gallery.find(caller, init)).url if init else "",
    )
    return page(request, "create.html", context, here="create")


@router.get("/pictures")
def pictures(
    request: Request,
    house: HouseHere,
    caller: VisitorHere,
    words: Annotated[str, Query(max_length=500)] = "",
    style: str = "",
    favourite: bool = False,
    before: str | None = None,
) -> Response:
    """The gallery; asked for by its own last tile, only what follows it."""
    wish = Wish(words=words, style=style or None, favourite=favourite or None)
    found = house.gallery.page(caller, wish, before=before, limit=PER_PAGE)
    context = contexts.GalleryPage(
        person=person_of(request, house, caller),
        words=words,
        style=style,
        favourite=favourite,
        styles=tuple(dict.fromkeys(name for card in house.desk.cards() for name in card.styles)),
        tiles=tuple(map(contexts.kept_tile, found.pictures)),
        next=found.next,
    )
    name = "parts/tiles.html" if before or request.headers.get("hx-target") == "tiles" else "pictures.html"
    return page(request, name, context, here="pictures")


@router.get("/pictures/{picture_id}")
def picture(picture_id: str, request: Request, house: HouseHere, caller: VisitorHere) -> Response:
    kept = house.gallery.find(caller, picture_id)
    context = contexts.picture_page(person_of(request, house, caller), kept)
    return page(request, "picture.html", context, here="pictures")


@router.get("/read")
def read(request: Request, house: HouseHere, caller: VisitorHere) -> Response:
    return page(request, "read.html", contexts.ReadPage(person=person_of(request, house, caller)), here="read")
