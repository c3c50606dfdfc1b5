from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from impasto.core import Damaged
from impasto.storage.base import all_tables
from impasto.storage.database import engine_of, open_database
from impasto.storage.migrate import upgrade


def test_migrations_make_what_the_tables_say() -> None:
    database = open_database("sqlite://")
    with database.engine.connect() as connection:
        options = {"include_object": lambda item, name, *_: not str(name).startswith("picture_words")}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), all_tables()) == []
    database.close()


def test_a_second_time_changes_nothing() -> None:
    engine = engine_of("sqlite://")
    upgrade(engine)
    upgrade(engine)
    engine.dispose()


def test_a_database_of_a_newer_impasto_is_left_alone() -> None:
    engine = engine_of("sqlite://")
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Damaged, match="9999"):
        upgrade(engine)
    engine.dispose()
