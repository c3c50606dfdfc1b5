"""What an operator does beside a server that runs: people, their credits, and the proof that the book is whole."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Exit, Option, Typer

from impasto.cli.report import say
from impasto.core import ImpastoError, Invalid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from impasto.accounts.people import People
    from impasto.storage.database import Database

accounts = Typer(help="People who have an account here.", no_args_is_help=True)
ledger = Typer(help="Credits: what happened to them, and whether it adds up.", no_args_is_help=True)

Data = Annotated[Path | None, Option(help="The folder that the server was given.", show_default=False)]
Email = Annotated[str, Argument(help="The e-mail address of an account.", show_default=False)]


@accounts.command("list")
def list_(data: Data = None) -> None:
    """List everyone with their role."""
    with _open(data) as (_, people):
        last = None
        while page := people.all(before=last):
            for person in page:
                say(f"{person.email}  {person.role}  {person.id}")
            last = page[-1].email


@accounts.command()
def role(
    email: Email, role: Annotated[str, Argument(help="owner, admin, member or reviewer.")], data: Data = None
) -> None:
    """Give someone another role."""
    from impasto.api.house import LOCAL

    with _open(data) as (_, people):
        person = people.set_role(LOCAL, people.find_email(email).id, role)
    say(f"{person.email} is {person.role} now")


@accounts.command()
def grant(
    email: Email,
    credits: Annotated[str, Argument(help="How many, such as 50 or 0.2.", show_default=False)],  # noqa: A002
    reason: Annotated[str, Option(help="Why; it stands on their statement.", show_default=False)],
    data: Data = None,
) -> None:
    """Give someone credits."""
    from impasto.app import SystemClock
    from impasto.ledger import book

    micros, key = _micros(credits), f"command line:{secrets.token_hex(16)}"
    with _open(data) as (database, people):
        person = people.find_email(email)
        with database.session() as session:
            now = SystemClock().now()
            book.grant(session, person.id, micros, key=key, reason=reason, by="command line", at=now)
            has = book.balance(session, person.id).available_micros
    say(f"{person.email} has {has / book.CREDIT:g} credits now")


@ledger.command()
def validate(data: Data = None) -> None:
    """Prove that all sums are zero, nobody is below zero, and every hold ended at most once. Exit code 1 if not."""
    from impasto.ledger.validate import validate as findings

    with _open(data) as (database, _), database.read() as session:
        found = findings(session)
    for line in found:
        say(line)
    if found:
        raise Exit(1)
    say("the book is whole")


@ledger.command()
def statement(email: Email, data: Data = None) -> None:
    """Print what happened to someone's credits, as CSV."""
    from impasto.ledger.statements import as_csv, lines

    with _open(data) as (database, people):
        person = people.find_email(email)
        with database.read() as session:
            say(as_csv(lines(session, person.id)).rstrip())


@contextmanager
def _open(data: Path | None) -> Iterator[tuple[Database, People]]:
    """The database of a server, running or not. Raises Invalid where there is none."""
    try:
        from impasto.accounts.people import People
        from impasto.app import SystemClock
        from impasto.storage.database import open_database
    except ImportError as error:
        raise ImpastoError(f'this needs more ({error.name}): pip install "impasto[serve]"') from error
    from impasto.settings import settings

    folder = (data or settings().data_folder).expanduser()
    if not (folder / "impasto.db").is_file():
        raise Invalid("data", f"no server has kept anything in {folder}")
    database = open_database(f"sqlite:///{folder / 'impasto.db'}")
    try:
        yield database, People(database, SystemClock(), welcome_micros=0)
    finally:
        database.close()


def _micros(credits: str) -> int:  # noqa: A002
    from impasto.ledger.book import CREDIT

    try:
        micros = Decimal(credits) * CREDIT
    except InvalidOperation as error:
        raise Invalid("credits", f"must be a number, not {credits!r}") from error
    if not micros.is_finite() or micros != int(micros):
        raise Invalid("credits", "must have at most six places after the point")
    return int(micros)
