"""The way in, where people have accounts: signing in, up and out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from impasto.accounts.people import SESSION_LASTS, People
from impasto.api.callers import SESSION, CallerHere, caller, same_origin
from impasto.api.house import House, HouseHere
from impasto.core import Caller, ImpastoError, NotFound, NotSignedIn
from impasto.studio import contexts
from impasto.studio.look import page

router = APIRouter(include_in_schema=False)


def visitor(request: Request, response: Response, house: HouseHere) -> Caller:
    """As `caller`; who is not signed in is shown the way in."""
    try:
        return caller(request, response, house)
    except NotSignedIn:
        raise HTTPException(303, headers={"Location": "/sign-in"}) from None


VisitorHere = Annotated[Caller, Depends(visitor)]


@router.get("/sign-in")
def sign_in_page(request: Request, house: HouseHere) -> Response:
    if house.people is None:
        return RedirectResponse("/", status_code=303)
    nobody = contexts.Person(name="", alone=False)
    return page(request, "sign-in.html", contexts.ReadPage(person=nobody))


@router.post("/studio/sign-in")
async def sign_in(request: Request, house: HouseHere) -> Response:
    """Signs in, after signing up where that was asked for."""
    same_origin(request)
    async with request.form(max_fields=4, max_files=0) as form:
        fields = {name: str(value) for name, value in form.multi_items()}
    try:
        token = await run_in_threadpool(_enter, request, house, fields)
    except ImpastoError as error:
        return page(request, "parts/error.html", contexts.ErrorPart(message=str(error)), status=422)
    answer = Response(status_code=204, headers={"HX-Redirect": "/"})
    answer.set_cookie(
        SESSION,
        token,
        max_age=int(SESSION_LASTS.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return answer


@router.post("/studio/sign-out")
def sign_out(request: Request, house: HouseHere, found: CallerHere) -> Response:
    _people(house).sign_out(request.cookies.get(SESSION, ""))
    answer = Response(status_code=204, headers={"HX-Redirect": "/sign-in"})
    answer.delete_cookie(SESSION)
    return answer


def _enter(request: Request, house: House, fields: dict[str, str]) -> str:
    people, source = _people(house), request.client.host if request.client else ""
    email, password = fields.get("email", ""), fields.get("password", "")
    if fields.get("new"):
        house.limiter.take(f"sign-up {source}")
        people.sign_up(email, password)
    return people.sign_in(email, password, source=source).token


def _people(house: House) -> People:
    if house.people is None:
        raise NotFound("account", "here")
    return house.people
