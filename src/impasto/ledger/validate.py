"""Proves that the book is whole. Each check is small and says what it found; no finding is the proof."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from impasto.ledger.book import GRANTS
from impasto.storage.tables.ledger import BalanceRow, EntryRow, TransactionRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session


def validate(session: Session) -> list[str]:
    """Everything that is wrong, one line each; empty where nothing is."""
    return [line for check in CHECKS for line in check(session)]


def transactions_sum_to_nothing(session: Session) -> Iterator[str]:
    total = func.sum(EntryRow.micros)
    query = select(EntryRow.transaction_id, total).group_by(EntryRow.transaction_id).having(total != 0)
    for number, micros in session.execute(query):
        yield f"transaction {number} sums to {micros} micros"


def balances_are_sums(session: Session) -> Iterator[str]:
    sums = _sums(session)
    kept = {row.place: row.micros for row in session.scalars(select(BalanceRow))}
    for place in sorted(sums.keys() | kept.keys()):
        if sums.get(place, 0) != kept.get(place, 0):
            yield f"{place} is said to have {kept.get(place, 0)} micros, its entries come to {sums.get(place, 0)}"


def nobody_is_below_zero(session: Session) -> Iterator[str]:
    for place, micros in _sums(session).items():
        if place != GRANTS and micros < 0:
            yield f"{place} has {micros} micros"


def holds_end_once(session: Session) -> Iterator[str]:
    for kinds in (("hold",), ("post", "void")):
        count = func.count()
        query = select(TransactionRow.job_id, count).where(TransactionRow.kind.in_(kinds))
        for job_id, number in session.execute(query.group_by(TransactionRow.job_id).having(count > 1)):
            yield f"job {job_id} has {number} of {' or '.join(kinds)}"
        ended = select(TransactionRow.job_id).where(TransactionRow.kind.in_(("post", "void")))
    begun = select(TransactionRow.job_id).where(TransactionRow.kind == "hold")
    for (job_id,) in session.execute(ended.where(TransactionRow.job_id.not_in(begun))):
        yield f"job {job_id} was ended without a hold"


def held_is_open_holds(session: Session) -> Iterator[str]:
    """What lies in the held places is what holds without an end put there."""
    ended = select(TransactionRow.job_id).where(TransactionRow.kind.in_(("post", "void")))
    query = (
        select(EntryRow.place, func.sum(EntryRow.micros))
        .join(TransactionRow, TransactionRow.id == EntryRow.transaction_id)
        .where(TransactionRow.kind == "hold", EntryRow.place.like("held:%"), TransactionRow.job_id.not_in(ended))
        .group_by(EntryRow.place)
    )
    open_holds = {place: int(micros) for place, micros in session.execute(query)}
    for row in session.scalars(select(BalanceRow).where(BalanceRow.place.like("held:%"))):
        if row.micros != open_holds.get(row.place, 0):
            yield f"{row.place} has {row.micros} micros, its open holds come to {open_holds.get(row.place, 0)}"


def _sums(session: Session) -> dict[str, int]:
    """What the entries of each place come to."""
    query = select(EntryRow.place, func.sum(EntryRow.micros)).group_by(EntryRow.place)
    return {place: int(micros) for place, micros in session.execute(query)}


CHECKS = (
    transactions_sum_to_nothing,
    balances_are_sums,
    nobody_is_below_zero,
    holds_end_once,
    held_is_open_holds,
)
