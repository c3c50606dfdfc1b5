"""The operator's commands, over a folder that a server has kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from impasto.accounts.people import People
from impasto.app import SystemClock
from impasto.cli.main import app
from impasto.core import Invalid, NotFound
from impasto.storage.database import Database, open_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typer.testing import Result


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(f"sqlite:///{tmp_path / 'impasto.db'}")
    people = People(database, SystemClock(), welcome_micros=100_000_000)
    people.sign_up("ann@example.org", "a quite good one")
    people.sign_up("bob@example.org", "a quite good one")
    yield database
    database.close()


def run(folder: Path, *args: str) -> Result:
    return CliRunner().invoke(app, [*args, "--data", str(folder)])


@pytest.mark.usefixtures("database")
def test_people_are_listed_and_given_roles(tmp_path: Path) -> None:
    assert run(tmp_path, "accounts", "role", "bob@example.org", "admin").exit_code == 0
    listed = run(tmp_path, "accounts", "list").stdout
    assert "ann@example.org  owner" in listed
    assert "bob@example.org  admin" in listed


@pytest.mark.usefixtures("database")
def test_credits_are_given_with_a_reason_and_stand_on_the_statement(tmp_path: Path) -> None:
    given = run(tmp_path, "accounts", "grant", "ann@example.org", "0.2", "--reason", "for a bug found")
    assert "100.2 credits" in given.stdout
    statement = run(tmp_path, "ledger", "statement", "ann@example.org").stdout
    assert "200000,100200000,,for a bug found" in statement


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("credits", ["-1", "0", "0.0000001", "many", "nan", "1e99"])
def test_a_sum_that_is_none_is_refused(tmp_path: Path, credits: str) -> None:  # noqa: A002
    refused = run(tmp_path, "accounts", "grant", "--reason", "x", "ann@example.org", "--", credits)
    assert isinstance(refused.exception, Invalid) or refused.exit_code == 2
    assert run(tmp_path, "ledger", "validate").stdout == "the book is whole\n"


@pytest.mark.usefixtures("database")
def test_who_is_not_there(tmp_path: Path) -> None:
    refused = run(tmp_path, "ledger", "statement", "eve@example.org")
    assert isinstance(refused.exception, NotFound)


def test_a_folder_without_a_server(tmp_path: Path) -> None:
    refused = run(tmp_path, "ledger", "validate")
    assert isinstance(refused.exception, Invalid)


def test_a_book_that_does_not_add_up_is_said_and_fails(tmp_path: Path, database: Database) -> None:
    with database.session() as session:
        session.execute(text("UPDATE ledger_balances SET micros = micros + 1 WHERE place = 'grants'"))
    found = run(tmp_path, "ledger", "validate")
    assert found.exit_code == 1
    assert "grants is said to have" in found.stdout
