"""The web application: every dialect's routes over one house."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI

from impasto.api import a1111, errors, openai
from impasto.api.headers import Guarded
from impasto.api.native import jobs, models, money, people, pictures, policy, verify
from impasto.version import __version__

if TYPE_CHECKING:
    from impasto.api.house import House

MULTIPART_BYTES = 2**16
"""beside the files of a form"""


def make_app(house: House) -> FastAPI:
    """Routes and guards; nothing is started. Lives as long as `house` does."""
    app = FastAPI(
        title="Impasto",
        version=__version__,
        summary="Words become pictures.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.house = house
    for part in (jobs, pictures, models, people, money, policy, verify):
        app.include_router(part.router)
    app.include_router(openai.router)
    app.include_router(a1111.router)
    app.state.a1111 = {}
    errors.install(app, {"/v1/": openai.say, "/sdapi/": a1111.say})
    app.add_middleware(Guarded, most_bytes=house.bounds.upload_bytes + MULTIPART_BYTES)
    return app
