"""Puts the studio into the web application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi.staticfiles import StaticFiles

from impasto.studio import entry, fragments, pages
from impasto.studio.look import STATIC

if TYPE_CHECKING:
    from fastapi import FastAPI


def mount(app: FastAPI) -> None:
    """Pages, their fragments, and the files they need."""
    for part in (pages, fragments, entry):
        app.include_router(part.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
