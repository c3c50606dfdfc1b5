"""One thread that does what is done now and then."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chore:
    """Done at once when the rounds begin, then again `every_s` seconds after it was done."""

    every_s: float
    do: Callable[[], object]


class Rounds:
    def __init__(self, chores: Sequence[Chore]) -> None:
        self._chores = chores
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._walk, name="rounds", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Returns when the chore that is being done is done."""
        self._closing.set()
        self._thread.join()

    def _walk(self) -> None:
        due = dict.fromkeys(range(len(self._chores)), 0.0)
        while True:
            for index in sorted(due):
                if self._closing.is_set():
                    return
                if due[index] <= time.monotonic():
                    self._do(self._chores[index])
                    due[index] = time.monotonic() + self._chores[index].every_s
            if self._closing.wait(min(due.values()) - time.monotonic()):
                return

    def _do(self, chore: Chore) -> None:
        try:
            chore.do()
        except Exception:
            log.exception("it will be tried again in %g seconds", chore.every_s)
