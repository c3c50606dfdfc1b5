"""Who watches a job hears of it."""

from __future__ import annotations

import asyncio
import threading

from impasto.core import Progress
from impasto.jobs.hub import MOST_WAITING, Hub, News


def step(number: int, index: int = 0) -> News:
    return News(progress=Progress(index=index, step=number, steps=4))


def test_news_from_another_thread_reaches_those_who_watch_that_job():
    hub = Hub()

    async def watching() -> list[News | None]:
        with hub.watch("1") as one, hub.watch("2") as other:
            teller = threading.Thread(target=hub.tell, args=("1", step(1)))
            teller.start()
            heard = [await one.next(5), await other.next(0.01)]
            await asyncio.to_thread(teller.join)
            return heard

    assert asyncio.run(watching()) == [step(1), None]


def test_who_lags_behind_misses_the_oldest():
    hub = Hub()

    async def watching() -> list[News | None]:
        with hub.watch("1") as watcher:
            for number in range(MOST_WAITING + 10):
                hub.tell("1", step(number))
            await asyncio.sleep(0)
            return [await watcher.next(0.01) for _ in range(MOST_WAITING + 1)]

    heard = asyncio.run(watching())
    assert heard[0] == step(10)
    assert heard[-2:] == [step(MOST_WAITING + 9), None]


def test_telling_a_loop_that_has_ended_harms_nobody():
    hub = Hub()

    async def leave() -> object:
        watching = hub.watch("1")
        watching.__enter__()
        return watching

    left = asyncio.run(leave())
    hub.tell("1", step(1))
    left.__exit__(None, None, None)


def test_the_share_done_counts_all_pictures_and_is_forgotten():
    hub = Hub()
    assert hub.done_share("1", 2) == 0
    hub.tell("1", step(2))
    hub.tell("1", step(4, index=1))
    assert hub.done_share("1", 2) == 0.75
    hub.forget("1")
    assert hub.done_share("1", 2) == 0
