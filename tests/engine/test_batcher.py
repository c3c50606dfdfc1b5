"""The batcher alone, with arithmetic in the place of a net: whoever runs beside it, a picture is the same."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impasto.engine import samplers
from impasto.engine.batcher import Batcher
from impasto.engine.decider import Limits, decide
from impasto.engine.editing import Origin
from impasto.engine.guidance import Guidance
from impasto.engine.runner import Runner
from impasto.engine.sigmas import curve
from impasto.engine.state import Finished, Lost, Row, Running, Stepped


class Arithmetic:
    """Pulls x towards the conditioning, a number; keeps the sizes of the calls it was given."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def denoise(self, xs, sigmas, given):
        self.calls.append(len(xs))
        rows = zip(xs, sigmas, given, strict=True)
        with np.errstate(invalid="ignore"):  # some tests pull towards infinity
            return [middle + (x - middle) / (1 + sigma**2) for x, sigma, middle in rows]


@dataclass(frozen=True)
class Ask:
    """A picture someone wants."""

    sampler: str
    steps: int
    scale: float
    seed: int
    size: int = 2
    interval: tuple[float, float] | None = None
    strength: float | None = None
    """None: from noise alone"""
    kept: int = 0
    """how many of its numbers a mask keeps"""

    @property
    def levels(self) -> tuple[float, ...]:
        return curve("karras", self.steps, 0.05, 10.0, strength=self.strength or 1.0)

    @property
    def origin(self) -> Origin | None:
        if self.strength is None:
            return None
        change = np.array([0.0] * self.kept + [1.0] * (self.size - self.kept), np.float32)
        latents = np.full(self.size, 7.0, np.float32)
        return Origin(latents=latents, change=change if self.kept else None, strength=self.strength)

    def running(self, ticket: int) -> Running:
        generator = np.random.Generator(np.random.Philox(self.seed))

        def noise():
            return generator.standard_normal(self.size, np.float32)

        levels, origin = self.levels, self.origin
        x = origin.start(noise(), levels[0]) if origin else noise() * levels[0]
        return Running(
            ticket=ticket,
            walk=samplers.walk(self.sampler, x, levels, noise),
            sigmas=levels,
            guidance=Guidance(scale=self.scale, interval=self.interval),
            conditioning={"words": 1.0 + self.seed, "negative": -1.0},
            group=self.size,
            origin=origin,
        )


asks = st.lists(
    st.builds(
        Ask,
        sampler=st.sampled_from(samplers.NAMES),
        steps=st.integers(1, 5),
        scale=st.sampled_from([0.0, 1.0, 2.5]),
        seed=st.integers(0, 2**32 - 1),
        size=st.integers(1, 2),
        interval=st.sampled_from([None, (0.2, 3.0)]),
        strength=st.none() | st.floats(0.01, 1.0),
        kept=st.integers(0, 1),
    ),
    min_size=1,
    max_size=6,
)
limits = st.builds(Limits, rows=st.integers(1, 8), calls=st.integers(1, 3))


def batcher(limits: Limits, family: Arithmetic | None = None) -> Batcher:
    return Batcher(Runner(family or Arithmetic()), limits, clock=lambda: 5.0)


def drain(batch: Batcher) -> list:
    events = []
    while len(batch):
        events += batch.step()
    return events


def alone(ask: Ask) -> np.ndarray:
    batch = batcher(Limits())
    batch.join(ask.running(0))
    return drain(batch)[-1].latents


@settings(max_examples=40)
@given(asks=asks, limits=limits, joins=st.randoms())
def test_every_picture_finishes_as_it_would_alone_whenever_it_joins(asks, limits, joins) -> None:
    batch, ends = batcher(limits), {}
    ahead = list(enumerate(asks))
    joins.shuffle(ahead)
    while ahead or len(batch):
        if ahead and (not len(batch) or joins.random() < 0.5):
            ticket, ask = ahead.pop()
            batch.join(ask.running(ticket))
        for event in batch.step():
            if isinstance(event, Finished):
                ends[event.ticket] = event.latents
    assert ends.keys() == set(range(len(asks)))
    for ticket, ask in enumerate(asks):
        np.testing.assert_array_equal(ends[ticket], alone(ask))


