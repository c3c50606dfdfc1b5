from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from impasto.storage.database import Database, open_database

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def database() -> Iterator[Database]:
    database = open_database("sqlite://")
    yield database
    database.close()
