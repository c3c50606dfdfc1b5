"""Accounts: signing up, in and out; keys; and, for the operator, who there is."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict

from impasto.accounts.people import SESSION_LASTS, Key, People, Person
from impasto.api.callers import SESSION, CallerHere, OperatorHere, same_origin
from impasto.api.house import House, HouseHere
from impasto.core import NotFound

router = APIRouter(prefix="/api", tags=["accounts"])


class In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Credentials(In):
    email: str
    password: str


class NewPassword(In):
    old_password: str
    new_password: str


class NewKey(In):
    name: str
    scopes: list[str] = ["draw", "read"]


class NewRole(In):
    role: str


class PersonOut(BaseModel):
    id: str
    email: str
    role: str
    created_at: datetime


class MeOut(BaseModel):
    account: str
    name: str
    role: str
    scopes: list[str]
    csrf: str | None
    """what the header X-CSRF-Token must carry where a session cookie speaks for you"""


class KeyOut(BaseModel):
    id: str
    name: str
    ending: str
    scopes: list[str]
    created_at: datetime
    used_at: datetime | None


class KeyMade(KeyOut):
    key: str
    """shown this once"""


@router.post("/accounts", status_code=201, response_model=PersonOut)
def sign_up(asked: Credentials, request: Request, house: HouseHere) -> PersonOut:
    """A new account, with its welcome credits."""
    same_origin(request)
    house.limiter.take(f"sign-up {_source(request)}")
    return told(people_of(house).sign_up(asked.email, asked.password))


@router.post("/session", response_model=MeOut)
def sign_in(asked: Credentials, request: Request, response: Response, house: HouseHere) -> MeOut:
    """Sign in: sets a cookie, and says the token that changes must carry."""
    same_origin(request)
    signed_in = people_of(house).sign_in(asked.email, asked.password, source=_source(request))
    response.set_cookie(
        SESSION,
        signed_in.token,
        max_age=int(SESSION_LASTS.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return _me(signed_in.caller, signed_in.csrf)


@router.delete("/session", status_code=204)
def sign_out(request: Request, response: Response, house: HouseHere, caller: CallerHere) -> None:
    people_of(house).sign_out(request.cookies.get(SESSION, ""))
    response.delete_cookie(SESSION)


@router.get("/me", response_model=MeOut)
def me(request: Request, house: HouseHere, caller: CallerHere) -> MeOut:
    """Who you are here, and what the key you came with allows."""
    token = request.cookies.get(SESSION)
    by_session = house.people is not None and token is not None and not request.headers.get("authorization")
    csrf = people_of(house).session(token).csrf if by_session and token else None
    return _me(caller, csrf)


@router.post("/me/password", status_code=204)
def change_password(asked: NewPassword, house: HouseHere, caller: CallerHere) -> None:
    """All sessions end, this one too."""
    people_of(house).change_password(caller, asked.old_password, asked.new_password)


@router.get("/keys", response_model=list[KeyOut])
def keys(house: HouseHere, caller: CallerHere) -> list[KeyOut]:
    return [KeyOut(**_key(key)) for key in people_of(house).keys(caller)]


@router.post("/keys", status_code=201, response_model=KeyMade)
def new_key(asked: NewKey, house: HouseHere, caller: CallerHere) -> KeyMade:
    """A key for a program; it is shown this once."""
    key = people_of(house).new_key(caller, asked.name, asked.scopes)
    return KeyMade(**_key(key), key=key.secret)


@router.delete("/keys/{key_id}", status_code=204)
def revoke(key_id: str, house: HouseHere, caller: CallerHere) -> None:
    people_of(house).revoke(caller, key_id)


@router.get("/admin/accounts", response_model=list[PersonOut])
def accounts(
    house: HouseHere,
    caller: OperatorHere,
    before: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> list[PersonOut]:
    return [told(person) for person in people_of(house).all(before=before, limit=limit)]


@router.patch("/admin/accounts/{account}", response_model=PersonOut)
def set_role(account: str, asked: NewRole, house: HouseHere, caller: OperatorHere) -> PersonOut:
    return told(people_of(house).set_role(caller, account, asked.role))


def people_of(house: House) -> People:
    """Raises NotFound where one person is alone."""
    if house.people is None:
        raise NotFound("account", "here: nobody signs in, start with --accounts")
    return house.people


def told(person: Person) -> PersonOut:
    return PersonOut(id=person.id, email=person.email, role=person.role, created_at=person.created_at)


def _me(caller: CallerHere, csrf: str | None) -> MeOut:
    return MeOut(account=caller.account, name=caller.name, role=caller.role, scopes=sorted(caller.scopes), csrf=csrf)


def _key(key: Key) -> dict[str, Any]:
    return {name: getattr(key, name) for name in KeyOut.model_fields}


def _source(request: Request) -> str:
    return request.client.host if request.client else ""
