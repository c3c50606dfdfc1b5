"""What was refused and why, appeals and who decides them, and the numbers for everyone."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from impasto.api.callers import CallerHere
from impasto.api.house import HouseHere
from impasto.core import Caller, Forbidden
from impasto.storage.tables.safety import AppealRow, VerdictRow
from impasto.workflows import verdicts

router = APIRouter(prefix="/api", tags=["policy"])


def reviewer(found: CallerHere) -> Caller:
    if found.role not in ("owner", "admin", "reviewer"):
        raise Forbidden("only a reviewer, an admin or an owner may do this")
    found.must("account")
    return found


ReviewerHere = Annotated[Caller, Depends(reviewer)]


class Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class VerdictOut(Out):
    id: str
    at: datetime
    model: str
    stage: str = Field(description="words, init or picture")
    category: str
    does: str
    score: float
    threshold: float
    policy: str
    appeal: str = Field(default="", description="open, second, upheld or overturned")


class AppealOut(Out):
    id: str
    verdict_id: str
    words: str
    says: str
    state: str
    reason: str
    created_at: datetime
    decided_at: datetime | None


class WaitingOut(AppealOut):
    category: str
    score: float
    policy: str


class Appeal(BaseModel):
    model_config = ConfigDict(extra="forbid")

    verdict: str
    words: str = Field(description="the very words that were refused; they were not kept")
    says: str = Field(min_length=1, max_length=verdicts.MOST_SAID_CHARS)


class Decision(BaseModel):
    model_config = ConfigDict(extra="forbid")

    overturn: bool
    reason: str = Field(min_length=1, max_length=verdicts.MOST_SAID_CHARS)


class NumbersOut(Out):
    asked: int
    refused: dict[str, int]
    appealed: int
    overturned: int
    upheld: int


@router.get("/verdicts", response_model=list[VerdictOut])
def own_verdicts(house: HouseHere, caller: CallerHere) -> list[VerdictOut]:
    """What was refused to you, newest first. Neither words nor pictures are kept with it."""
    caller.must("read")
    with house.database.read() as session:
        return [_verdict(row, appeal) for row, appeal in verdicts.own(session, caller)]


@router.post("/appeals", status_code=201, response_model=AppealOut)
def appeal(asked: Appeal, house: HouseHere, caller: CallerHere) -> AppealOut:
    """Say that a verdict is wrong. If you are right, these words pass from then on."""
    caller.must("account")
    with house.database.session() as session:
        row = verdicts.appeal(session, caller, asked.verdict, words=asked.words, says=asked.says, at=house.clock.now())
        return AppealOut.model_validate(row)


@router.get("/review/appeals", response_model=list[WaitingOut])
def waiting(house: HouseHere, caller: ReviewerHere) -> list[WaitingOut]:
    """What waits for a reviewer, oldest first."""
    with house.database.read() as session:
        return [
            WaitingOut(
                **AppealOut.model_validate(row).model_dump(),
                category=verdict.category,
                score=verdict.score,
                policy=verdict.policy,
            )
            for row, verdict in verdicts.waiting(session)
        ]


@router.post("/review/appeals/{appeal_id}", response_model=AppealOut)
def decide(appeal_id: str, asked: Decision, house: HouseHere, caller: ReviewerHere) -> AppealOut:
    """Uphold or overturn; where children are concerned, two reviewers must agree to overturn."""
    with house.database.session() as session:
        row = verdicts.decide(
            session, caller, appeal_id, overturn=asked.overturn, reason=asked.reason, at=house.clock.now()
        )
        return AppealOut.model_validate(row)


@router.get("/transparency", response_model=NumbersOut)
def transparency(house: HouseHere) -> NumbersOut:
    """How much was asked, refused by category, appealed and overturned: for anyone."""
    with house.database.read() as session:
        return NumbersOut.model_validate(verdicts.numbers(session))


def _verdict(row: VerdictRow, appeal: AppealRow | None) -> VerdictOut:
    out = VerdictOut.model_validate(row)
    return out.model_copy(update={"appeal": appeal.state if appeal else ""})
