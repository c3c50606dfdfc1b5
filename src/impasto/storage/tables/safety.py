"""What policies said no to, and what people said to that."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Float, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from impasto.storage.base import Base, UtcTime


class VerdictRow(Base):
    """Something that a policy acted on. Neither the words nor the picture are kept, only what tells the words again."""

    __tablename__ = "verdicts"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    account: Mapped[str] = mapped_column(String(64))
    model: Mapped[str] = mapped_column(String(100))
    job_id: Mapped[str] = mapped_column(String(32))
    """"" for words that never became a job"""
    stage: Mapped[str] = mapped_column(String(16))
    category: Mapped[str] = mapped_column(String(32))
    does: Mapped[str] = mapped_column(String(16))
    score: Mapped[float] = mapped_column(Float(53))
    threshold: Mapped[float] = mapped_column(Float(53))
    policy: Mapped[str] = mapped_column(String(200))
    words_digest: Mapped[str] = mapped_column(String(64))
    """sha256 of the words and the account together"""
    at: Mapped[datetime] = mapped_column(UtcTime)

    __table_args__ = (Index("ix_verdicts_account_at", "account", "at"), Index("ix_verdicts_at", "at"))


class AppealRow(Base):
    """A person says that a verdict is wrong, and shows the words it was about."""

    __tablename__ = "appeals"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    verdict_id: Mapped[str] = mapped_column(ForeignKey("verdicts.id"), unique=True)
    account: Mapped[str] = mapped_column(String(64), index=True)
    words: Mapped[str] = mapped_column(Text)
    says: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16), index=True)
    """open, second (one reviewer is for it, another must be), upheld or overturned"""
    first_by: Mapped[str] = mapped_column(String(64))
    decided_by: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcTime)
