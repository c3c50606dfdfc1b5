"""One ask from the words to the picture that is kept; each step may be the last before the power goes."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from impasto.core import (
    Caller,
    Clash,
    Failed,
    Forbidden,
    ImageRequest,
    Init,
    Invalid,
    NotEnoughCredit,
    NotFound,
    Picture,
    Progress,
    Refused,
    Unknown,
    Verdict,
)
from impasto.jobs.easel import Closing, Easel
from impasto.jobs.hub import Hub
from impasto.ledger import book
from impasto.ledger.prices import listed
from impasto.ledger.validate import validate
from impasto.storage.blobs import FolderBlobs
from impasto.storage.database import open_database
from impasto.workflows import housekeeping, job
from impasto.workflows.desk import Desk
from impasto.workflows.gallery import Gallery
from impasto.workflows.job import Shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ANN, BOB = Caller(account="ann", name="ann@example.org"), Caller(account="bob", name="bob@example.org")
PRICE = 200_000
START = datetime(2030, 1, 1, tzinfo=UTC)
ASK = ImageRequest(words="a fox", model="some", seed=7)


class Watch:
    """A clock that stands until it is moved on."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time


class Permissive:
    """Judges words and pixels: never refuses."""

    def judge(self, *asked: object) -> Verdict:
        return Verdict()


class Nothing:
    """Marks nothing."""

    def mark(self, content: bytes, picture: Picture) -> bytes:
        return content

    def follow(self, content: bytes, kept: bytes) -> bytes:
        return content


class House:
    """The whole road without its durable engine: a job that is handed over waits in `handed` until it is walked."""

    def __init__(self, folder: Path, card, engine) -> None:
        self.clock, self.engine, self.handed = Watch(), engine, []
        self.shop = Shop(
            database=open_database(f"sqlite:///{folder / 'impasto.db'}"),
            blobs=FolderBlobs(folder / "files"),
            prices=listed(),
            easel=Easel(lambda name: engine),
            hub=Hub(),
            clock=self.clock,
            card_of=lambda name: card,
            words_judge=Permissive(),
            pixels_judge=Permissive(),
            marker=Nothing(),
        )
        self.desk = Desk(self.shop, cards=lambda: [card], enqueue=lambda *job: self.handed.append(job))
        self.gallery = Gallery(self.shop.database, self.shop.blobs, self.clock)
        for who in (ANN, BOB):
            self.grant(who, 10 * PRICE)

    def grant(self, who: Caller, micros: int) -> None:
        with self.shop.database.session() as session:
            book.grant(session, who.account, micros, key=f"{who.account}:{micros}", reason="a test", by="", at=START)

    def balance(self, who: Caller) -> book.Balance:
        with self.shop.database.read() as session:
            assert validate(session) == []
            return book.balance(session, who.account)

    def walk(self) -> None:
        """All that was handed over, to its end."""
        while self.handed:
            job.run(self.shop, self.handed.pop(0)[0])

    def drawn(self, who: Caller, request: ImageRequest, **more):
        """What became of it."""
        asked = self.desk.submit(who, request, **more)
        self.walk()
        return self.desk.find(who, asked.id)


@pytest.fixture
def house(tmp_path, card, engine) -> Iterator[House]:
    house = House(tmp_path, card, engine)
    house.shop.easel.start()
    yield house
    house.shop.easel.close()
    house.shop.database.close()


def names(house: House) -> set[str]:
    return set(house.shop.blobs.names())


def test_a_job_waits_paid_for_then_is_drawn_and_charged(house):
    asked = house.desk.submit(ANN, replace(ASK, count=2))
    assert (asked.state, asked.quote.credit_micros, asked.charged_micros) == ("queued", 2 * PRICE, 0)
    assert house.balance(ANN) == book.Balance(available_micros=8 * PRICE, held_micros=2 * PRICE)
    house.walk()
    done = house.desk.find(ANN, asked.id)
    assert (done.state, done.charged_micros, done.done_share) == ("done", 2 * PRICE, 1.0)
    assert [(picture.index, picture.seed) for picture in done.pictures] == [(0, 7), (1, 8)]
    assert names(house) == {picture.sha256 for picture in done.pictures}
    assert house.balance(ANN) == book.Balance(available_micros=8 * PRICE, held_micros=0)


def test_a_seed_is_drawn_once(house):
    asked = house.desk.submit(ANN, replace(ASK, seed=None, count=2))
    house.walk()
    seeds = [picture.seed for picture in house.desk.find(ANN, asked.id).pictures]
    assert seeds == [drawing.seed for drawing in house.engine.asked]


