"""One table from what Impasto says no with to HTTP; each dialect puts it into its own words."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from impasto import core

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fastapi import FastAPI

    Say = Callable[["No"], "Mapping[str, object]"]

log = logging.getLogger(__name__)

STATUS: tuple[tuple[type[core.ImpastoError], int, str], ...] = (
    (core.NotSignedIn, 401, "not_signed_in"),
    (core.NotEnoughCredit, 402, "not_enough_credit"),
    (core.Forbidden, 403, "forbidden"),
    (core.Refused, 403, "refused"),
    (core.NotFound, 404, "not_found"),
    (core.UnknownModel, 404, "unknown_model"),
    (core.Clash, 409, "clash"),
    (core.Invalid, 422, "invalid"),
    (core.Busy, 429, "busy"),
    (core.Failed, 500, "failed"),
    (core.Damaged, 500, "damaged"),
    (core.ImpastoError, 500, "failed"),
)
"""the first that fits"""


@dataclass(frozen=True, slots=True, kw_only=True)
class No:
    """A refusal on its way out of a door."""

    status: int
    code: str
    message: str
    field: str = ""
    retry_after_s: float | None = None


def no_of(error: Exception) -> No:
    for kind, status, code in STATUS:
        if isinstance(error, kind):
            retry_after_s = error.retry_after_s if isinstance(error, core.Busy) else None
            field = error.field if isinstance(error, core.Invalid) else ""
            return No(status=status, code=code, message=str(error), field=field, retry_after_s=retry_after_s)
    raise TypeError(f"not one of Impasto's own: {error!r}")


def native(no: No) -> dict[str, object]:
    """The house's own form: what went wrong, in which field, by which rule."""
    return {"error": {"code": no.code, "message": no.message, "field": no.field or None}}


def install(app: FastAPI, dialects: Mapping[str, Say]) -> None:
    """`dialects`: path prefix -> how that dialect says no; where none fits, the native form.

    A browser that goes to a page gets a page, where `app.state.error_page` makes one of (request, no).
    """

    def answer(request: Request, no: No) -> Response:
        if "text/html" in request.headers.get("accept", "") and hasattr(app.state, "error_page"):
            page: Response = app.state.error_page(request, no)
            return page
        said = next((say for prefix, say in dialects.items() if request.url.path.startswith(prefix)), native)
        headers = {} if no.retry_after_s is None else {"Retry-After": str(max(1, round(no.retry_after_s)))}
        if no.status == 401:
            headers["WWW-Authenticate"] = 'Bearer, Basic realm="impasto"'
        return JSONResponse(said(no), no.status, headers)

    async def ours(request: Request, error: Exception) -> Response:
        no = no_of(error)
        if no.status >= 500:
            log.error("%s %s: %s", request.method, request.url.path, no.message, exc_info=error)
        return answer(request, no)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path", "header"))
        message = f"{field or 'body'}: {first['msg']}"
        return answer(request, No(status=422, code="invalid", message=message, field=field or "body"))

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}.get(error.status_code, "http")
        response = answer(request, No(status=error.status_code, code=code, message=str(error.detail)))
        response.headers.update(error.headers or {})
        return response

    async def unforeseen(request: Request, error: Exception) -> Response:
        log.error("%s %s", request.method, request.url.path, exc_info=error)
        return answer(request, No(status=500, code="failed", message="something went wrong here; it is in the log"))

    app.add_exception_handler(core.ImpastoError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, unforeseen)
