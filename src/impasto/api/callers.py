"""Who asks: by a key, by a session, or, where one person is alone, whoever sits at this machine."""

from __future__ import annotations

import base64
import binascii
import secrets
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request, Response

from impasto.api.house import LOCAL, HouseHere
from impasto.core import Caller, Forbidden, NotSignedIn

if TYPE_CHECKING:
    from impasto.api.house import House

SESSION, CSRF = "impasto_session", "x-csrf-token"
SAFE = ("GET", "HEAD", "OPTIONS")


def caller(request: Request, response: Response, house: HouseHere) -> Caller:
    """Raises NotSignedIn, Forbidden for a page of another origin, Busy for who asks too fast."""
    request.state.csrf = ""
    found = _alone(request, house) if house.people is None else _known(request, house)
    request.state.caller = found
    if house.people is not None:
        response.headers.update(house.limiter.take(found.account).headers())
    return found


CallerHere = Annotated[Caller, Depends(caller)]


def operator(found: CallerHere) -> Caller:
    """An owner or an admin, with a key that allows it. Raises Forbidden."""
    if found.role not in ("owner", "admin"):
        raise Forbidden("only an owner or an admin may do this")
    found.must("admin")
    return found


OperatorHere = Annotated[Caller, Depends(operator)]


def _alone(request: Request, house: House) -> Caller:
    """Nobody signs in, so a page from elsewhere must not be able to speak for the person who is here: it may name this
    machine by a name of its own (DNS rebinding), or send a form."""
    if (request.url.hostname or "") not in house.hosts:
        raise Forbidden(f"this machine is not known as {request.url.hostname!r} (IMPASTO_HOST)")
    if request.method not in SAFE:
        same_origin(request)
    return LOCAL


def _known(request: Request, house: House) -> Caller:
    assert house.people is not None
    key = _key(request)
    if key:
        return house.people.caller_of_key(key)
    token = request.cookies.get(SESSION)
    if not token:
        raise NotSignedIn("send a key in the header Authorization, or sign in")
    session = house.people.session(token)
    request.state.csrf = session.csrf
    if request.method not in SAFE:
        same_origin(request)
        if not secrets.compare_digest(request.headers.get(CSRF, "").encode(), session.csrf.encode()):
            raise Forbidden(f"the header {CSRF} must carry the token of this session (GET /api/me)")
    return session.caller


def same_origin(request: Request) -> None:
    """Raises Forbidden for a request that a browser sends for a page of another origin."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Forbidden("a page of another site may not do this")
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise Forbidden("a page of another origin may not do this")


def _key(request: Request) -> str:
    """`Authorization: Bearer KEY`, the key alone, HTTP Basic with the key as its password, or `apikey: KEY`."""
    said = request.headers.get("authorization", "")
    kind, _, rest = said.partition(" ")
    if kind.lower() == "bearer":
        return rest.strip()
    if kind.lower() == "basic":
        try:
            return base64.b64decode(rest, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError) as error:
            raise NotSignedIn("the header Authorization is not HTTP Basic") from error
    return said.strip() or request.headers.get("apikey", "").strip()
