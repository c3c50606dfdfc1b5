"""Who watches a job hears what happens to it: from any thread, to any event loop."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from impasto.core import Progress

MOST_WAITING = 64
"""events that a watcher may lag behind; the oldest are dropped"""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """Something changed: a step was walked, or, without one, the job's row."""

    progress: Progress | None = None


class Watcher:
    """One who watches, in an event loop of their own."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._news: asyncio.Queue[News] = asyncio.Queue()

    def tell(self, news: News) -> None:
        """From any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._put, news)

    async def next(self, timeout_s: float) -> News | None:
        """What happened next; None if nothing did for so long."""
        try:
            return await asyncio.wait_for(self._news.get(), timeout_s)
        except TimeoutError:
            return None

    def _put(self, news: News) -> None:
        while self._news.qsize() >= MOST_WAITING:
            self._news.get_nowait()
        self._news.put_nowait(news)


class Hub:
    """Steps walked and changes told, by job. Only what is being watched or drawn is remembered."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watchers: dict[str, set[Watcher]] = defaultdict(set)
        self._steps: dict[str, dict[int, tuple[int, int]]] = {}

    def tell(self, job_id: str, news: News) -> None:
        with self._lock:
            if news.progress is not None:
                walked = self._steps.setdefault(job_id, {})
                walked[news.progress.index] = (news.progress.step, news.progress.steps)
            watchers = tuple(self._watchers.get(job_id, ()))
        for watcher in watchers:
            watcher.tell(news)

    @contextmanager
    def watch(self, job_id: str) -> Iterator[Watcher]:
        watcher = Watcher()
        with self._lock:
            self._watchers[job_id].add(watcher)
        try:
            yield watcher
        finally:
            with self._lock:
                self._watchers[job_id].discard(watcher)
                if not self._watchers[job_id]:
                    del self._watchers[job_id]

    def done_share(self, job_id: str, count: int) -> float:
        """Steps walked of steps to walk, 0 to 1, as far as this process knows."""
        with self._lock:
            walked = self._steps.get(job_id, {}).values()
            return min(1.0, sum(step / steps for step, steps in walked) / count) if walked else 0.0

    def forget(self, job_id: str) -> None:
        """The job has ended."""
        with self._lock:
            self._steps.pop(job_id, None)
