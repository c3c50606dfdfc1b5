"""What policies said no to is written down, can be appealed, and is counted for everyone to see.

Words that were refused are not kept: whoever appeals sends them again, and their digest shows that they are the ones.
An appeal that is won lets that account use those words from then on.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from impasto.core import Clash, Forbidden, Invalid, NotFound, Refused
from impasto.storage.tables.safety import AppealRow, VerdictRow
from impasto.storage.tables.work import JobRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from impasto.core import Caller, Verdict

HARD = frozenset({"minors"})
"""categories in which one reviewer alone cannot overturn a verdict"""
MOST_SAID_CHARS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What anyone may know of the policy's work."""

    asked: int
    """jobs that were accepted"""
    refused: dict[str, int]
    """category -> how often, of words and pictures"""
    appealed: int
    overturned: int
    upheld: int


def record(
    session: Session, verdict: Verdict, *, account: str, model: str, words: str, at: datetime, job_id: str = "",
    index: int = 0,
) -> Refused:  # fmt: skip
    """Writes it down, a picture's once, and says it in a person's words, with what they can do."""
    row = VerdictRow(
        id=hashlib.sha256(f"{job_id}:{index}".encode()).hexdigest()[:32] if job_id else secrets.token_hex(16),
        account=account,
        model=model,
        job_id=job_id,
        stage=verdict.stage,
        category=verdict.code,
        does=verdict.does,
        score=verdict.score,
        threshold=verdict.threshold,
        policy=verdict.policy,
        words_digest=_digest(account, words),
        at=at,
    )
    session.merge(row)
    session.flush()
    return Refused(verdict.code, f"{explain(verdict)}; verdict {row.id}, which can be appealed")


def explain(verdict: Verdict) -> str:
    of = {"words": "the words hold", "init": "the picture it starts from looks like", "picture": "what was drawn is"}
    sure = f"score {verdict.score:g}, the limit is {verdict.threshold:g}"
    return f"{of[verdict.stage]} {verdict.rule} ({sure}, policy {verdict.policy}); nothing was charged"


def allowed(session: Session, verdict: Verdict, *, account: str, words: str) -> bool:
    """Whether this account won an appeal for these words."""
    won = (
        select(func.count())
        .select_from(AppealRow)
        .join(VerdictRow, VerdictRow.id == AppealRow.verdict_id)
        .where(
            AppealRow.state == "overturned",
            VerdictRow.account == account,
            VerdictRow.stage == verdict.stage,
            VerdictRow.category == verdict.code,
            VerdictRow.words_digest == _digest(account, words),
        )
    )
    return bool(session.scalar(won))


def appeal(session: Session, caller: Caller, verdict_id: str, *, words: str, says: str, at: datetime) -> AppealRow:
    """Raises NotFound for another's verdict, Invalid if the words are not those, Clash for a second appeal."""
    row = session.get(VerdictRow, verdict_id)
    if row is None or row.account != caller.account:
        raise NotFound("verdict", verdict_id)
    if row.words_digest != _digest(caller.account, words):
        raise Invalid("words", "must be the very words that were refused")
    if not 1 <= len(says) <= MOST_SAID_CHARS:
        raise Invalid("says", f"must have 1 to {MOST_SAID_CHARS} characters")
    if session.scalar(select(AppealRow.id).where(AppealRow.verdict_id == verdict_id)) is not None:
        raise Clash("verdict", "is appealed already")
    made = AppealRow(
        id=secrets.token_hex(16),
        verdict_id=verdict_id,
        account=caller.account,
        words=words,
        says=says,
        state="open",
        first_by="",
        decided_by="",
        reason="",
        created_at=at,
    )
    session.add(made)
    session.flush()
    return made


def decide(session: Session, caller: Caller, appeal_id: str, *, overturn: bool, reason: str, at: datetime) -> AppealRow:
    """A reviewer decides; in hard cases a second one must agree before a verdict is overturned.

    Raises Forbidden for who may not, NotFound, Clash if it is decided already.
    """
    row = session.get(AppealRow, appeal_id)
    if row is None:
        raise NotFound("appeal", appeal_id)
    if row.state not in ("open", "second"):
        raise Clash("appeal", f"is {row.state} already")
    if caller.account == row.account and caller.role != "owner":
        raise Forbidden("nobody decides their own appeal")
    if not 1 <= len(reason) <= MOST_SAID_CHARS:
        raise Invalid("reason", f"must have 1 to {MOST_SAID_CHARS} characters")
    verdict = session.get_one(VerdictRow, row.verdict_id)
    if overturn and verdict.category in HARD and row.state == "open":
        row.state, row.first_by, row.reason = "second", caller.account, reason
        return row
    if overturn and row.first_by == caller.account:
        raise Forbidden("another reviewer must agree")
    row.state = "overturned" if overturn else "upheld"
    row.decided_by, row.reason, row.decided_at = caller.account, reason, at
    return row


def waiting(session: Session, limit: int = 100) -> Sequence[tuple[AppealRow, VerdictRow]]:
    """Appeals that are not decided, oldest first."""
    query = (
        select(AppealRow, VerdictRow)
        .join(VerdictRow, VerdictRow.id == AppealRow.verdict_id)
        .where(AppealRow.state.in_(("open", "second")))
        .order_by(AppealRow.created_at)
        .limit(limit)
    )
    return [(one, verdict) for one, verdict in session.execute(query)]


def own(session: Session, caller: Caller, limit: int = 100) -> Sequence[tuple[VerdictRow, AppealRow | None]]:
    """What was refused to the caller, newest first, with what became of it."""
    query = (
        select(VerdictRow, AppealRow)
        .outerjoin(AppealRow, VerdictRow.id == AppealRow.verdict_id)
        .where(VerdictRow.account == caller.account)
        .order_by(VerdictRow.at.desc())
        .limit(limit)
    )
    return [(verdict, one) for verdict, one in session.execute(query)]


def numbers(session: Session) -> Numbers:
    by_category = select(VerdictRow.category, func.count()).where(VerdictRow.does == "refuse")
    by_state = Counter(session.scalars(select(AppealRow.state)).all())
    return Numbers(
        asked=session.scalar(select(func.count()).select_from(JobRow)) or 0,
        refused={row[0]: row[1] for row in session.execute(by_category.group_by(VerdictRow.category))},
        appealed=by_state.total(),
        overturned=by_state["overturned"],
        upheld=by_state["upheld"],
    )


def _digest(account: str, words: str) -> str:
    return hashlib.sha256(f"{account}\n{words}".encode()).hexdigest()