@settings(max_examples=40)
@given(asks=asks, limits=limits)
def test_news_of_a_picture_comes_in_order_and_ends_with_its_last_step(asks, limits) -> None:
    batch = batcher(limits)
    for ticket, ask in enumerate(asks):
        batch.join(ask.running(ticket))
    events = drain(batch)
    for ticket, ask in enumerate(asks):
        mine = [event for event in events if event.ticket == ticket]
        assert [event.step for event in mine[:-1]] == list(range(1, len(ask.levels)))
        assert isinstance(mine[-1], Finished)
        assert mine[-1].began_s == 5.0


@settings(max_examples=40)
@given(asks=asks, limits=limits, leaver=st.integers(0, 5), after=st.integers(0, 6))
def test_who_leaves_is_not_served_again_and_the_others_do_not_notice(asks, limits, leaver, after) -> None:
    batch = batcher(limits)
    for ticket, ask in enumerate(asks):
        batch.join(ask.running(ticket))
    early = [event for _ in range(after) if len(batch) for event in batch.step()]
    batch.leave(leaver)
    late = drain(batch)
    assert all(event.ticket != leaver for event in late)
    ends = {event.ticket: event.latents for event in early + late if isinstance(event, Finished)}
    for ticket, ask in enumerate(asks):
        if ticket != leaver:
            np.testing.assert_array_equal(ends[ticket], alone(ask))


@settings(max_examples=40)
@given(asks=asks, limits=limits)
def test_what_a_mask_keeps_ends_as_it_was_whoever_runs_beside_it(asks, limits) -> None:
    batch = batcher(limits)
    for ticket, ask in enumerate(asks):
        batch.join(ask.running(ticket))
    for event in drain(batch):
        ask = asks[event.ticket]
        held = ask.kept if ask.strength is not None else 0
        if isinstance(event, Stepped):
            np.testing.assert_array_equal(event.denoised[:held], 7.0)
        elif isinstance(event, Finished):
            np.testing.assert_allclose(event.latents[:held], 7.0, atol=1e-4)


@given(
    rows=st.lists(
        st.builds(Row, ticket=st.integers(0, 5), side=st.just("words"), group=st.integers(0, 2)), max_size=20
    ),
    limits=limits,
)
def test_calls_keep_to_the_limits_and_serve_the_first_that_came(rows, limits) -> None:
    calls = decide(rows, limits)
    assert len(calls) <= limits.calls
    assert all(1 <= len(call) <= limits.rows for call in calls)
    assert all(len({row.group for row in call}) == 1 for call in calls)
    if rows:
        assert calls[0][0] == rows[0]


def test_one_call_serves_different_samplers_steps_and_guidance() -> None:
    family = Arithmetic()
    batch = batcher(Limits(rows=64), family)
    kinds = [("euler", 3, 1.0), ("heun", 5, 2.0), ("dpmpp_2m", 2, 3.0)]
    for ticket, (sampler, steps, scale) in enumerate(kinds):
        batch.join(Ask(sampler, steps, scale, seed=ticket).running(ticket))
    drain(batch)
    # euler asks 3 times one row, heun 9 times two, dpmpp_2m twice two
    assert family.calls == [5, 5, 3, 2, 2, 2, 2, 2, 2]


def test_guidance_outside_its_interval_asks_for_one_row() -> None:
    family = Arithmetic()
    batch = batcher(Limits(rows=2), family)
    batch.join(Ask("euler", 5, 3.0, seed=1, interval=(0.5, 5.0)).running(0))
    levels = curve("karras", 5, 0.05, 10.0)[:-1]
    drain(batch)
    assert family.calls == [2 if 0.5 <= level <= 5.0 else 1 for level in levels]
    assert set(family.calls) == {1, 2}


