"""The database session: SQLite by default, PostgreSQL by the same code."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import StaticPool

if TYPE_CHECKING:
    from collections.abc import Iterator

WAIT_MS = 10_000
"""how long one writer waits for another"""


class Database:
    """Transactions over one database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._sessions = sessionmaker(engine, expire_on_commit=False)
        readers = engine.execution_options(impasto_reads=True)
        self._readers = sessionmaker(readers, expire_on_commit=False, autoflush=False)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """One transaction that may write: all of it, or nothing if the block raises."""
        with self._sessions.begin() as session:
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """One transaction that only reads, beside any writer; what it changes is forgotten."""
        with self._readers() as session:
            yield session

    def close(self) -> None:
        self.engine.dispose()


def open_database(url: str) -> Database:
    """Opens the database at an SQLAlchemy URL and brings its tables up to date; `sqlite://` lives in memory."""
    from impasto.storage.migrate import upgrade

    database = Database(engine_of(url))
    upgrade(database.engine)
    return database


def engine_of(url: str) -> Engine:
    """An SQLAlchemy engine whose SQLite loses nothing at a power cut and waits for other writers."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, pool_pre_ping=True)
    memory: dict[str, Any] = {"poolclass": StaticPool} if parsed.database in (None, "", ":memory:") else {}
    engine = create_engine(parsed, connect_args={"check_same_thread": False}, **memory)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself; _begin does
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={WAIT_MS}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Any) -> None:
    reads = connection.get_execution_options().get("impasto_reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