def test_walked_a_second_time_nothing_changes(house):
    done = house.drawn(ANN, replace(ASK, count=2))
    job.run(house.shop, done.id)
    assert house.desk.find(ANN, done.id) == done
    assert len(house.engine.asked) == 2
    assert house.balance(ANN).available_micros == 8 * PRICE


@pytest.mark.parametrize("last", ["begin", "put_on_easel", "store", "settle"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_cut_off_around_any_step_it_ends_once(house, monkeypatch, last, after):
    step = getattr(job, last)

    def cut(*arguments, **more):
        monkeypatch.setattr(job, last, step)
        if after:
            step(*arguments, **more)
        raise Closing

    monkeypatch.setattr(job, last, cut)
    asked = house.desk.submit(ANN, replace(ASK, count=2))
    with pytest.raises(Closing):
        house.walk()
    job.run(house.shop, asked.id)
    done = house.desk.find(ANN, asked.id)
    assert (done.state, done.charged_micros, len(done.pictures)) == ("done", 2 * PRICE, 2)
    assert names(house) == {picture.sha256 for picture in done.pictures}
    assert house.balance(ANN) == book.Balance(available_micros=8 * PRICE, held_micros=0)
    assert job.unfinished(house.shop) == []


def test_what_has_not_ended_is_known_to_be_handed_over_again(house):
    first, second = house.desk.submit(ANN, ASK), house.desk.submit(BOB, ASK, priority=3)
    assert job.unfinished(house.shop) == [(first.id, "ann", 0), (second.id, "bob", 3)]


def test_a_job_that_cannot_be_handed_over_is_accepted_all_the_same(house, caplog):
    def no(*job: object) -> None:
        raise OSError("the disk is full")

    desk = Desk(house.shop, cards=list, enqueue=no)
    asked = desk.submit(ANN, ASK)
    assert asked.state == "queued"
    assert [job_id for job_id, _, _ in job.unfinished(house.shop)] == [asked.id]
    assert "handed over later" in caplog.text


def test_a_key_makes_it_happen_once(house):
    once, again = (house.desk.submit(ANN, replace(ASK, seed=None), key="k") for _ in range(2))
    assert once.id == again.id
    assert len(house.handed) == 1
    assert house.desk.submit(BOB, ASK, key="k").id != once.id, "a key is its account's own"
    with pytest.raises(Clash, match="Idempotency-Key"):
        house.desk.submit(ANN, replace(ASK, words="a cat"), key="k")


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (replace(ASK, count=0), "count"),
        (replace(ASK, count=65), "count"),
        (replace(ASK, words=" "), "words"),
        (replace(ASK, steps=0), "steps"),
        (replace(ASK, style="no such"), "style"),
        (replace(ASK, size_px=(7, 7)), "size"),
    ],
)
def test_what_breaks_a_rule_is_refused_by_name_and_nothing_is_begun(house, request_, field):
    for ask in (house.desk.quote, house.desk.submit):
        with pytest.raises((Invalid, Unknown)) as refused:
            ask(ANN, request_)
        assert refused.value.field == field
    assert house.desk.jobs(ANN) == []
    assert house.balance(ANN) == book.Balance(available_micros=10 * PRICE, held_micros=0)


@pytest.mark.parametrize(("field", "more"), [("Idempotency-Key", {"key": ""}), ("priority", {"priority": 11})])
def test_so_is_what_comes_with_it(house, field, more):
    with pytest.raises(Invalid) as refused:
        house.desk.submit(ANN, ASK, **more)
    assert refused.value.field == field


def test_who_cannot_pay_begins_nothing(house):
    with pytest.raises(NotEnoughCredit):
        house.desk.submit(ANN, replace(ASK, count=11))
    assert house.desk.jobs(ANN) == []
    assert not house.handed


def test_a_key_that_may_not_draw_does_not(house):
    with pytest.raises(Forbidden):
        house.desk.submit(replace(ANN, scopes=frozenset({"read"})), ASK)


class Refusing:
    """Refuses the nth thing it sees, or everything."""

    def __init__(self, nth: int | None = None) -> None:
        self.nth, self.seen = nth, -1

    def judge(self, thing: object, model: str, stage: str = "words") -> Verdict:
        self.seen += 1
        if self.nth not in (None, self.seen):
            return Verdict()
        return Verdict(code="unkind", rule="never unkind", does="refuse", stage=stage, policy="kind 1")


def test_words_that_are_refused_begin_nothing(house):
    desk = Desk(replace(house.shop, words_judge=Refusing()), cards=list, enqueue=house.handed.append)
    with pytest.raises(Refused, match="never unkind"):
        desk.submit(ANN, ASK)
    assert desk.jobs(ANN) == []


