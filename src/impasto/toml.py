"""TOML read strictly: an unknown key, or a value of another kind than asked for, is refused by name."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from impasto.core import Invalid

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")


class Strict(BaseModel):
    """What a table may hold. Nothing is converted: "3" is no number and 1.0 is no whole one."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def read(path: Path, field: str) -> dict[str, Any]:
    """The table of a file. Raises Invalid naming `field` if it cannot be read or is not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise Invalid(field, f"there is no file {path}") from error
    except OSError as error:
        raise Invalid(field, f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid(field, f"{path} is not TOML: {error}") from error


def parse(kind: type[T], table: dict[str, Any], *, where: str) -> T:
    """A table as `kind`. Raises Invalid naming the first wrong key; `where` says in errors what was read."""
    try:
        # Through JSON, because that is where pydantic's strict mode takes a list for a tuple and text for a path.
        return TypeAdapter(kind).validate_json(json.dumps(table, default=str))
    except ValidationError as error:
        first = error.errors()[0]
        raise Invalid(".".join(map(str, first["loc"])) or where, f"{first['msg']} (in {where})") from error
