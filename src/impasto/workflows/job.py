"""One ask from the words to the picture that is kept: the order of events, each of which may be the last before the
power goes.

    accept   resolve · quote · judge the words · hold · write the job down      one transaction
    begin    queued becomes running
    draw     for each picture: draw · judge the pixels · mark · store           a transaction each
    settle   post what was delivered, or void · the job has ended               one transaction

Everything is keyed by the job's id and a picture's index, so any of it may be done again: what is there already is left
as it is. `run` is the durable part; jobs.durable sees to it that it is walked to its end however often it is begun.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from impasto.core import Busy, Clash, Failed, ImpastoError, Invalid, Refused
from impasto.jobs.easel import Cancelled, Wanted
from impasto.jobs.hub import News
from impasto.ledger import book
from impasto.pictures.formats import encode
from impasto.pictures.metadata import describe
from impasto.storage.tables.work import JobRow
from impasto.workflows import asked, gallery, verdicts
from impasto.workflows.generate import resolve, seeded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from sqlalchemy.orm import Session

    from impasto.core import Caller, Drawing, ImageRequest, JobState, Picture, Progress, Quote
    from impasto.jobs.easel import Easel
    from impasto.jobs.hub import Hub
    from impasto.ledger.prices import Prices
    from impasto.models.cards import Card
    from impasto.ports import Blobs, Clock, Marker, PixelsJudge, WordsJudge
    from impasto.storage.database import Database

log = logging.getLogger(__name__)

MOST_PICTURES = 64
"""of one job; who wants more asks again"""
MOST_UNFINISHED = 1000
"""jobs of one account"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """What the order of events needs of the house."""

    database: Database
    blobs: Blobs
    prices: Prices
    easel: Easel
    hub: Hub
    clock: Clock
    card_of: Callable[[str], Card]
    """raises UnknownModel"""
    words_judge: WordsJudge
    pixels_judge: PixelsJudge
    marker: Marker
    wildcards: Path | None = None


def priced(shop: Shop, request: ImageRequest) -> tuple[ImageRequest, list[Drawing], Quote]:
    """The request with its seed, its drawings and their price. Raises Invalid or Unknown."""
    if not 1 <= request.count <= MOST_PICTURES:
        raise Invalid("count", f"must be from 1 to {MOST_PICTURES}, not {request.count}")
    card = shop.card_of(request.model)
    request = seeded(request)
    drawings = resolve(request, card, shop.wildcards)
    first = drawings[0]
    quote = shop.prices.quote(
        family=card.model.family,
        width_px=first.width_px,
        height_px=first.height_px,
        steps=first.steps,
        count=request.count,
    )
    return request, drawings, quote


def accept(
    shop: Shop, caller: Caller, request: ImageRequest, *, key: str | None, priority: int, keep: bool
) -> tuple[str, bool]:
    """The id of the job, and whether it is new. From here on it will end once. Raises Refused,
    NotEnoughCredit, Clash."""
    digest = asked.digest(request)  # before a seed is drawn: the same ask twice is the same ask
    if key is not None and (before := _same_key(shop, caller, key, digest)) is not None:
        return before, False
    ready, drawings, quote = priced(shop, request)
    _judge(shop, caller, ready, drawings)
    kept = asked.to_json(ready, shop.blobs)
    job_id, now = secrets.token_hex(16), shop.clock.now()
    with shop.database.session() as session:
        if key is not None and (before := _find_key(session, caller, key, digest)) is not None:
            return before, False
        _few_enough(session, caller)
        number = (session.scalar(select(func.max(JobRow.number))) or 0) + 1
        book.hold(session, job_id, caller.account, quote.credit_micros, at=now, memo=request.words)
        session.add(
            JobRow(
                id=job_id,
                number=number,
                account=caller.account,
                key=key,
                digest=digest,
                kind="generate" if request.init is None else "edit",
                state="queued",
                request=kept,
                words=request.words,
                model=request.model,
                count=request.count,
                priority=priority,
                keep=keep,
                credit_micros=quote.credit_micros,
                picture_micros=quote.picture_micros,
                created_at=now,
            )
        )
    return job_id, True


def _judge(shop: Shop, caller: Caller, request: ImageRequest, drawings: Sequence[Drawing]) -> None:
    """The words of every picture, as they will be drawn, and the picture it starts from. Raises Refused.

    Negative words are not judged: they are what somebody does not want to see.
    """
    texts = dict.fromkeys((request.words, *(drawing.words for drawing in drawings)))
    each = [shop.words_judge.judge(text, request.model) for text in texts]
    if request.init is not None:
        each.append(shop.pixels_judge.judge(request.init.pixels, request.model, "init"))
    if (verdict := next((one for one in each if one.refused), None)) is None:
        return
    with shop.database.session() as session:
        if verdicts.allowed(session, verdict, account=caller.account, words=request.words):
            return
        refused = verdicts.record(
            session, verdict, account=caller.account, model=request.model, words=request.words, at=shop.clock.now()
        )
    raise refused


def begin(shop: Shop, job_id: str) -> bool:
    """Whether there is anything to do: not for a job that was cancelled while it waited, or that has ended."""
    with shop.database.session() as session:
        row = session.get_one(JobRow, job_id)
        if row.state == "queued":
            row.state, row.started_at = "running", shop.clock.now()
        running = row.state == "running"
    shop.hub.tell(job_id, News())
    return running


def put_on_easel(shop: Shop, job_id: str) -> dict[int, Future[Picture]]:
    """The pictures that are still to be made, by index. Raises what stops all of them: a model that is gone, say."""
    with shop.database.read() as session:
        row = session.get_one(JobRow, job_id)
    if row.cancel_asked:
        raise Cancelled
    request = asked.from_json(row.request, shop.blobs)
    drawings = resolve(request, shop.card_of(request.model), shop.wildcards)
    wanted = [
        Wanted(
            account=row.account,
            job_id=job_id,
            index=index,
            model=request.model,
            drawing=drawing,
            template=request.words,
            on_progress=partial(_tell, shop, job_id, index),
        )
        for index, drawing in enumerate(drawings)
        if index not in row.made
    ]
    for one in wanted:
        shop.easel.put(one, priority=row.priority)
    with shop.database.read() as session:
        if session.get_one(JobRow, job_id).cancel_asked:  # while they were being put there
            shop.easel.cancel(job_id)
    return {one.index: one.picture for one in wanted}


def store(shop: Shop, job_id: str, index: int, picture: Picture) -> None:
    """Judge, mark and keep one picture, once. Raises Refused if it may not be shown."""
    with shop.database.read() as session:
        row = session.get_one(JobRow, job_id)
    picture = replace(picture, index=index, template=row.words)
    verdict = shop.pixels_judge.judge(picture.pixels, row.model, "picture")
    if verdict.refused:
        with shop.database.session() as session:
            refused = verdicts.record(
                session,
                verdict,
                account=row.account,
                model=row.model,
                words=row.words,
                at=shop.clock.now(),
                job_id=job_id,
                index=index,
            )
        raise refused
    content = shop.marker.mark(encode(picture, ".png"), picture)
    shop.blobs.put(content)
    with shop.database.session() as session:
        row = session.get_one(JobRow, job_id)
        if index in row.made:
            return
        row.made = [*row.made, index]
        sha256 = shop.blobs.put(content)  # again: whoever deletes a file that no row names does so in such a block too
        gallery.add(
            session,
            picture,
            describe(picture),
            account=row.account,
            job_id=job_id,
            index=index,
            sha256=sha256,
            size_bytes=len(content),
            at=shop.clock.now(),
        )
    shop.hub.tell(job_id, News())


def settle(shop: Shop, job_id: str, reasons: Sequence[Exception] = ()) -> None:
    """The job has ended: what was delivered is charged, the rest goes back. A second time changes nothing.

    `reasons` are why pictures are missing; a job that made some of its pictures all the same is done, or was cancelled.
    """
    state, reason, field = why(reasons)
    with shop.database.session() as session:
        row = session.get_one(JobRow, job_id)
        if row.ended_at is not None:
            return
        made = len(row.made)
        if row.cancel_asked and made < row.count:
            state, reason, field = "cancelled", "", ""
        elif made:
            state = "done"
        row.state, row.reason, row.field = state, reason, field
        row.charged_micros = made * row.picture_micros
        row.ended_at = now = shop.clock.now()
        book.post(session, job_id, row.charged_micros, at=now, memo=row.words)
    shop.hub.forget(job_id)
    shop.hub.tell(job_id, News())


def run(shop: Shop, job_id: str) -> None:
    """The durable part, from the beginning or from wherever it was cut off."""
    if not begin(shop, job_id):
        return
    reasons: list[Exception] = []
    try:
        pictures = put_on_easel(shop, job_id)
    except Exception as error:
        reasons, pictures = [error], {}
    for index, picture in pictures.items():
        try:
            store(shop, job_id, index, picture.result())
        except Cancelled:
            continue
        except Exception as error:
            log.warning("job %s picture %d: %s", job_id, index, error, exc_info=error)
            reasons.append(error)
    settle(shop, job_id, reasons)


def unfinished(shop: Shop) -> list[tuple[str, str, int]]:
    """(id, account, priority) of every job that has not ended, in the order they were accepted."""
    columns = select(JobRow.id, JobRow.account, JobRow.priority)
    with shop.database.read() as session:
        query = columns.where(JobRow.ended_at.is_(None)).order_by(JobRow.number)
        return [(job_id, account, priority) for job_id, account, priority in session.execute(query)]


def why(reasons: Sequence[Exception]) -> tuple[JobState, str, str]:
    """State, reason and field of a job that made nothing: the first reason, in a person's words."""
    if not reasons:
        return "done", "", ""
    match reasons[0]:
        case Refused() as refused:
            return "refused", str(refused), ""
        case Invalid() as invalid:
            return "failed", str(invalid), invalid.field
        case Failed() as failed:
            return "failed", "; ".join(failed.reasons.values()), ""
        case ImpastoError() as known:
            return "failed", str(known), ""
        case _:
            return "failed", "something went wrong here; it is in the log", ""


def _tell(shop: Shop, job_id: str, index: int, progress: Progress) -> None:
    shop.hub.tell(job_id, News(progress=replace(progress, index=index)))


def _few_enough(session: Session, caller: Caller) -> None:
    unfinished = select(func.count()).where(JobRow.account == caller.account, JobRow.ended_at.is_(None))
    if (session.scalar(unfinished) or 0) >= MOST_UNFINISHED:
        raise Busy(f"{MOST_UNFINISHED} jobs of this account have not ended yet", retry_after_s=10)


def _same_key(shop: Shop, caller: Caller, key: str, digest: str) -> str | None:
    with shop.database.read() as session:
        return _find_key(session, caller, key, digest)


def _find_key(session: Session, caller: Caller, key: str, digest: str) -> str | None:
    row = session.scalar(select(JobRow).where(JobRow.account == caller.account, JobRow.key == key))
    if row is None:
        return None
    if row.digest != digest:
        raise Clash("Idempotency-Key", "was used for another request")
    return row.id
