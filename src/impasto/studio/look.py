"""Templates and the words in them: which language, which person, which files travel with the studio."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi.responses import HTMLResponse

from impasto.ledger import book
from impasto.studio import contexts

if TYPE_CHECKING:
    from fastapi import Request
    from jinja2 import Environment

    from impasto.api.house import House
    from impasto.core import Caller

HERE = Path(__file__).parent
STATIC = HERE / "static"
RIGHT_TO_LEFT = ("ar", "fa", "he", "ur")


@cache
def templates(language: str) -> Environment:
    """A template's variables are escaped, and one that is not there is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from impasto.studio.languages import NAMES, catalogue

    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_translations(catalogue(language), newstyle=True)  # type: ignore[attr-defined]
    environment.globals["languages"] = NAMES
    return environment


def page(request: Request, template: str, context: object, *, here: str = "", status: int = 200) -> HTMLResponse:
    """A template with `page` as its context; the fields of a part are also there by name."""
    return HTMLResponse(text(request, template, context, here=here), status)


def text(request: Request, template: str, context: object, *, here: str = "") -> str:
    from impasto.studio.languages import of_request

    language = of_request(request.headers.get("accept-language", ""), request.cookies.get("language", ""))
    direction = "rtl" if language in RIGHT_TO_LEFT else "ltr"
    fields: dict[str, Any] = {name: getattr(context, name) for name in context.__dataclass_fields__}  # type: ignore[attr-defined]
    environment = templates(language)
    return environment.get_template(template).render(
        page=context, here=here, language=language, direction=direction, **fields
    )


def person_of(request: Request, house: House, caller: Caller) -> contexts.Person:
    if house.people is None:
        return contexts.person(caller, None)
    with house.database.read() as session:
        return contexts.person(caller, book.balance(session, caller.account).available_micros, request.state.csrf)


@cache
def samples() -> frozenset[str]:
    """The "model/style" of which a sample picture travels with the studio."""
    return frozenset(f"{path.parent.name}/{path.stem}" for path in (STATIC / "samples").glob("*/*.webp"))