def test_a_picture_that_is_refused_costs_nothing_and_is_not_kept(house):
    asked = house.desk.submit(ANN, ASK)
    job.run(replace(house.shop, pixels_judge=Refusing(0)), asked.id)
    refused = house.desk.find(ANN, asked.id)
    assert (refused.state, refused.charged_micros, refused.pictures) == ("refused", 0, ())
    assert "never unkind" in refused.reason
    assert names(house) == set()
    assert house.balance(ANN) == book.Balance(available_micros=10 * PRICE, held_micros=0)


def test_of_several_only_those_delivered_are_charged_and_the_answer_says_why(house):
    asked = house.desk.submit(ANN, replace(ASK, count=3))
    job.run(replace(house.shop, pixels_judge=Refusing(1)), asked.id)
    done = house.desk.find(ANN, asked.id)
    assert (done.state, done.charged_micros) == ("done", 2 * PRICE)
    assert [picture.index for picture in done.pictures] == [0, 2]
    assert "never unkind" in done.reason


def test_a_picture_that_fails_costs_nothing(house, monkeypatch):
    def fail(drawings):
        raise Failed({0: "its numbers are not finite"})

    monkeypatch.setattr(house.engine, "draw", fail)
    failed = house.drawn(ANN, ASK)
    assert (failed.state, failed.reason, failed.charged_micros) == ("failed", "its numbers are not finite", 0)


def test_what_was_not_foreseen_is_logged_and_not_told(house, monkeypatch, caplog):
    def fail(drawings):
        raise RuntimeError("/secret/path")

    monkeypatch.setattr(house.engine, "draw", fail)
    failed = house.drawn(ANN, ASK)
    assert failed.state == "failed"
    assert "secret" not in failed.reason
    assert "secret" in caplog.text


def test_a_model_that_is_gone_fails_the_job(house):
    def gone(name):
        raise Unknown("model", name, ["other"])

    asked = house.desk.submit(ANN, ASK)
    job.run(replace(house.shop, card_of=gone), asked.id)
    failed = house.desk.find(ANN, asked.id)
    assert (failed.state, failed.field, failed.charged_micros) == ("failed", "model", 0)


def test_a_job_cancelled_while_it_waits_is_never_drawn(house):
    asked = house.desk.submit(ANN, ASK)
    assert house.desk.cancel(ANN, asked.id).state == "cancelled"
    house.walk()
    assert house.desk.find(ANN, asked.id).state == "cancelled"
    assert house.engine.asked == []
    assert house.balance(ANN) == book.Balance(available_micros=10 * PRICE, held_micros=0)


def test_what_was_finished_before_a_cancel_is_kept_and_charged(house, monkeypatch):
    store = job.store

    def and_cancel(shop, job_id, index, picture):
        store(shop, job_id, index, picture)
        house.desk.cancel(ANN, job_id)

    monkeypatch.setattr(job, "store", and_cancel)
    house.engine.draw = _only(7, house.engine.draw)
    asked = house.drawn(ANN, replace(ASK, count=3))
    assert (asked.state, asked.charged_micros) == ("cancelled", PRICE)
    assert [picture.index for picture in asked.pictures] == [0]


def _only(seed: int, draw):
    """Draws pictures of that seed; any other one is never finished."""

    def drawing(drawings):
        if drawings[0].seed == seed:
            yield from draw(drawings)
        while drawings[0].seed != seed:
            time.sleep(0.01)
            yield Progress(index=0, step=1, steps=2)

    return drawing


def test_a_cancel_that_comes_while_the_pictures_are_put_on_the_easel_counts(house, monkeypatch):
    put = house.shop.easel.put

    def cancel_first(wanted, *, priority=0):
        if wanted.index == 0:
            house.desk.cancel(ANN, wanted.job_id)
        put(wanted, priority=priority)

    monkeypatch.setattr(house.shop.easel, "put", cancel_first)
    house.engine.draw = _only(-1, house.engine.draw)
    asked = house.desk.submit(ANN, replace(ASK, count=3))
    house.walk()
    assert house.desk.find(ANN, asked.id).state == "cancelled"


def test_a_job_that_has_ended_stays_as_it_is(house):
    done = house.drawn(ANN, ASK)
    assert house.desk.cancel(ANN, done.id) == done


