"""Brings a database's tables up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

from impasto.storage.base import all_tables

if TYPE_CHECKING:
    from sqlalchemy import Engine


def upgrade(engine: Engine) -> None:
    """Makes the tables that are missing."""
    all_tables().create_all(engine)
