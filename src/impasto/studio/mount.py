"""Puts the studio into the web application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi.staticfiles import StaticFiles

from impasto.studio import contexts, entry, fragments, pages
from impasto.studio.look import STATIC, page

if TYPE_CHECKING:
    from fastapi import FastAPI, Request, Response

    from impasto.api.errors import No


def mount(app: FastAPI) -> None:
    """Pages, their fragments, and the files they need."""
    for part in (pages, fragments, entry):
        app.include_router(part.router)
    app.state.error_page = error_page
    app.mount("/static", StaticFiles(directory=STATIC), name="static")


def error_page(request: Request, no: No) -> Response:
    """For who came by an address that leads nowhere, or met a fault."""
    nobody = contexts.Person(name="", alone=True)
    return page(request, "error.html", contexts.ErrorPage(person=nobody, message=no.message), status=no.status)
