"""Pictures that are kept: found by their words, put in albums, taken out as a zip, and really deleted."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, select, text, update

from impasto.core import Clash, Invalid, NotFound, StoredPicture
from impasto.storage.tables.gallery import AlbumPictureRow, AlbumRow, PictureRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from impasto.core import Caller, Picture
    from impasto.ports import Blobs, Clock
    from impasto.storage.database import Database

MOST_PER_PAGE = 200
MOST_AT_ONCE = 1000
"""pictures named in one ask"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A picture of the gallery with all that is known of it."""

    id: str
    job_id: str
    index: int
    sha256: str
    words: str
    negative: str
    model: str
    style: str
    seed: int
    width_px: int
    height_px: int
    size_bytes: int
    favourite: bool
    created_at: datetime
    document: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Album:
    id: str
    name: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to look for; None or "" means: any."""

    words: str = ""
    """all of them must be there, in the picture's words, negative or style; a word may be begun only"""
    model: str | None = None
    style: str | None = None
    favourite: bool | None = None
    album: str | None = None
    after: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    pictures: tuple[Kept, ...]
    next: str | None
    """the id to ask on from; None at the end"""


def add(
    session: Session,
    picture: Picture,
    document: dict[str, Any],
    *,
    account: str,
    job_id: str,
    index: int,
    sha256: str,
    size_bytes: int,
    at: datetime,
) -> StoredPicture:
    """Keep a picture whose file lies in the blobs already. A second time with its job and index changes nothing."""
    row = find_made(session, job_id, index)
    if row is None:
        drawing = picture.drawing
        row = PictureRow(
            id=secrets.token_hex(16),
            account=account,
            job_id=job_id,
            index=index,
            sha256=sha256,
            words=drawing.words,
            negative=drawing.negative,
            model=picture.model.name,
            style=drawing.style,
            seed=drawing.seed,
            width_px=drawing.width_px,
            height_px=drawing.height_px,
            size_bytes=size_bytes,
            favourite=False,
            document=document,
            created_at=at,
        )
        session.add(row)
        session.flush()
    return stored(row)


def find_made(session: Session, job_id: str, index: int) -> PictureRow | None:
    return session.scalar(select(PictureRow).where(PictureRow.job_id == job_id, PictureRow.index == index))


def stored(row: PictureRow) -> StoredPicture:
    return StoredPicture(
        id=row.id,
        job_id=row.job_id,
        index=row.index,
        sha256=row.sha256,
        width_px=row.width_px,
        height_px=row.height_px,
        seed=row.seed,
    )


def of_jobs(session: Session, job_ids: Sequence[str]) -> dict[str, tuple[StoredPicture, ...]]:
    """The pictures of some jobs, in order."""
    found: dict[str, list[StoredPicture]] = {job_id: [] for job_id in job_ids}
    query = select(PictureRow).where(PictureRow.job_id.in_(job_ids)).order_by(PictureRow.index)
    for row in session.scalars(query):
        found[row.job_id].append(stored(row))
    return {job_id: tuple(pictures) for job_id, pictures in found.items()}


def take_out(session: Session, rows: Sequence[PictureRow]) -> set[str]:
    """Delete rows; returns the sha256 of their files, for `drop` once this is committed."""
    hashes = {row.sha256 for row in rows}
    for row in rows:
        session.delete(row)
    session.flush()
    return hashes


def drop(database: Database, blobs: Blobs, hashes: set[str]) -> None:
    """Delete those files of pictures that no row names: within a transaction, as whoever stores one does, so that one
    that is being stored anew is not lost."""
    with database.session() as session:
        still = set(session.scalars(select(PictureRow.sha256).where(PictureRow.sha256.in_(hashes))))
        for sha256 in hashes - still:
            blobs.delete(sha256)


