"""What is done now and then."""

from __future__ import annotations

import logging
import threading

from impasto.jobs.rounds import Chore, Rounds


def test_each_chore_is_done_at_once_and_again_even_when_one_breaks(caplog):
    seen = threading.Semaphore(0)
    once: list[int] = []

    def breaks() -> None:
        seen.release()
        raise OSError("no space left")

    rounds = Rounds([Chore(every_s=0.01, do=breaks), Chore(every_s=3600, do=lambda: once.append(1))])
    with caplog.at_level(logging.ERROR):
        rounds.start()
        for _ in range(3):
            assert seen.acquire(timeout=10)
        rounds.close()
    assert once == [1]
    assert "no space left" in caplog.text