def test_anothers_job_is_not_there(house):
    asked = house.desk.submit(ANN, ASK)
    for ask in (house.desk.find, house.desk.cancel):
        with pytest.raises(NotFound):
            ask(BOB, asked.id)
    with pytest.raises(NotFound):
        house.desk.jobs(BOB, before=asked.id)
    with pytest.raises(NotFound):
        asyncio.run(house.desk.wait(BOB, asked.id, timeout_s=1))
    assert house.desk.jobs(BOB) == []


def test_jobs_come_newest_first_a_page_at_a_time(house):
    ids = [house.desk.submit(ANN, ASK).id for _ in range(3)]
    house.desk.cancel(ANN, ids[1])
    assert [one.id for one in house.desk.jobs(ANN)] == ids[::-1]
    assert [one.id for one in house.desk.jobs(ANN, before=ids[2], limit=1)] == [ids[1]]
    assert [one.id for one in house.desk.jobs(ANN, state="queued")] == [ids[2], ids[0]]
    with pytest.raises(Invalid):
        house.desk.jobs(ANN, limit=0)


def test_places_in_the_queue_count_pictures(house):
    first, second = house.desk.submit(ANN, replace(ASK, count=3)), house.desk.submit(ANN, ASK)
    assert (first.position, second.position) == (0, 3)


def test_watching_tells_steps_pictures_and_the_end(house):
    async def watch() -> list:
        asked = await asyncio.to_thread(house.desk.submit, ANN, ASK)
        events = []
        async for event in house.desk.watch(ANN, asked.id):
            if not events:
                walking = asyncio.get_running_loop().run_in_executor(None, house.walk)
            events.append(event)
        await walking
        return events

    events = asyncio.run(watch())
    assert events[0].job.state == "queued"
    assert events[-1].job.state == "done"
    assert [event.picture.index for event in events if event.picture] == [0]
    assert [event.progress.step for event in events if event.progress] == [1]


def test_waiting_ends_with_the_time(house):
    asked = house.desk.submit(ANN, ASK)
    assert asyncio.run(house.desk.wait(ANN, asked.id, timeout_s=0.05)).state == "queued"


def test_a_picture_that_was_deleted_is_charged_and_not_drawn_again(house, monkeypatch):
    settle = job.settle

    def cut(*arguments):
        monkeypatch.setattr(job, "settle", settle)
        raise Closing

    monkeypatch.setattr(job, "settle", cut)
    asked = house.desk.submit(ANN, replace(ASK, count=2))
    with pytest.raises(Closing):
        house.walk()
    house.gallery.delete(ANN, [picture.id for picture in house.desk.find(ANN, asked.id).pictures])
    job.run(house.shop, asked.id)
    done = house.desk.find(ANN, asked.id)
    assert (done.state, done.charged_micros, done.pictures) == ("done", 2 * PRICE, ())
    assert len(house.engine.asked) == 2


def test_what_was_not_to_be_kept_goes_a_day_after_it_ended(house):
    gone, kept = house.drawn(ANN, ASK, keep=False), house.drawn(ANN, replace(ASK, seed=9))
    house.clock.time += timedelta(hours=23)
    assert housekeeping.expire(house.shop) == 0
    house.clock.time += timedelta(hours=2)
    assert housekeeping.expire(house.shop) == 1
    with pytest.raises(NotFound):
        house.desk.find(ANN, gone.id)
    assert names(house) == {kept.pictures[0].sha256}
    assert house.balance(ANN).available_micros == 8 * PRICE, "what was delivered stays paid for"


def test_a_favourite_stays_when_its_job_goes(house):
    gone = house.drawn(ANN, replace(ASK, count=2), keep=False)
    house.gallery.mark(ANN, [gone.pictures[0].id], favourite=True)
    house.clock.time += timedelta(hours=25)
    housekeeping.expire(house.shop)
    assert names(house) == {gone.pictures[0].sha256}


def test_uploads_stay_until_their_job_has_ended_and_orphans_go(house):
    init = Init(sha256="cd" * 32, pixels=np.full((32, 64, 4), 200, np.uint8))
    asked = house.desk.submit(ANN, replace(ASK, init=init))
    orphan = house.shop.blobs.put(b"left behind")
    uploaded = names(house) - {orphan}
    soon = datetime.now(UTC) + timedelta(minutes=1)
    assert housekeeping.drop_orphans(house.shop, datetime.now(UTC) - timedelta(hours=1)) == 0, "all of it is new"
    assert housekeeping.drop_orphans(house.shop, soon) == 1
    assert names(house) == uploaded
    house.walk()
    assert housekeeping.drop_orphans(house.shop, soon) == 1
    assert names(house) == {picture.sha256 for picture in house.desk.find(ANN, asked.id).pictures}
