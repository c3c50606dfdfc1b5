"""Whose picture is next: fair between accounts, by priority within one.

Start-time fair queueing (Goyal, Vin & Cheng 1996): the time that an account has used is counted in cost, and the one
that has used least is next; an account that comes back after a rest starts level with those that are there, so rest is
not saved up. What that promises an account that keeps waiting: between one of its pictures, of cost c, and its next,
another account begins pictures of a cost of at most c, and one more; before its first, one. With pictures of one cost
and A accounts waiting, the next picture of any account begins after at most A - 1 others, however many each has.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")


@dataclass(slots=True)
class _Line(Generic[T]):
    """One account's own."""

    used: float
    last: int = -1
    """when it was last taken from, counted in turns; settles ties"""
    waiting: list[tuple[int, int, float, T]] = field(default_factory=list)
    """(-priority, arrival, cost, item), a heap"""


class Turns(Generic[T]):
    """Knows costs and accounts; not what an item is."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line[T]] = {}
        self._now = 0.0
        self._arrivals, self._taken = count(), count()

    def add(self, account: str, item: T, *, cost: float, priority: int = 0) -> None:
        """`cost` is above 0, in any unit; a higher `priority` goes before what the same account has waiting."""
        line = self._lines.get(account)
        if line is None:
            line = self._lines[account] = _Line(self._now)
        elif not line.waiting:
            line.used = max(line.used, self._now)
        heapq.heappush(line.waiting, (-priority, next(self._arrivals), cost, item))

    def next(self) -> T | None:
        """Takes the item whose turn it is; None where nothing waits."""
        account = self._account()
        if account is None:
            return None
        line = self._lines[account]
        _, _, cost, item = heapq.heappop(line.waiting)
        self._now = line.used
        line.used, line.last = line.used + cost, next(self._taken)
        if not line.waiting:
            self._forget_the_rested()
        return item

    def remove(self, wanted: set[T]) -> list[T]:
        """Takes these out of turn; returns those that were waiting."""
        found = []
        for line in self._lines.values():
            found += [entry[3] for entry in line.waiting if entry[3] in wanted]
            line.waiting = [entry for entry in line.waiting if entry[3] not in wanted]
            heapq.heapify(line.waiting)
        return found

    def order(self) -> Iterator[T]:
        """All that wait, in the order in which they would be taken if nothing else came."""
        waiting = {account: deque(sorted(line.waiting)) for account, line in self._lines.items() if line.waiting}
        ranks = [(*self._rank(account), account) for account in waiting]
        taken = max((line.last for line in self._lines.values()), default=0)
        heapq.heapify(ranks)
        while ranks:
            used, _, _, account = heapq.heappop(ranks)
            line = waiting[account]
            _, _, cost, item = line.popleft()
            taken += 1
            yield item
            if line:
                heapq.heappush(ranks, (used + cost, taken, line[0][1], account))

    def __len__(self) -> int:
        return sum(len(line.waiting) for line in self._lines.values())

    def _account(self) -> str | None:
        waiting = [name for name, line in self._lines.items() if line.waiting]
        return min(waiting, key=self._rank, default=None)

    def _rank(self, account: str) -> tuple[float, int, int]:
        line = self._lines[account]
        return line.used, line.last, line.waiting[0][1]

    def _forget_the_rested(self) -> None:
        """An account with nothing waiting whose time has passed starts anew when it comes back."""
        rested = [name for name, line in self._lines.items() if not line.waiting and line.used <= self._now]
        for name in rested:
            del self._lines[name]
