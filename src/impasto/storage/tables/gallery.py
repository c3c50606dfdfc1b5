"""Pictures kept and albums of them. The index of their words (FTS5) is made by the first migration."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from impasto.storage.base import Base, UtcTime

Id = BigInteger().with_variant(Integer, "sqlite")


class PictureRow(Base):
    """A finished picture; its file lies in the blobs under `sha256`."""

    __tablename__ = "pictures"

    number: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(32), unique=True)
    account: Mapped[str] = mapped_column(String(64))
    job_id: Mapped[str] = mapped_column(String(32))
    index: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    words: Mapped[str] = mapped_column(Text)
    negative: Mapped[str] = mapped_column(Text)
    model: Mapped[str] = mapped_column(String(100))
    style: Mapped[str] = mapped_column(String(100))
    seed: Mapped[int] = mapped_column(BigInteger)
    width_px: Mapped[int]
    height_px: Mapped[int]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    favourite: Mapped[bool] = mapped_column(default=False)
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
    """from which it can be drawn again (see pictures.metadata)"""
    created_at: Mapped[datetime] = mapped_column(UtcTime)

    __table_args__ = (
        UniqueConstraint("job_id", "index"),
        Index("ix_pictures_account_number", "account", "number"),
    )


class AlbumRow(Base):
    """A person's own name for some of their pictures."""

    __tablename__ = "albums"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    account: Mapped[str] = mapped_column(String(64), index=True)
    name: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(UtcTime)

    __table_args__ = (UniqueConstraint("account", "name"),)


class AlbumPictureRow(Base):
    __tablename__ = "album_pictures"

    album_id: Mapped[str] = mapped_column(ForeignKey("albums.id", ondelete="CASCADE"), primary_key=True)
    picture_id: Mapped[str] = mapped_column(ForeignKey("pictures.id", ondelete="CASCADE"), primary_key=True, index=True)
