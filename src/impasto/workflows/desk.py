"""ports.Desk: what the doors ask of the workflows."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from impasto.core import Invalid, Job, JobEvent, NotFound, Quote
from impasto.jobs.hub import News
from impasto.storage.tables.work import JobRow
from impasto.workflows import gallery, job

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from sqlalchemy.orm import Session

    from impasto.core import Caller, ImageRequest, JobState, StoredPicture
    from impasto.models.cards import Card
    from impasto.workflows.job import Shop

log = logging.getLogger(__name__)

MOST_PER_PAGE = 200
MOST_KEY_CHARS = 255
MOST_PRIORITY = 10
LOOK_AGAIN_S = 5.0
"""how often a watcher looks at the job itself, in case something happened in another process"""


class Desk:
    """`enqueue(job_id, account, priority)` hands an accepted job to the durable queue; a second time changes nothing.

    If it raises, the job is accepted all the same: it is handed over when the rounds are made (app.chores).
    """

    def __init__(
        self, shop: Shop, *, cards: Callable[[], Sequence[Card]], enqueue: Callable[[str, str, int], None]
    ) -> None:
        self._shop, self._cards, self._enqueue = shop, cards, enqueue

    def cards(self) -> Sequence[Card]:
        return self._cards()

    def quote(self, caller: Caller, request: ImageRequest) -> Quote:
        caller.must("draw")
        return job.priced(self._shop, request)[2]

    def submit(
        self, caller: Caller, request: ImageRequest, *, key: str | None = None, priority: int = 0, keep: bool = True
    ) -> Job:
        caller.must("draw")
        if key is not None and not (1 <= len(key) <= MOST_KEY_CHARS and key.isprintable()):
            raise Invalid("Idempotency-Key", f"must have 1 to {MOST_KEY_CHARS} printable characters")
        if not -MOST_PRIORITY <= priority <= MOST_PRIORITY:
            raise Invalid("priority", f"must be from -{MOST_PRIORITY} to {MOST_PRIORITY}, not {priority}")
        job_id, new = job.accept(self._shop, caller, request, key=key, priority=priority, keep=keep)
        if new:
            self._hand_over(job_id, caller, priority)
        return self.find(caller, job_id)

    def _hand_over(self, job_id: str, caller: Caller, priority: int) -> None:
        try:
            self._enqueue(job_id, caller.account, priority)
        except Exception:
            log.exception("job %s will be handed over later", job_id)

    def find(self, caller: Caller, job_id: str) -> Job:
        caller.must("read")
        with self._shop.database.read() as session:
            return self._job(session, _own(session, caller, job_id))

    def jobs(
        self, caller: Caller, *, state: JobState | None = None, before: str | None = None, limit: int = 50
    ) -> Sequence[Job]:
        caller.must("read")
        if not 1 <= limit <= MOST_PER_PAGE:
            raise Invalid("limit", f"must be from 1 to {MOST_PER_PAGE}, not {limit}")
        with self._shop.database.read() as session:
            query = select(JobRow).where(JobRow.account == caller.account)
            if state is not None:
                query = query.where(JobRow.state == state)
            if before is not None:
                query = query.where(JobRow.number < _own(session, caller, before).number)
            rows = list(session.scalars(query.order_by(JobRow.number.desc()).limit(limit)))
            pictures = gallery.of_jobs(session, [row.id for row in rows])
            return [self._told(session, row, pictures[row.id]) for row in rows]

    def cancel(self, caller: Caller, job_id: str) -> Job:
        caller.must("draw")
        with self._shop.database.session() as session:
            row = _own(session, caller, job_id)
            waits = row.state == "queued"
            if row.ended_at is None:
                row.cancel_asked = True
        self._shop.easel.cancel(job_id)
        if waits:
            job.settle(self._shop, job_id)
        return self.find(caller, job_id)

    async def watch(self, caller: Caller, job_id: str) -> AsyncIterator[JobEvent]:
        seen: set[str] = set()
        with self._shop.hub.watch(job_id) as watcher:
            news: News | None = News()
            while True:
                now = self.find(caller, job_id)
                for picture in now.pictures:
                    if picture.id not in seen:
                        seen.add(picture.id)
                        yield JobEvent(job=now, picture=picture)
                yield JobEvent(job=now, progress=news.progress if news else None)
                if now.ended:
                    return
                news = await watcher.next(LOOK_AGAIN_S)

    async def wait(self, caller: Caller, job_id: str, *, timeout_s: float) -> Job:
        import asyncio

        try:
            async with asyncio.timeout(timeout_s):
                async for event in self.watch(caller, job_id):
                    if event.job.ended:
                        return event.job
        except TimeoutError:
            pass
        return self.find(caller, job_id)

    def _job(self, session: Session, row: JobRow) -> Job:
        return self._told(session, row, gallery.of_jobs(session, [row.id])[row.id])

    def _told(self, session: Session, row: JobRow, pictures: tuple[StoredPicture, ...]) -> Job:
        ended = row.ended_at is not None
        return Job(
            id=row.id,
            account=row.account,
            kind=row.kind,
            state=row.state,  # type: ignore[arg-type]
            words=row.words,
            model=row.model,
            count=row.count,
            quote=Quote(credit_micros=row.credit_micros, picture_micros=row.picture_micros, count=row.count),
            charged_micros=row.charged_micros,
            created_at=row.created_at,
            started_at=row.started_at,
            ended_at=row.ended_at,
            reason=row.reason,
            field=row.field,
            position=None if ended else self._position(session, row),
            done_share=1.0 if ended else self._done_share(row),
            pictures=pictures,
        )

    def _position(self, session: Session, row: JobRow) -> int | None:
        """Of a job on the easel as the turns stand; of one that is not there yet, behind all that is, and what was
        accepted before it."""
        if row.state == "running":
            return self._shop.easel.before(row.id)
        earlier = select(func.sum(JobRow.count)).where(JobRow.state == "queued", JobRow.number < row.number)
        return len(self._shop.easel) + (session.scalar(earlier) or 0)

    def _done_share(self, row: JobRow) -> float:
        return max(len(row.made) / row.count, self._shop.hub.done_share(row.id, row.count))


def _own(session: Session, caller: Caller, job_id: str) -> JobRow:
    row = session.get(JobRow, job_id)
    if row is None or row.account != caller.account:
        raise NotFound("job", job_id)
    return row