def test_one_row_a_call_finishes_pictures_one_after_the_other() -> None:
    batch = batcher(Limits(rows=1, calls=2))
    for ticket in range(3):
        batch.join(Ask("euler", 4, 2.0, seed=ticket).running(ticket))
    assert [event.ticket for event in drain(batch)] == [0] * 5 + [1] * 5 + [2] * 5


def test_calls_at_once_run_on_threads_and_answers_find_their_rows() -> None:
    class Slow(Arithmetic):
        def __init__(self) -> None:
            super().__init__()
            self.meet = threading.Barrier(2, timeout=30)

        def denoise(self, xs, sigmas, given):
            self.meet.wait()  # passes only if two calls are under way at once
            return super().denoise(xs, sigmas, given)

    ask = Ask("heun", 4, 2.0, seed=9)
    with ThreadPoolExecutor(2) as threads:
        batch = Batcher(Runner(Slow(), threads), Limits(rows=1, calls=2))
        batch.join(ask.running(0))
        np.testing.assert_array_equal(drain(batch)[-1].latents, alone(ask))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_picture_that_is_no_number_is_lost_alone(bad: float) -> None:
    asks = [Ask("euler", 4, 2.0, seed=seed) for seed in range(3)]
    batch = batcher(Limits(rows=64))
    for ticket, ask in enumerate(asks):
        picture = ask.running(ticket)
        if ticket == 1:
            picture.conditioning["words"] = bad
        batch.join(picture)
    events = drain(batch)
    assert [event for event in events if event.ticket == 1] == [
        Lost(ticket=1, reason="the model answered with no number at sigma 10")
    ]
    ends = {event.ticket: event.latents for event in events if isinstance(event, Finished)}
    assert ends.keys() == {0, 2}
    np.testing.assert_array_equal(ends[2], alone(asks[2]))


def test_torch_tensors_are_served_as_arrays_are() -> None:
    torch = pytest.importorskip("torch")
    levels = curve("karras", 5, 0.05, 10.0)
    start = np.array([3.0, -4.0])

    def end(x):
        batch = batcher(Limits(rows=4))
        batch.join(
            Running(
                ticket=0,
                walk=samplers.heun(x, levels),
                sigmas=levels,
                guidance=Guidance(scale=2.0),
                conditioning={"words": 1.0, "negative": -1.0},
            )
        )
        events = drain(batch)
        assert isinstance(events[0], Stepped)
        return events[-1].latents

    np.testing.assert_allclose(end(torch.tensor(start)).numpy(), end(start), rtol=1e-12)


class Small(Arithmetic):
    """Has memory for so many rows, and none for the picture whose seed is `heavy`."""

    def __init__(self, most: int, heavy: int) -> None:
        super().__init__()
        self.most, self.heavy = most, 1.0 + heavy

    def denoise(self, xs, sigmas, given):
        if len(xs) > self.most or self.heavy in given:
            raise RuntimeError("out of memory: tried to allocate 20 GiB\nand more that only a machine reads")
        return super().denoise(xs, sigmas, given)


@settings(max_examples=40)
@given(most=st.integers(1, 5), rows=st.integers(1, 8), calls=st.integers(1, 3), guided=st.booleans())
def test_a_picture_too_large_fails_alone_with_its_reason_and_the_others_are_what_they_are(
    most, rows, calls, guided
) -> None:
    asks = [Ask(sampler="euler", steps=3 + seed, scale=2.0 if guided else 1.0, seed=seed) for seed in range(5)]
    with ThreadPoolExecutor(calls) as threads:
        batch = Batcher(Runner(Small(most, heavy=2), threads), Limits(rows=rows, calls=calls))
        for ticket, ask in enumerate(asks):
            batch.join(ask.running(ticket))
        events = drain(batch)
    (lost,) = (event for event in events if isinstance(event, Lost))
    assert (lost.ticket, lost.reason) == (2, "out of memory: tried to allocate 20 GiB")
    ends = {event.ticket: event.latents for event in events if isinstance(event, Finished)}
    assert ends.keys() == {0, 1, 3, 4}
    for ticket, end in ends.items():
        np.testing.assert_array_equal(end, alone(asks[ticket]))
