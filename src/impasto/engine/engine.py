"""The engine: drawings in, progress and pictures out. Puts family, samplers and batcher together."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING

from impasto.core import MAX_SEED, Failed, Invalid, Picture, Progress, Unknown
from impasto.engine import editing, pixels, samplers
from impasto.engine.batcher import Batcher
from impasto.engine.decider import Limits
from impasto.engine.editing import Origin
from impasto.engine.guidance import Guidance
from impasto.engine.loras import taken
from impasto.engine.runner import Runner
from impasto.engine.sigmas import CURVES, FlowTime, curve, table_of
from impasto.engine.state import Finished, Lost, Running, Side, Stepped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Executor
    from pathlib import Path

    from impasto.core import Drawing, Init, ModelRef
    from impasto.engine.loras import Lora
    from impasto.engine.runner import Array, Conditioning, Family
    from impasto.engine.state import Event
    from impasto.models.cards import Card
    from impasto.models.registry import InstalledModel

MAX_STEPS = 1000
PURE_NOISE = 1000.0
"""a sigma at which next to nothing is left of a picture"""
REMEMBERED_WORDS, REMEMBERED_INITS, REMEMBERED_LORAS = 256, 8, 64


@dataclass(slots=True)
class _Drawn:
    """What one call of draw() has under way: its pictures by ticket, and what happened to them."""

    index: dict[int, int] = field(default_factory=dict)
    events: deque[Event] = field(default_factory=deque)
    failed: dict[int, str] = field(default_factory=dict)


class Engine:
    """Implements ports.Engine for one model. Threads may draw at once: their pictures share one batcher."""

    def __init__(
        self,
        family: Family,
        card: Card,
        model: ModelRef,
        *,
        limits: Limits | None = None,
        loras: Callable[[str], Path] | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`loras` tells where a LoRA of a name lies, or raises Unknown; None: there are none."""
        self._family, self._card, self._model, self._clock = family, card, model, clock
        self._limits = limits or Limits()
        self._table = table_of(card.sigmas.betas)
        self._distilled = card.net is not None and card.net.distilled_guidance
        self._threads = _threads(self._limits.calls)
        self._batcher = Batcher(Runner(family, self._threads), self._limits, clock)
        self._loras = loras or no_loras
        self._wearing: Callable[[tuple[Lora, ...]], Family] = lru_cache(REMEMBERED_LORAS)(self._dressed)
        self._encode: Callable[[tuple[Lora, ...], str, str], Conditioning] = lru_cache(REMEMBERED_WORDS)(
            lambda worn, words, style: self._wearing(worn).encode(words, style)
        )
        self._read: Callable[[Init, int, int], Array] = lru_cache(REMEMBERED_INITS)(self._latents_of)
        self._tickets = count()
        self._owners: dict[int, _Drawn] = {}
        self._lock = threading.Lock()

    @property
    def model(self) -> ModelRef:
        return self._model

    @property
    def samplers(self) -> tuple[str, ...]:
        """Those that can set out from the model's highest noise."""
        endless = self._card.sigmas.max > PURE_NOISE
        return tuple(name for name in samplers.NAMES if not (endless and name in samplers.STRAIGHT_IN_SIGMA))

    @property
    def curves(self) -> tuple[str, ...]:
        return tuple(CURVES)

    def check(self, drawing: Drawing) -> None:
        """Refuse what could not be drawn: Invalid or Unknown with the name of the field."""
        self._card.check(drawing)
        if drawing.sampler not in self.samplers:
            raise Unknown("sampler", drawing.sampler, self.samplers)
        if drawing.sigmas not in CURVES:
            raise Unknown("sigmas", drawing.sigmas, CURVES)
        if not 1 <= drawing.steps <= MAX_STEPS:
            raise Invalid("steps", f"must be 1 to {MAX_STEPS}, not {drawing.steps}")
        if not (math.isfinite(drawing.guidance) and drawing.guidance >= 0):
            raise Invalid("guidance", f"must be 0 or more, not {drawing.guidance}")
        if not 0 <= drawing.seed <= MAX_SEED:
            raise Invalid("seed", f"must be 0 to {MAX_SEED}, not {drawing.seed}")
        if self._distilled and drawing.negative:
            raise Invalid("negative", f"{self._model.name} reads none: guidance was distilled into it")
        pixels.colour(drawing.background)
        self._wearing(taken(drawing.words)[1])
        if drawing.edit is not None:
            editing.check(drawing.edit, (drawing.width_px, drawing.height_px))
            if not self._family.reads:
                raise Invalid("init", f"{self._model.name} has no encoder, so it cannot draw from a picture")

    def draw(self, drawings: Sequence[Drawing]) -> Iterator[Progress | Picture]:
        """Checks all of them first (Invalid, Unknown), then draws; pictures come as they finish.

        Closing the iterator cancels what is not finished. A picture whose numbers go wrong is left out, the others
        come, and Failed is raised last.
        """
        drawings = tuple(drawings)
        for drawing in drawings:
            self.check(drawing)
        return self._draw(drawings)

    def close(self) -> None:
        """Let the threads go. Nothing may be drawn afterwards."""
        if self._threads is not None:
            self._threads.shutdown()

    def _draw(self, drawings: Sequence[Drawing]) -> Iterator[Progress | Picture]:
        mine = _Drawn()
        ahead = deque(enumerate(drawings))
        try:
            while ahead or mine.index or mine.events:
                while ahead and len(mine.index) < self._limits.rows * self._limits.calls:
                    self._join(mine, *ahead.popleft())
                if not mine.events:
                    self._step(mine)
                while mine.events:
                    yield from self._told(mine, mine.events.popleft(), drawings)
        finally:
            with self._lock:
                for ticket in mine.index:
                    self._batcher.leave(ticket)
                    del self._owners[ticket]
        if mine.failed:
            raise Failed(mine.failed)

    def _join(self, mine: _Drawn, index: int, drawing: Drawing) -> None:
        """Encode the words, draw the noise, and let the picture join the batch."""
        levels = self._levels(drawing)
        words, worn = taken(drawing.words)
        family = self._wearing(worn)
        sides: dict[Side, str] = {"words": words, "negative": drawing.negative}
        scale = 1.0 if self._distilled else drawing.guidance
        if scale == 1.0:
            del sides["negative"]
        encoded = {side: self._encode(worn, text, drawing.style) for side, text in sides.items()}
        size_px = (drawing.width_px, drawing.height_px)
        noise, origin = self._family.noise(drawing.seed, size_px), self._origin(drawing)
        x = origin.start(noise(), levels[0]) if origin else noise() * levels[0]
        ticket = next(self._tickets)
        picture = Running(
            ticket=ticket,
            walk=samplers.walk(drawing.sampler, x, levels, noise),
            sigmas=levels,
            guidance=Guidance(scale=scale, interval=self._card.defaults.guidance_interval),
            conditioning={side: family.given(each, drawing) for side, each in encoded.items()},
            group=(self._model, worn, self._card.picture.latent_of(size_px)),
            family=family,
            origin=origin,
        )
        with self._lock:
            mine.index[ticket] = index
            self._owners[ticket] = mine
            self._batcher.join(picture)

    def _step(self, mine: _Drawn) -> None:
        """One step for whoever is running; others find their news when they look."""
        with self._lock:
            if mine.events:
                return
            for event in self._batcher.step():
                self._owners[event.ticket].events.append(event)

    def _told(self, mine: _Drawn, event: Event, drawings: Sequence[Drawing]) -> Iterator[Progress | Picture]:
        """One of my pictures' news, as those outside see it."""
        index = mine.index[event.ticket]
        if isinstance(event, Stepped):
            preview = self._family.preview(event.denoised)
            steps = len(self._levels(drawings[index])) - 1
            yield Progress(index=index, step=event.step, steps=steps, preview=preview)
            return
        with self._lock:
            del mine.index[event.ticket], self._owners[event.ticket]
        if isinstance(event, Lost):
            mine.failed[index] = event.reason
            return
        try:
            yield self._finish(event, index, drawings[index])
        except (FloatingPointError, RuntimeError, MemoryError) as error:
            mine.failed[index] = str(error).partition("\n")[0]

    def _finish(self, event: Finished, index: int, drawing: Drawing) -> Picture:
        painted = self._family.decode(event.latents)
        if drawing.edit is not None and drawing.edit.mask is not None:
            original = pixels.premultiplied(drawing.edit.init.pixels)
            painted = editing.restore(painted, original, drawing.edit.mask.pixels)
        return Picture(
            pixels=pixels.to_bytes(painted, drawing.background),
            drawing=drawing,
            model=self._model,
            sigma_values=self._levels(drawing),
            took_s=self._clock() - event.began_s,
            index=index,
        )

    def _levels(self, drawing: Drawing) -> tuple[float, ...]:
        known, strength = self._card.sigmas, drawing.edit.strength if drawing.edit else 1.0
        shift = known.shift_at(drawing.width_px * drawing.height_px)
        time = self._table or FlowTime(shift=shift)
        return curve(
            drawing.sigmas, drawing.steps, known.min, known.max, strength=strength, flow_shift=shift, time=time
        )

    def _origin(self, drawing: Drawing) -> Origin | None:
        if (edit := drawing.edit) is None:
            return None
        latents = self._read(edit.init, drawing.width_px, drawing.height_px)
        change = editing.cells(edit.mask.pixels, latents.shape[1:]) if edit.mask else None
        return Origin(latents=latents, change=change, strength=edit.strength)

    def _dressed(self, worn: tuple[Lora, ...]) -> Family:
        return self._family.wearing(worn, self._loras) if worn else self._family

    def _latents_of(self, init: Init, width_px: int, height_px: int) -> Array:
        """Also by size, as an init is the same whatever it is fitted to."""
        return self._family.read(pixels.premultiplied(init.pixels))


def open_engine(
    model: InstalledModel, *, threads: int | None = None, loras: Callable[[str], Path] | None = None
) -> Engine:
    """An engine for an installed model, on `threads` threads (None: all cores this process may use), and where LoRAs
    lie, by name.

    Raises Damaged if a file is not what the card says, Unknown for a family that no code here runs, Invalid if the
    extra that runs it is not installed.
    """
    from impasto.engine.families.known import opener
    from impasto.engine.runtimes.onnx import cores

    family, limits = opener(model.card.model.family)(model, threads or cores())
    return Engine(family, model.card, model.ref, limits=limits, loras=loras)


def no_loras(name: str) -> Path:
    """Where there are none. Raises Unknown."""
    raise Unknown("words", f"<lora:{name}>", ())


def _threads(calls: int) -> Executor | None:
    """Threads for calls made at once; none where there is only ever one."""
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(calls, thread_name_prefix="engine") if calls > 1 else None
