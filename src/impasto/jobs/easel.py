"""One thread that draws, a picture at a time, in fair turn.

On a CPU one picture at a time is the fastest way (docs/log.md). Whoever wants a picture puts it on the easel and waits
for its future; between two steps a cancelled one is put aside. Nothing here is durable: what was on the easel when the
process died is put on it again by the workflow that wanted it.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from impasto.core import Failed, Picture
from impasto.jobs.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable

    from impasto.core import Drawing, Progress
    from impasto.ports import Engine


class Cancelled(Exception):
    """The picture is not wanted any more."""


class Closing(BaseException):
    """The process is about to end. No Exception, so that nothing takes it for how a job ended: the job goes on when
    the house opens again."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Wanted:
    """One picture on the easel."""

    account: str
    job_id: str
    index: int
    model: str
    drawing: Drawing
    template: str
    on_progress: Callable[[Progress], None]
    picture: Future[Picture] = field(default_factory=Future)


class Easel:
    """`engine_of` opens the engine of a model the first time a picture of it has its turn."""

    def __init__(self, engine_of: Callable[[str], Engine]) -> None:
        self._engine_of = engine_of
        self._turns: Turns[Wanted] = Turns()
        self._change = threading.Condition()
        self._gone: set[str] = set()
        """ids of jobs that are not wanted any more and may still be drawn"""
        self._drawing: Wanted | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="easel", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Stops between two steps; whoever waits for a picture hears Closing."""
        with self._change:
            self._closing = True
            for wanted in self._turns.remove(set(self._turns.order())):
                wanted.picture.set_exception(Closing())
            self._change.notify_all()
        self._thread.join(timeout=30)

    def put(self, wanted: Wanted, *, priority: int = 0) -> None:
        """Wait for `wanted.picture`: a Picture, Cancelled, Closing, or why it could not be drawn."""
        with self._change:
            if self._closing:
                wanted.picture.set_exception(Closing())
                return
            self._turns.add(wanted.account, wanted, cost=_cost(wanted.drawing), priority=priority)
            self._change.notify_all()

    def cancel(self, job_id: str) -> None:
        """A job's pictures that wait are cancelled now, the one being drawn between two steps."""
        with self._change:
            waiting = {wanted for wanted in self._turns.order() if wanted.job_id == job_id}
            for wanted in self._turns.remove(waiting):
                wanted.picture.set_exception(Cancelled())
            if self._drawing is not None and self._drawing.job_id == job_id:
                self._gone.add(job_id)

    def before(self, job_id: str) -> int | None:
        """How many pictures are begun before the first one of a job that waits; None if none of it waits, or one of
        it is being drawn."""
        with self._change:
            if self._drawing is not None and self._drawing.job_id == job_id:
                return None
            order = enumerate(self._turns.order())
            return next((place for place, wanted in order if wanted.job_id == job_id), None)

    def __len__(self) -> int:
        """How many wait."""
        with self._change:
            return len(self._turns)

    def _work(self) -> None:
        while (wanted := self._take()) is not None:
            try:
                picture = self._draw(wanted)
            except BaseException as error:
                wanted.picture.set_exception(error)
            else:
                wanted.picture.set_result(picture)
            with self._change:
                self._drawing = None
                self._gone.discard(wanted.job_id)

    def _take(self) -> Wanted | None:
        with self._change:
            while not self._closing and (wanted := self._turns.next()) is None:
                self._change.wait()
            if self._closing:
                return None
            self._drawing = wanted
            return wanted

    def _draw(self, wanted: Wanted) -> Picture:
        events = self._engine_of(wanted.model).draw([wanted.drawing])
        try:
            for event in events:
                if isinstance(event, Picture):
                    return event
                self._check(wanted)
                wanted.on_progress(event)
        finally:
            close = getattr(events, "close", None)
            if close is not None:
                close()
        raise Failed({wanted.index: "the engine ended without a picture"})

    def _check(self, wanted: Wanted) -> None:
        if self._closing:
            raise Closing
        if wanted.job_id in self._gone:
            raise Cancelled


def _cost(drawing: Drawing) -> float:
    """Pixels times steps: what a picture takes of a machine, nearly."""
    return float(drawing.width_px * drawing.height_px * drawing.steps)
