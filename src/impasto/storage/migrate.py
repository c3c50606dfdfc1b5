"""Brings a database's tables up to date, by Alembic.

The first revision makes what the tables say they are; later ones change that, each once, in order. A new revision is
written by `python -m impasto.storage.migrate "what it does"` and read before it is committed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.core import Damaged

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection, Engine

FOLDER = Path(__file__).parent / "migrations"


def upgrade(engine: Engine) -> None:
    """To the newest revision. Raises Damaged for a database that a newer Impasto has written."""
    from alembic import command
    from alembic.util.exc import CommandError

    with engine.begin() as connection:
        try:
            command.upgrade(config(connection), "head")
        except CommandError as error:
            raise Damaged(f"the database is not one that this Impasto can read: {error}") from error


def config(connection: Connection) -> Config:
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    made.attributes["connection"] = connection
    return made


def write(message: str) -> None:
    """A new revision: what the tables say, against what the revisions so far make."""
    from alembic import command

    from impasto.storage.database import engine_of

    engine = engine_of("sqlite://")
    upgrade(engine)
    with engine.begin() as connection:
        command.revision(config(connection), message, autogenerate=True)


if __name__ == "__main__":
    write(sys.argv[1])
