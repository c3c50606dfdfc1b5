"""What the doors are given: everything that app.py put together, and who is asking."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, cast

from fastapi import Depends, Request

from impasto.core import Caller

if TYPE_CHECKING:
    from impasto.accounts.limits import Limiter
    from impasto.accounts.people import People
    from impasto.ports import Blobs, Clock, Desk
    from impasto.safety.credentials import Signing
    from impasto.storage.database import Database
    from impasto.workflows.gallery import Gallery

LOCAL = Caller(account="local", name="local", role="owner", scopes=frozenset({"draw", "read", "account", "admin"}))
"""whoever runs Impasto alone on their own machine"""


HERE = frozenset({"localhost", "127.0.0.1", "::1"})
"""the names that this machine has for itself"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a door lets in."""

    upload_bytes: int = 20 * 2**20
    """of a whole request"""
    upload_pixels: int = 16_000_000
    """of one picture"""
    wait_s: float = 300.0
    """how long a waiting form waits"""


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    desk: Desk
    gallery: Gallery
    database: Database
    blobs: Blobs
    clock: Clock
    people: People | None
    """None where one person is alone and nobody signs in"""
    limiter: Limiter
    bounds: Bounds = field(default_factory=Bounds)
    hosts: frozenset[str] = HERE
    """the names that a browser may know this machine by; where nobody signs in, no other is answered"""
    marker: Signing
    secret: bytes
    """signs links that work for a while"""


def house_of(request: Request) -> House:
    return cast(House, request.app.state.house)


HouseHere = Annotated["House", Depends(house_of)]
