"""The book: transactions, their entries, and what each account comes to. That nothing of it is changed or deleted is
also held by triggers, which the first migration makes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from impasto.storage.base import Base, UtcTime

Id = BigInteger().with_variant(Integer, "sqlite")


class TransactionRow(Base):
    """Something that happened to credits. Never changed, never deleted."""

    __tablename__ = "ledger_transactions"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    key: Mapped[str] = mapped_column(String(200), unique=True)
    """what makes it happen once: "hold:JOB", "end:JOB", "grant:…\""""
    kind: Mapped[str] = mapped_column(String(16))
    account: Mapped[str] = mapped_column(String(64))
    """whose statement it stands on"""
    job_id: Mapped[str | None] = mapped_column(String(64), index=True)
    memo: Mapped[str] = mapped_column(String(500))
    by: Mapped[str] = mapped_column(String(200))
    """who did it; "" where the house did by rule"""
    at: Mapped[datetime] = mapped_column(UtcTime)

    __table_args__ = (Index("ix_ledger_transactions_account_id", "account", "id"),)


class EntryRow(Base):
    """One side of a transaction; the sides sum to nothing. Never changed, never deleted."""

    __tablename__ = "ledger_entries"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    transaction_id: Mapped[int] = mapped_column(ForeignKey("ledger_transactions.id"), index=True)
    place: Mapped[str] = mapped_column(String(80), index=True)
    """ "available:ACCOUNT", "held:ACCOUNT", "grants" or "income\""""
    micros: Mapped[int] = mapped_column(BigInteger)


class BalanceRow(Base):
    """What the entries of a place come to: kept in the same transaction, proved by ledger.validate."""

    __tablename__ = "ledger_balances"

    place: Mapped[str] = mapped_column(String(80), primary_key=True)
    micros: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (CheckConstraint("micros >= 0 OR place IN ('grants')", name="not_below_limit"),)
