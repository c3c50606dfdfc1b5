"""What happened to an account's credits, as rows and as CSV."""

from __future__ import annotations

import csv
from dataclasses import astuple, dataclass, fields
from io import StringIO
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from impasto.ledger.book import available, held
from impasto.storage.tables.ledger import EntryRow, TransactionRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One transaction as its account sees it."""

    at: datetime
    kind: str
    credit_micros: int
    """what it added to what the account has, held credits included; a hold adds nothing"""
    balance_micros: int
    """after it"""
    job_id: str
    memo: str


def lines(session: Session, account: str) -> Iterator[Line]:
    """Oldest first."""
    places = (available(account), held(account))
    query = (
        select(TransactionRow, func.sum(EntryRow.micros))
        .join(EntryRow, EntryRow.transaction_id == TransactionRow.id)
        .where(TransactionRow.account == account, EntryRow.place.in_(places))
        .group_by(TransactionRow.id)
        .order_by(TransactionRow.id)
    )
    has = 0
    for row, micros in session.execute(query):
        has += int(micros)
        yield Line(
            at=row.at,
            kind=row.kind,
            credit_micros=int(micros),
            balance_micros=has,
            job_id=row.job_id or "",
            memo=row.memo,
        )


def as_csv(statement: Iterable[Line]) -> str:
    """CSV (RFC 4180) with a header. Text that a spreadsheet would take for a formula is quoted with an apostrophe."""
    out = StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([field.name for field in fields(Line)])
    for line in statement:
        writer.writerow([_harmless(value) for value in astuple(line)])
    return out.getvalue()


def _harmless(value: object) -> object:
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return value.isoformat() if hasattr(value, "isoformat") else value