class Gallery:
    """A caller's own pictures and albums; another's are NotFound."""

    def __init__(self, database: Database, blobs: Blobs, clock: Clock) -> None:
        self._database, self._blobs, self._clock = database, blobs, clock

    def page(self, caller: Caller, wish: Wish, *, before: str | None = None, limit: int = 50) -> Page:
        """Newest first, from after the picture `before`. Raises Invalid naming limit, NotFound naming the album."""
        caller.must("read")
        if not 1 <= limit <= MOST_PER_PAGE:
            raise Invalid("limit", f"must be from 1 to {MOST_PER_PAGE}, not {limit}")
        with self._database.read() as session:
            query = self._matching(session, caller, wish)
            if before is not None:
                query = query.where(PictureRow.number < self._row(session, caller, before).number)
            rows = list(session.scalars(query.order_by(PictureRow.number.desc()).limit(limit + 1)))
        return Page(pictures=tuple(map(_kept, rows[:limit])), next=rows[limit - 1].id if len(rows) > limit else None)

    def find(self, caller: Caller, picture_id: str) -> Kept:
        caller.must("read")
        with self._database.read() as session:
            return _kept(self._row(session, caller, picture_id))

    def path(self, caller: Caller, picture_id: str) -> Path:
        """Its file, a PNG."""
        return self._blobs.path(self.find(caller, picture_id).sha256)

    def mark(self, caller: Caller, picture_ids: Sequence[str], *, favourite: bool) -> None:
        caller.must("draw")
        with self._database.session() as session:
            rows = self._rows(session, caller, picture_ids)
            numbers = [row.number for row in rows]
            session.execute(update(PictureRow).where(PictureRow.number.in_(numbers)).values(favourite=favourite))

    def delete(self, caller: Caller, picture_ids: Sequence[str]) -> int:
        """Deletes all of them or none: rows, words in the index, and the files that nothing else names."""
        caller.must("draw")
        with self._database.session() as session:
            rows = self._rows(session, caller, picture_ids)
            hashes = take_out(session, rows)
        drop(self._database, self._blobs, hashes)
        return len(rows)

    def export(self, caller: Caller, picture_ids: Sequence[str]) -> list[tuple[Kept, Path]]:
        """What a zip of them holds."""
        caller.must("read")
        with self._database.read() as session:
            kept = [_kept(row) for row in self._rows(session, caller, picture_ids)]
        return [(picture, self._blobs.path(picture.sha256)) for picture in kept]

    def albums(self, caller: Caller) -> list[Album]:
        caller.must("read")
        query = (
            select(AlbumRow, func.count(AlbumPictureRow.picture_id))
            .outerjoin(AlbumPictureRow, AlbumPictureRow.album_id == AlbumRow.id)
            .where(AlbumRow.account == caller.account)
            .group_by(AlbumRow.id)
            .order_by(AlbumRow.name)
        )
        with self._database.read() as session:
            return [Album(id=row.id, name=row.name, count=count) for row, count in session.execute(query)]

    def new_album(self, caller: Caller, name: str) -> Album:
        """Raises Invalid for a name that is empty or long, Clash for one that is there."""
        caller.must("draw")
        name = _album_name(name)
        with self._database.session() as session:
            self._free(session, caller, name)
            row = AlbumRow(id=secrets.token_hex(16), account=caller.account, name=name, created_at=self._clock.now())
            session.add(row)
        return Album(id=row.id, name=row.name, count=0)

    def rename_album(self, caller: Caller, album_id: str, name: str) -> None:
        caller.must("draw")
        name = _album_name(name)
        with self._database.session() as session:
            row = self._album(session, caller, album_id)
            if row.name != name:
                self._free(session, caller, name)
                row.name = name

    def delete_album(self, caller: Caller, album_id: str) -> None:
        """The pictures in it stay."""
        caller.must("draw")
        with self._database.session() as session:
            session.delete(self._album(session, caller, album_id))

    def put_in(self, caller: Caller, album_id: str, picture_ids: Sequence[str]) -> None:
        """Those that are in it already stay."""
        caller.must("draw")
        with self._database.session() as session:
            album, rows = self._album(session, caller, album_id), self._rows(session, caller, picture_ids)
            there = set(session.scalars(_in_album(album.id)))
            session.add_all(AlbumPictureRow(album_id=album.id, picture_id=r.id) for r in rows if r.id not in there)

    def take_from(self, caller: Caller, album_id: str, picture_ids: Sequence[str]) -> None:
        caller.must("draw")
        with self._database.session() as session:
            album, rows = self._album(session, caller, album_id), self._rows(session, caller, picture_ids)
            ours = [row.id for row in rows]
            session.execute(
                delete(AlbumPictureRow).where(
                    AlbumPictureRow.album_id == album.id, AlbumPictureRow.picture_id.in_(ours)
                )
            )

    def _matching(self, session: Session, caller: Caller, wish: Wish) -> Select[PictureRow]:
        query = select(PictureRow).where(PictureRow.account == caller.account)
        if wish.words.strip():
            query = query.where(_has_words(session, wish.words))
        if wish.model is not None:
            query = query.where(PictureRow.model == wish.model)
        if wish.style is not None:
            query = query.where(PictureRow.style == wish.style)
        if wish.favourite is not None:
            query = query.where(PictureRow.favourite == wish.favourite)
        if wish.album is not None:
            query = query.where(PictureRow.id.in_(_in_album(self._album(session, caller, wish.album).id)))
        if wish.after is not None:
            query = query.where(PictureRow.created_at >= wish.after)
        if wish.before is not None:
            query = query.where(PictureRow.created_at < wish.before)
        return query

    def _row(self, session: Session, caller: Caller, picture_id: str) -> PictureRow:
        query = select(PictureRow).where(PictureRow.id == picture_id, PictureRow.account == caller.account)
        if (row := session.scalar(query)) is None:
            raise NotFound("picture", picture_id)
        return row

    def _rows(self, session: Session, caller: Caller, picture_ids: Sequence[str]) -> list[PictureRow]:
        """In the order asked. Raises NotFound naming the first that is not the caller's."""
        if not 1 <= len(picture_ids) <= MOST_AT_ONCE:
            raise Invalid("ids", f"must name 1 to {MOST_AT_ONCE} pictures, not {len(picture_ids)}")
        query = select(PictureRow).where(PictureRow.id.in_(picture_ids), PictureRow.account == caller.account)
        found = {row.id: row for row in session.scalars(query)}
        for picture_id in picture_ids:
            if picture_id not in found:
                raise NotFound("picture", picture_id)
        return [found[picture_id] for picture_id in dict.fromkeys(picture_ids)]

    def _album(self, session: Session, caller: Caller, album_id: str) -> AlbumRow:
        row = session.get(AlbumRow, album_id)
        if row is None or row.account != caller.account:
            raise NotFound("album", album_id)
        return row

    def _free(self, session: Session, caller: Caller, name: str) -> None:
        taken = select(AlbumRow.id).where(AlbumRow.account == caller.account, AlbumRow.name == name)
        if session.scalar(taken) is not None:
            raise Clash("name", f"there is an album {name!r} already")


def _in_album(album_id: str) -> Select[str]:
    return select(AlbumPictureRow.picture_id).where(AlbumPictureRow.album_id == album_id)


def _has_words(session: Session, words: str) -> Any:
    """All the words, each as it begins; by the full-text index where there is one."""
    asked = re.findall(r"\w+", words)
    if session.get_bind().dialect.name != "sqlite":
        return PictureRow.words.icontains(words.strip(), autoescape=True)
    wanted = " ".join(f'"{word}"*' for word in asked) or '""'
    found = text("SELECT rowid FROM picture_words WHERE picture_words MATCH :wanted").bindparams(wanted=wanted)
    return PictureRow.number.in_(found)


def _album_name(name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= 200:
        raise Invalid("name", "must have 1 to 200 characters")
    return name


def _kept(row: PictureRow) -> Kept:
    return Kept(**{field: getattr(row, field) for field in Kept.__dataclass_fields__})
