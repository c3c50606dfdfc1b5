"""Jobs: what was asked, and how it ended."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from impasto.storage.base import Base, UtcTime


class JobRow(Base):
    """One ask. Its id is the id of its durable workflow, of its hold, and the name that its pictures know it by."""

    __tablename__ = "jobs"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), unique=True)
    """counts up in the order they were accepted"""
    account: Mapped[str] = mapped_column(String(64))
    key: Mapped[str | None] = mapped_column(String(255))
    """the caller's own"""
    digest: Mapped[str] = mapped_column(String(64))
    """sha256 of the request, to tell whether a key is used for another one"""
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16), index=True)
    request: Mapped[dict[str, Any]] = mapped_column(JSON)
    """every field; an init and a mask as the sha256 of their files"""
    words: Mapped[str] = mapped_column(Text)
    model: Mapped[str] = mapped_column(String(100))
    count: Mapped[int]
    priority: Mapped[int] = mapped_column(default=0)
    keep: Mapped[bool] = mapped_column(default=True)
    credit_micros: Mapped[int] = mapped_column(BigInteger)
    picture_micros: Mapped[int] = mapped_column(BigInteger)
    charged_micros: Mapped[int] = mapped_column(BigInteger, default=0)
    made: Mapped[list[int]] = mapped_column(JSON, default=list)
    """the index of each picture that was delivered, whether it is still there or not"""
    cancel_asked: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str] = mapped_column(Text, default="")
    field: Mapped[str] = mapped_column(String(64), default="")
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime, index=True)

    __table_args__ = (
        UniqueConstraint("account", "key"),
        Index("ix_jobs_account_number", "account", "number"),
        Index("ix_jobs_keep_ended_at", "keep", "ended_at"),
    )
