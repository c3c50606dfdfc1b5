"""Little ledgers, and a machine that tries everything in any order."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from impasto.core import Clash, Invalid, NotEnoughCredit, NotFound
from impasto.ledger import book
from impasto.ledger.statements import as_csv, lines
from impasto.ledger.validate import validate
from impasto.storage.database import Database, open_database

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

AT = datetime(2026, 1, 1, tzinfo=UTC)


def give(session: Session, account: str = "ann", micros: int = 1000, key: str = "1") -> None:
    book.grant(session, account, micros, key=key, reason="welcome", by="house", at=AT)


def test_a_hold_is_posted_and_the_rest_goes_back(database: Database) -> None:
    with database.session() as session:
        give(session)
        book.hold(session, "job", "ann", 600, at=AT)
        assert book.balance(session, "ann") == book.Balance(available_micros=400, held_micros=600)
        book.post(session, "job", 200, at=AT)
        assert book.balance(session, "ann") == book.Balance(available_micros=800, held_micros=0)
        assert validate(session) == []


def test_each_act_happens_once(database: Database) -> None:
    with database.session() as session:
        for _ in range(3):
            give(session)
            book.hold(session, "job", "ann", 600, at=AT)
        for _ in range(3):
            book.post(session, "job", 600, at=AT)
            book.hold(session, "job", "ann", 600, at=AT)
        assert book.balance(session, "ann") == book.Balance(available_micros=400, held_micros=0)
        with pytest.raises(Clash):
            book.void(session, "job", at=AT)
        with pytest.raises(Clash):
            book.hold(session, "job", "ann", 601, at=AT)
        with pytest.raises(Clash):
            give(session, micros=5)
        assert validate(session) == []


def test_what_is_not_there_cannot_be_held(database: Database) -> None:
    def all_or_nothing() -> None:
        with database.session() as session:
            give(session)
            book.hold(session, "job", "ann", 1001, at=AT)

    with pytest.raises(NotEnoughCredit) as refused:
        all_or_nothing()
    assert (refused.value.needed_micros, refused.value.available_micros) == (1001, 1000)
    with database.read() as session:  # the grant went with the transaction it stood in
        assert book.balance(session, "ann").available_micros == 0


def test_a_refund_gives_back_at_most_what_was_charged(database: Database) -> None:
    with database.session() as session:
        give(session)
        book.hold(session, "job", "ann", 600, at=AT)
        book.post(session, "job", 500, at=AT)
        book.refund(session, "job", 300, key="r", reason="blurred", by="owner", at=AT)
        book.refund(session, "job", 300, key="r", reason="blurred", by="owner", at=AT)
        with pytest.raises(Invalid, match="200 micros left"):
            book.refund(session, "job", 201, key="r2", reason="again", by="owner", at=AT)
        with pytest.raises(NotFound):
            book.refund(session, "nothing", 1, key="r3", reason="x", by="owner", at=AT)
        assert book.balance(session, "ann").available_micros == 800
        assert validate(session) == []


@pytest.mark.parametrize("micros", [0, -1, book.MAX_MICROS + 1])
def test_a_grant_is_a_sensible_sum_with_a_reason(database: Database, micros: int) -> None:
    with database.session() as session:
        with pytest.raises(Invalid, match="credits"):
            give(session, micros=micros)
        with pytest.raises(Invalid, match="reason"):
            book.grant(session, "ann", 1, key="k", reason=" ", by="owner", at=AT)


@pytest.mark.parametrize("statement", ["UPDATE ledger_entries SET micros = 5", "DELETE FROM ledger_transactions"])
def test_the_book_is_append_only(database: Database, statement: str) -> None:
    with database.session() as session:
        give(session)
    with pytest.raises(IntegrityError, match="append only"), database.session() as session:
        session.execute(text(statement))


def test_validate_finds_what_is_wrong(database: Database) -> None:
    with database.session() as session:
        give(session)
        book.hold(session, "job", "ann", 600, at=AT)
        session.execute(text("INSERT INTO ledger_entries (transaction_id, place, micros) VALUES (1, 'income', 7)"))
        session.execute(text("UPDATE ledger_balances SET micros = 5 WHERE place = 'held:ann'"))
    with database.read() as session:
        found = "\n".join(validate(session))
    assert "transaction 1 sums to 7" in found
    assert "income is said to have 0 micros, its entries come to 7" in found
    assert "held:ann has 5 micros, its open holds come to 600" in found


def test_a_statement_tells_every_change_and_no_formula(database: Database) -> None:
    with database.session() as session:
        give(session)
        book.hold(session, "job", "ann", 600, at=AT, memo="=1+1")
        book.post(session, "job", 200, at=AT)
        told = list(lines(session, "ann"))
    assert [(line.kind, line.credit_micros, line.balance_micros) for line in told] == [
        ("grant", 1000, 1000),
        ("hold", 0, 1000),
        ("post", -200, 800),
    ]
    assert "'=1+1" in as_csv(told)


class Book(RuleBasedStateMachine):
    """Every act, at any time, of few accounts and jobs; a dictionary says what must come of it."""

    def __init__(self) -> None:
        super().__init__()
        self.database = open_database("sqlite://")
        self.has = {"ann": 0, "bob": 0}
        self.jobs: dict[str, tuple[str, int]] = {}
        self.ended: dict[str, int] = {}
        self.grants = 0

    def teardown(self) -> None:
        self.database.close()

    accounts = strategies.sampled_from(["ann", "bob"])
    names = strategies.sampled_from(["a", "b", "c", "d"])
    amounts = strategies.integers(0, 50)

    @rule(account=accounts, micros=strategies.integers(1, 60))
    def grant(self, account: str, micros: int) -> None:
        with self.database.session() as session:
            give(session, account, micros, key=str(self.grants))
        self.grants += 1
        self.has[account] += micros

    @rule(account=accounts, job=names, micros=amounts)
    def hold(self, account: str, job: str, micros: int) -> None:
        expected = None
        if job in self.jobs:
            expected = None if self.jobs[job] == (account, micros) else Clash
        elif micros > self.has[account]:
            expected = NotEnoughCredit
        else:
            self.jobs[job] = (account, micros)
            self.has[account] -= micros
        self.does(lambda session: book.hold(session, job, account, micros, at=AT), expected)

    @rule(job=names, micros=amounts)
    def post(self, job: str, micros: int) -> None:
        expected: type[Exception] | None = None
        if job not in self.jobs:
            expected = NotFound
        elif micros > self.jobs[job][1]:
            expected = Invalid
        elif job in self.ended:
            expected = None if self.ended[job] == micros else Clash
        else:
            self.ended[job] = micros
            self.has[self.jobs[job][0]] += self.jobs[job][1] - micros
        self.does(lambda session: book.post(session, job, micros, at=AT), expected)

    def does(self, act, expected) -> None:
        if expected is None:
            with self.database.session() as session:
                act(session)
        else:
            with pytest.raises(expected), self.database.session() as session:
                act(session)

    @invariant()
    def adds_up(self) -> None:
        with self.database.read() as session:
            assert validate(session) == []
            for account, micros in self.has.items():
                open_micros = sum(m for job, (a, m) in self.jobs.items() if a == account and job not in self.ended)
                expected = book.Balance(available_micros=micros, held_micros=open_micros)
                assert book.balance(session, account) == expected


Book.TestCase.settings = settings(max_examples=25, stateful_step_count=20)
TestBook = Book.TestCase
