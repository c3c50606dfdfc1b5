"""The one loop that serves many pictures: gather what they ask, decide, run, send the answers back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from impasto.engine.decider import Limits, decide
from impasto.engine.state import Finished, Lost

if TYPE_CHECKING:
    from collections.abc import Callable

    from impasto.engine.runner import Runner
    from impasto.engine.state import Event, Running


class Batcher:
    """Pictures join and leave between two steps, each with its own sampler, sigmas and guidance."""

    def __init__(self, runner: Runner, limits: Limits, clock: Callable[[], float] = time.perf_counter) -> None:
        self._runner, self._limits, self._clock = runner, limits, clock
        self._running: dict[int, Running] = {}

    def __len__(self) -> int:
        return len(self._running)

    def join(self, picture: Running) -> None:
        """From the next step on, this picture is served."""
        self._running[picture.ticket] = picture

    def leave(self, ticket: int) -> None:
        """Stop serving a picture; nothing happens if it is not here."""
        self._running.pop(ticket, None)

    def step(self) -> list[Event]:
        """One round of calls. What became of the pictures in them; a finished or lost one has left."""
        waiting = (row for picture in self._running.values() for row in picture.rows())
        calls = decide(waiting, self._limits)
        for row in (row for call in calls for row in call):
            if self._running[row.ticket].began_s is None:
                self._running[row.ticket].began_s = self._clock()
        events: list[Event] = []
        for row, denoised in self._runner.run(calls, self._running):
            if row.ticket not in self._running:
                continue  # its other side has failed
            if isinstance(denoised, str):
                news: list[Event] = [Lost(ticket=row.ticket, reason=denoised)]
            else:
                news = self._running[row.ticket].answer(row.side, denoised)
            if news and isinstance(news[-1], Finished | Lost):
                self.leave(row.ticket)
            events += news
        return events
