"""Double entry in integers: grant, hold, then post or void. Append only; every act happens once.

Each act works inside the caller's own transaction, so that money and what it is for are written together or not at all.
An account has two places: what it has, and what is held for work that has begun. Work is keyed by its job id: a second
hold, post or void of the same kind changes nothing, one that contradicts what was done before raises Clash.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from impasto.core import Clash, Invalid, NotEnoughCredit, NotFound
from impasto.storage.tables.ledger import BalanceRow, EntryRow, TransactionRow

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

GRANTS, INCOME = "grants", "income"
CREDIT = 1_000_000
"""micros in one credit"""
MAX_MICROS = 10**15
"""of one act: a slip of the keyboard is refused"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    available_micros: int
    held_micros: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A hold and how it ended."""

    account: str
    micros: int
    posted_micros: int | None
    """None while it is open; 0 where it was voided"""


def balance(session: Session, account: str) -> Balance:
    """What an account has and what is held of it; nothing for one that the book has not heard of."""
    return Balance(available_micros=_balance(session, available(account)), held_micros=_balance(session, held(account)))


def grant(session: Session, account: str, micros: int, *, key: str, reason: str, by: str, at: datetime) -> None:
    """Give credits. `key` makes it happen once."""
    _positive("credits", micros)
    if not reason.strip():
        raise Invalid("reason", "must be given")
    sides = {GRANTS: -micros, available(account): micros}
    _write(session, f"grant:{key}", "grant", account, sides, memo=reason, by=by, at=at)


def hold(session: Session, job_id: str, account: str, micros: int, *, at: datetime, memo: str = "") -> None:
    """Set credits aside for work that is about to begin. Raises NotEnoughCredit, and Clash for another hold."""
    if micros < 0:
        raise Invalid("credits", "must not be negative")
    before = find(session, job_id)
    if before is not None:
        if (before.account, before.micros) != (account, micros):
            raise Clash("job", f"{job_id} holds {before.micros} micros already")
        return
    has = _balance(session, available(account))
    if micros > has:
        raise NotEnoughCredit(needed_micros=micros, available_micros=has)
    sides = {available(account): -micros, held(account): micros}
    _write(session, f"hold:{job_id}", "hold", account, sides, memo=memo, at=at, job_id=job_id)


def post(session: Session, job_id: str, micros: int, *, at: datetime, memo: str = "") -> None:
    """End a hold by charging `micros` of it, at most all; the rest goes back. Raises NotFound without a hold."""
    was = find(session, job_id)
    if was is None:
        raise NotFound("hold", job_id)
    if not 0 <= micros <= was.micros:
        raise Invalid("credits", f"must be from 0 to the {was.micros} micros held")
    if was.posted_micros is not None:
        if was.posted_micros != micros:
            raise Clash("job", f"{job_id} was ended with {was.posted_micros} micros already")
        return
    sides = {held(was.account): -was.micros, INCOME: micros, available(was.account): was.micros - micros}
    kind = "post" if micros else "void"
    _write(session, f"end:{job_id}", kind, was.account, sides, memo=memo, at=at, job_id=job_id)


def void(session: Session, job_id: str, *, at: datetime, memo: str = "") -> None:
    """End a hold by giving all of it back."""
    post(session, job_id, 0, at=at, memo=memo)


def refund(session: Session, job_id: str, micros: int, *, key: str, reason: str, by: str, at: datetime) -> None:
    """Give back what was charged for a job: a new entry, at most what is left of the charge."""
    _positive("credits", micros)
    if not reason.strip():
        raise Invalid("reason", "must be given")
    was = find(session, job_id)
    if was is None:
        raise NotFound("job", job_id)
    if _done(session, f"refund:{key}") is None and micros > (left := refundable(session, job_id)):
        raise Invalid("credits", f"must be at most the {left} micros left of what was charged")
    sides = {INCOME: -micros, available(was.account): micros}
    _write(session, f"refund:{key}", "refund", was.account, sides, memo=reason, by=by, at=at, job_id=job_id)


def refundable(session: Session, job_id: str) -> int:
    """Micros charged for a job and not given back."""
    query = (
        select(EntryRow.micros)
        .join(TransactionRow, TransactionRow.id == EntryRow.transaction_id)
        .where(TransactionRow.job_id == job_id, EntryRow.place == INCOME)
    )
    return sum(session.scalars(query))


def find(session: Session, job_id: str) -> Held | None:
    """A job's hold."""
    row = _done(session, f"hold:{job_id}")
    if row is None:
        return None
    end = _done(session, f"end:{job_id}")
    return Held(
        account=row.account,
        micros=_side(session, row, held(row.account)),
        posted_micros=None if end is None else _side(session, end, INCOME),
    )


def available(account: str) -> str:
    return f"available:{account}"


def held(account: str) -> str:
    return f"held:{account}"


def _write(
    session: Session,
    key: str,
    kind: str,
    account: str,
    sides: Mapping[str, int],
    *,
    at: datetime,
    memo: str = "",
    by: str = "",
    job_id: str | None = None,
) -> None:
    """One transaction, unless it was written before. Sides of nothing are left out."""
    before = _done(session, key)
    if before is not None:
        was = {e.place: e.micros for e in _entries(session, before)}
        if was != {place: micros for place, micros in sides.items() if micros}:
            raise Clash("key", f"{key} was used for another amount")
        return
    assert sum(sides.values()) == 0, "sides that do not sum to nothing"
    row = TransactionRow(key=key, kind=kind, account=account, job_id=job_id, memo=memo[:500], by=by, at=at)
    session.add(row)
    session.flush()
    for place, micros in sides.items():
        if micros:
            session.add(EntryRow(transaction_id=row.id, place=place, micros=micros))
            _add(session, place, micros)
    session.flush()


def _add(session: Session, place: str, micros: int) -> None:
    row = session.get(BalanceRow, place, with_for_update=True)
    if row is None:
        session.add(BalanceRow(place=place, micros=micros))
    else:
        row.micros += micros


def _balance(session: Session, place: str) -> int:
    row = session.get(BalanceRow, place, with_for_update=True)
    return row.micros if row else 0


def _done(session: Session, key: str) -> TransactionRow | None:
    return session.scalar(select(TransactionRow).where(TransactionRow.key == key))


def _entries(session: Session, row: TransactionRow) -> list[EntryRow]:
    return list(session.scalars(select(EntryRow).where(EntryRow.transaction_id == row.id)))


def _side(session: Session, row: TransactionRow, place: str) -> int:
    return sum(entry.micros for entry in _entries(session, row) if entry.place == place)


def _positive(field: str, micros: int) -> None:
    if not 0 < micros <= MAX_MICROS:
        raise Invalid(field, f"must be above 0 and at most {MAX_MICROS // CREDIT}")
