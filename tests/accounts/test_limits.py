from __future__ import annotations

import pytest
from hypothesis import given, strategies

from impasto.accounts.limits import Limiter
from impasto.core import Busy


def test_headers_say_what_is_left() -> None:
    now = [0.0]
    limiter = Limiter(clock=lambda: now[0], limit=2, window_s=10)
    assert limiter.take("ann").headers() == {
        "RateLimit-Limit": "2",
        "RateLimit-Remaining": "1",
        "RateLimit-Reset": "10",
    }
    now[0] = 4.0
    assert limiter.take("ann").headers()["RateLimit-Reset"] == "6"
    with pytest.raises(Busy) as refused:
        limiter.take("ann")
    assert refused.value.retry_after_s == 6.0
    limiter.take("bob")
    now[0] = 10.0
    assert limiter.take("ann").remaining == 0


@given(strategies.lists(strategies.floats(0, 3), max_size=60))
def test_no_window_holds_more_than_the_limit(pauses: list[float]) -> None:
    now, passed, waits = 0.0, [], []
    limiter = Limiter(clock=lambda: now, limit=3, window_s=5)
    for pause in pauses:
        now += pause
        try:
            limiter.take("ann")
        except Busy as busy:
            waits.append(busy.retry_after_s)
        else:
            passed.append(now)
    assert all(0 < wait <= 5 for wait in waits)
    assert all(later - first >= 5 for first, later in zip(passed, passed[3:], strict=False))
