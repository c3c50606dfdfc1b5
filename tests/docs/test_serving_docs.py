"""docs/serving.md tells of every route and every field of an ask, and of none that does not exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, cast

from impasto.api.errors import STATUS
from impasto.api.native.jobs import Ask
from impasto.api.web import make_app

if TYPE_CHECKING:
    from fastapi import FastAPI

TEXT = (Path(__file__).parents[2] / "docs" / "serving.md").read_text()


class Nothing:
    """As much of a house as its routes ask for before anyone comes."""

    class bounds:
        upload_bytes = 0


def routes() -> set[str]:
    schema = cast("FastAPI", make_app(Nothing())).openapi()  # type: ignore[arg-type]
    return {f"{method.upper()} {path}" for path, verbs in schema["paths"].items() for method in verbs}


def test_every_native_route_is_told_and_no_other() -> None:
    native = {route for route in routes() if " /api/" in route}
    assert set(re.findall(r"`([A-Z]+ /api/[^`]*)`", TEXT)) == native


def test_what_other_dialects_answer_is_told() -> None:
    for name in re.findall(
        r"`((?:images/)?[a-z]+[a-z0-9-]*)`", TEXT.split("**OpenAI Images**")[1].split("## Operate")[0]
    ):
        if "/" in name or name in ("models", "txt2img", "img2img", "progress", "interrupt", "options", "png-info"):
            assert name.startswith("/") or any(route.endswith(f"/{name}") for route in routes()), name


def test_every_field_and_code_is_told() -> None:
    for field in Ask.model_fields:
        assert f"`{field}`" in TEXT, field
    for _, _, code in STATUS:
        assert f"`{code}`" in TEXT, code
