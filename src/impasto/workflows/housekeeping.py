"""What is done now and then: jobs that were not to be kept go, and so do files that nothing names."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

from sqlalchemy import select

from impasto.storage.tables.gallery import AlbumPictureRow, PictureRow
from impasto.storage.tables.work import JobRow
from impasto.workflows import asked, gallery

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy.orm import Session

    from impasto.workflows.job import Shop

KEPT_FOR = timedelta(hours=24)
"""after it ended, of a job that is not to be kept"""
AT_ONCE = 500


def expire(shop: Shop) -> int:
    """Takes out jobs that were not to be kept and have had their time, and returns how many. A picture that was made a
    favourite or put in an album stays."""
    with shop.database.session() as session:
        rows = _expired(session, shop.clock.now() - KEPT_FOR)
        hashes = gallery.take_out(session, _not_saved(session, [row.id for row in rows]))
        for row in rows:
            session.delete(row)
    gallery.drop(shop.database, shop.blobs, hashes)
    return len(rows)


def drop_orphans(shop: Shop, before: datetime) -> int:
    """Deletes files last put before a time that no picture and no job that is still to be done names: what a killed
    process left behind, and what was uploaded for jobs that have ended. Returns how many."""
    stale, gone = iter(shop.blobs.stale(before)), 0
    while some := set(islice(stale, AT_ONCE)):
        with shop.database.session() as session:
            orphans = some - _named(session, some)
            for sha256 in orphans:
                shop.blobs.delete(sha256)
        gone += len(orphans)
    return gone


def _expired(session: Session, before: datetime) -> list[JobRow]:
    query = select(JobRow).where(JobRow.keep.is_(False), JobRow.ended_at < before)
    return list(session.scalars(query.limit(AT_ONCE)))


def _not_saved(session: Session, job_ids: list[str]) -> list[PictureRow]:
    saved = select(AlbumPictureRow.picture_id)
    query = select(PictureRow).where(
        PictureRow.job_id.in_(job_ids), PictureRow.favourite.is_(False), PictureRow.id.not_in(saved)
    )
    return list(session.scalars(query))


def _named(session: Session, hashes: Iterable[str]) -> set[str]:
    pictures = select(PictureRow.sha256).where(PictureRow.sha256.in_(hashes))
    waiting = select(JobRow.request).where(JobRow.kind == "edit", JobRow.ended_at.is_(None))
    return set(session.scalars(pictures)).union(*map(asked.files_of, session.scalars(waiting)))
