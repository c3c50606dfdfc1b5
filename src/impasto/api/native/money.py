"""Credits: what there is, what became of them, and what the operator gives."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, ConfigDict, Field

from impasto.api.callers import CallerHere, OperatorHere
from impasto.api.house import HouseHere
from impasto.api.native.people import people_of
from impasto.ledger import book
from impasto.ledger.statements import as_csv, lines

router = APIRouter(prefix="/api", tags=["credits"])

Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=100)]


class BalanceOut(BaseModel):
    available_micros: int = Field(description="one credit is 1000000")
    held_micros: int = Field(description="for jobs that have not ended")


class Grant(BaseModel):
    model_config = ConfigDict(extra="forbid")

    account: str
    micros: int = Field(gt=0, le=book.MAX_MICROS)
    reason: str = Field(min_length=1, max_length=400)


class Refund(BaseModel):
    model_config = ConfigDict(extra="forbid")

    job: str
    micros: int = Field(gt=0, le=book.MAX_MICROS)
    reason: str = Field(min_length=1, max_length=400)


@router.get("/balance", response_model=BalanceOut)
def balance(house: HouseHere, caller: CallerHere) -> BalanceOut:
    caller.must("account")
    return _balance(house, caller.account)


@router.get("/statement.csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
def statement(house: HouseHere, caller: CallerHere) -> Response:
    """Everything that happened to your credits, oldest first."""
    caller.must("account")
    with house.database.read() as session:
        text = as_csv(lines(session, caller.account))
    headers = {"Content-Disposition": 'attachment; filename="statement.csv"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/admin/grants", status_code=201, response_model=BalanceOut)
def grant(asked: Grant, house: HouseHere, caller: OperatorHere, key: Key = None) -> BalanceOut:
    """Give an account credits; once, for one Idempotency-Key."""
    people_of(house).find(asked.account)
    once = f"{caller.account}:{key or secrets.token_hex(16)}"
    with house.database.session() as session:
        now = house.clock.now()
        book.grant(session, asked.account, asked.micros, key=once, reason=asked.reason, by=caller.name, at=now)
    return _balance(house, asked.account)


@router.post("/admin/refunds", status_code=201, response_model=BalanceOut)
def refund(asked: Refund, house: HouseHere, caller: OperatorHere, key: Key = None) -> BalanceOut:
    """Give back what a job was charged, or part of it; once, for one Idempotency-Key."""
    once = f"{caller.account}:{key or secrets.token_hex(16)}"
    with house.database.session() as session:
        now = house.clock.now()
        book.refund(session, asked.job, asked.micros, key=once, reason=asked.reason, by=caller.name, at=now)
        found = book.find(session, asked.job)
    assert found is not None, "a refund of a job that was never held"
    return _balance(house, found.account)


def _balance(house: HouseHere, account: str) -> BalanceOut:
    with house.database.read() as session:
        found = book.balance(session, account)
    return BalanceOut(available_micros=found.available_micros, held_micros=found.held_micros)
