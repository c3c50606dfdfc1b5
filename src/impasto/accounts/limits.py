"""How fast one account may ask: so many requests in any window of so many seconds."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from impasto.core import Busy

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_REMEMBERED = 100_000
"""accounts and addresses; those that asked longest ago are forgotten first"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    limit: int
    remaining: int
    reset_s: float
    """until the oldest of the requests counted is forgotten"""

    def headers(self) -> dict[str, str]:
        """As the IETF's draft-ietf-httpapi-ratelimit-headers-06 and most clients read them."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(ceil(self.reset_s)),
        }


class Limiter:
    """A sliding window, kept in memory. `clock` gives seconds that only grow."""

    def __init__(self, *, clock: Callable[[], float], limit: int = 150, window_s: float = 10.0) -> None:
        self.limit, self.window_s = limit, window_s
        self._clock = clock
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, who: str) -> Allowance:
        """Counts one request. Raises Busy, saying when to ask again."""
        now = self._clock()
        with self._lock:
            seen = self._seen.setdefault(who, deque())
            self._seen.move_to_end(who)
            while len(self._seen) > MOST_REMEMBERED:
                self._seen.popitem(last=False)
            while seen and seen[0] <= now - self.window_s:
                seen.popleft()
            if len(seen) >= self.limit:
                raise Busy(
                    f"at most {self.limit} requests in {self.window_s:g} seconds",
                    retry_after_s=seen[0] + self.window_s - now,
                )
            seen.append(now)
            reset_s = seen[0] + self.window_s - now
            return Allowance(limit=self.limit, remaining=self.limit - len(seen), reset_s=reset_s)
