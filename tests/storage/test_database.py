from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import StatementError

from impasto.storage.database import open_database
from impasto.storage.tables.people import PersonRow

if TYPE_CHECKING:
    from pathlib import Path


def person(name: str, at: datetime) -> PersonRow:
    return PersonRow(id=name, email=f"{name}@example.org", password="", role="member", created_at=at)


def test_writers_wait_for_each_other_and_count_every_one(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'x.db'}")
    with database.session() as session:
        session.execute(text("CREATE TABLE counter (n INTEGER)"))
        session.execute(text("INSERT INTO counter VALUES (0)"))

    def one_more(_: int) -> None:
        with database.session() as session:
            n = session.scalar(text("SELECT n FROM counter"))
            session.execute(text("UPDATE counter SET n = :n"), {"n": n + 1})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one_more, range(40)))
    with database.read() as session:
        assert session.scalar(text("SELECT n FROM counter")) == 40
    database.close()


def test_a_block_that_raises_leaves_nothing() -> None:
    database = open_database("sqlite://")

    def half_done() -> None:
        with database.session() as session:
            session.add(person("ann", datetime.now(UTC)))
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_done()
    with database.read() as session:
        assert session.get(PersonRow, "ann") is None
    database.close()


def test_times_keep_their_moment() -> None:
    database = open_database("sqlite://")
    at = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=8)))
    with database.session() as session:
        session.add(person("ann", at))
    with database.read() as session:
        kept = session.get_one(PersonRow, "ann").created_at
    assert kept == at
    assert kept.tzinfo == UTC

    def without_a_zone() -> None:
        with database.session() as session:
            session.add(person("bob", datetime(2026, 3, 1)))

    with pytest.raises(StatementError):
        without_a_zone()
    database.close()
