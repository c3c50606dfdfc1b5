"""Every knob of this machine, read once from the environment; docs/cli.md and `impasto settings` list them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from impasto.core import Invalid

PREFIX = "IMPASTO_"


def _data_folder() -> Path:
    """The system's own place for it, as the XDG Base Directory Specification has it and others do."""
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA", "~")).expanduser() / "impasto"
    if sys.platform == "darwin":
        return Path("~/Library/Application Support/impasto").expanduser()
    return Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser() / "impasto"


class Settings(BaseSettings):
    """What a person may set as IMPASTO_NAME. An empty value counts as not set."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore")

    model: str = Field(default="mini", description="the model that draws when none is named")
    models_folder: Path | None = Field(
        default=None,
        description="a folder of model folders, looked in before the embedded one; by default `models` where data is",
    )
    output_folder: Path = Field(
        default=Path(), description="where pictures go when no output is named; . is where you are"
    )
    threads: int = Field(
        default=0, ge=0, le=1024, description="processor threads a net may use; 0: as many as there are cores"
    )
    data_folder: Path = Field(
        default_factory=_data_folder, description="where a server keeps what must last: records, files, its own secret"
    )
    host: str = Field(default="127.0.0.1", description="where a server listens; 0.0.0.0 is everywhere")
    port: int = Field(default=8420, ge=1, le=65535, description="the port a server listens at")
    wildcards_folder: Path | None = Field(
        default=None, description="a folder of text files, one choice a line: colour.txt answers __colour__"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Knob:
    """One setting as a person sees it."""

    variable: str
    value: str
    origin: str
    meaning: str


@cache
def settings() -> Settings:
    """Reads the environment the first time it is called. Raises Invalid naming the variable that breaks a rule."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        raise Invalid(variable(str(first["loc"][0])), first["msg"]) from error


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def knobs() -> list[Knob]:
    """Every setting with its value, where that came from, and what it means."""
    read = settings()
    return [
        Knob(
            variable=variable(name),
            value="" if (value := getattr(read, name)) is None else str(value),
            origin="environment" if _is_set(variable(name)) else "default",
            meaning=field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ]


def _is_set(name: str) -> bool:
    return any(key.upper() == name and value for key, value in os.environ.items())
