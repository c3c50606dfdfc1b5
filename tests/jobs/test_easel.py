"""One thread that draws, in fair turn."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from impasto.core import Drawing, Failed, ModelRef, Picture, Progress
from impasto.jobs.easel import Cancelled, Closing, Easel, Wanted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WAIT_S = 10
MODEL = ModelRef(name="some", version="1", sha256="ab" * 32)
DRAWING = Drawing(
    words="a fox",
    negative="",
    style="flat",
    width_px=8,
    height_px=8,
    steps=3,
    guidance=1.0,
    sampler="euler",
    sigmas="karras",
    seed=1,
    background="transparent",
)


class Stepping:
    """An engine whose every step waits until it is let go on. "broken" breaks at its second step."""

    model, samplers, curves = MODEL, ("euler",), ("karras",)

    def __init__(self) -> None:
        self.step, self.begun, self.closed = threading.Semaphore(0), threading.Semaphore(0), 0
        self.drawn: list[str] = []

    def check(self, drawing: Drawing) -> None:
        pass

    def draw(self, drawings: Sequence[Drawing]) -> Iterator[Progress | Picture]:
        (drawing,) = drawings
        self.begun.release()
        try:
            for step in range(1, drawing.steps + 1):
                assert self.step.acquire(timeout=WAIT_S)
                if drawing.words == "broken" and step == 2:
                    raise Failed({0: "its numbers are not finite"})
                yield Progress(index=0, step=step, steps=drawing.steps)
            self.drawn.append(drawing.words)
            pixels = np.zeros((8, 8, 4), np.uint8)
            yield Picture(pixels=pixels, drawing=drawing, model=MODEL, sigma_values=(1.0, 0.0), took_s=0.0)
        finally:
            self.closed += 1

    def close(self) -> None:
        pass


@contextmanager
def easel_of(engine: Stepping) -> Iterator[Easel]:
    easel = Easel(lambda name: engine)
    easel.start()
    try:
        yield easel
    finally:
        engine.step.release(10_000)
        easel.close()


def wanted(account: str, job_id: str, words: str = "", heard: list | None = None) -> Wanted:
    return Wanted(
        account=account,
        job_id=job_id,
        index=0,
        model="some",
        drawing=replace(DRAWING, words=words or job_id),
        template="",
        on_progress=(heard if heard is not None else []).append,
    )


def test_a_picture_is_drawn_and_its_steps_are_told():
    engine, heard = Stepping(), []
    with easel_of(engine) as easel:
        one = wanted("ann", "1", heard=heard)
        easel.put(one)
        engine.step.release(3)
        assert one.picture.result(WAIT_S).drawing.words == "1"
    assert [(event.step, event.steps) for event in heard] == [(1, 3), (2, 3), (3, 3)]


def test_accounts_take_turns_and_say_how_many_are_before_them():
    engine = Stepping()
    with easel_of(engine) as easel:
        anns = [wanted("ann", f"ann {n}") for n in range(4)]
        for one in anns:
            easel.put(one)
        assert engine.begun.acquire(timeout=WAIT_S)
        bob = wanted("bob", "bob")
        easel.put(bob)
        assert easel.before("ann 0") is None, "it is being drawn"
        assert easel.before("bob") <= 1
        assert easel.before("ann 3") == 3
        assert easel.before("nobody's") is None
        engine.step.release(100)
        for one in [*anns, bob]:
            one.picture.result(WAIT_S)
    assert engine.drawn.index("bob") <= 2
    assert [name for name in engine.drawn if name != "bob"] == ["ann 0", "ann 1", "ann 2", "ann 3"]


def test_a_cancel_is_honoured_between_two_steps_and_leaves_others_be():
    engine = Stepping()
    with easel_of(engine) as easel:
        one, more, other = wanted("ann", "1"), wanted("ann", "1"), wanted("ann", "2")
        for each in (one, more, other):
            easel.put(each)
        assert engine.begun.acquire(timeout=WAIT_S)
        easel.cancel("1")
        with pytest.raises(Cancelled):
            more.picture.result(WAIT_S)
        engine.step.release(100)
        with pytest.raises(Cancelled):
            one.picture.result(WAIT_S)
        assert other.picture.result(WAIT_S).drawing.words == "2"
    assert engine.drawn == ["2"]
    assert engine.closed == 2, "a drawing that is put aside is closed"


def test_a_job_that_was_cancelled_may_be_wanted_again():
    engine = Stepping()
    with easel_of(engine) as easel:
        easel.cancel("1")
        one = wanted("ann", "1")
        easel.put(one)
        engine.step.release(3)
        assert one.picture.result(WAIT_S)


def test_a_picture_that_breaks_lets_the_next_one_be_drawn():
    engine = Stepping()
    with easel_of(engine) as easel:
        broken, whole = wanted("ann", "1", "broken"), wanted("ann", "2")
        easel.put(broken)
        easel.put(whole)
        engine.step.release(100)
        with pytest.raises(Failed, match="not finite"):
            broken.picture.result(WAIT_S)
        assert whole.picture.result(WAIT_S)


def test_closing_tells_whoever_waits_and_whoever_comes_late():
    engine = Stepping()
    with easel_of(engine) as easel:
        one, waiting, late = (wanted("ann", str(n)) for n in range(3))
        easel.put(one)
        easel.put(waiting)
        assert engine.begun.acquire(timeout=WAIT_S)
        closing = threading.Thread(target=easel.close)
        closing.start()
        with pytest.raises(Closing):
            waiting.picture.result(WAIT_S)
        engine.step.release(100)
        closing.join(WAIT_S)
        easel.put(late)
        for each in (one, late):
            with pytest.raises(Closing):
                each.picture.result(WAIT_S)
    assert not engine.drawn
    assert not issubclass(Closing, Exception), "nothing may take it for how a job ended"
