"""Runs the calls that were decided. Knows families, decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Executor
    from pathlib import Path

    from numpy import ndarray

    from impasto.core import Drawing
    from impasto.engine.decider import Call
    from impasto.engine.loras import Lora
    from impasto.engine.state import Row, Running

Array = Any
Conditioning = Any


class Family(Protocol):
    """One architecture as a few verbs; epsilon, v and flow parametrisations end here."""

    def encode(self, words: str, style: str) -> Conditioning:
        """Words, with their weights, and a style's name -> whatever `denoise` wants; empty words: unconditional."""
        ...

    def given(self, encoded: Conditioning, drawing: Drawing) -> Conditioning:
        """What `denoise` wants of the words that were encoded and of what else is asked for."""
        ...

    def noise(self, seed: int, size_px: tuple[int, int]) -> Callable[[], Array]:
        """A picture's own generator: each call draws standard normal latents (channels, height, width).

        `size_px` is the picture's (width, height)."""
        ...

    def denoise(self, xs: Sequence[Array], sigmas: Sequence[float], given: Sequence[Conditioning]) -> Sequence[Array]:
        """x = x_0 + sigma * noise, one (channels, height, width) a row -> x_0, in the same order."""
        ...

    def decode(self, latents: Array) -> ndarray:
        """(channels, height, width) -> (4, height, width) float, premultiplied RGBA, about 0..1."""
        ...

    def wearing(self, loras: tuple[Lora, ...], find: Callable[[str], Path]) -> Family:
        """The same nets with LoRAs on, which `find` knows by name. Raises Invalid where the family takes none, Unknown
        for one that is not there."""
        ...

    @property
    def reads(self) -> bool:
        """Whether `read` works: not every model brings what it takes."""
        ...

    def read(self, painted: ndarray) -> Array:
        """The way back: (4, height, width) float32, premultiplied RGBA 0..1 -> clean latents (channels, ...)."""
        ...

    def preview(self, latents: Array) -> ndarray | None:
        """(channels, height, width) -> small (height, width, 4) uint8, or None where the model has no cheap way."""
        ...


class Runner:
    """Hands calls to a family, several at once if there are threads for it. Rows of one group have one family: that of
    their pictures, where they bring one."""

    def __init__(self, family: Family, threads: Executor | None = None) -> None:
        self._family, self._threads = family, threads

    def run(self, calls: Sequence[Call], running: Mapping[int, Running]) -> list[tuple[Row, Array | str]]:
        """Each row with its answer, in the order of the calls, or with the reason why there is none."""
        if self._threads is None or len(calls) == 1:
            answers = [self._answers(call, running) for call in calls]
        else:
            answers = list(self._threads.map(lambda call: self._answers(call, running), calls))
        return [pair for call, rows in zip(calls, answers, strict=True) for pair in zip(call, rows, strict=True)]

    def _answers(self, call: Call, running: Mapping[int, Running]) -> Sequence[Array | str]:
        """One call's. If it fails, most often for want of memory, its halves are tried, down to single rows."""
        pictures = [running[row.ticket] for row in call]
        try:
            return (pictures[0].family or self._family).denoise(
                [picture.x for picture in pictures],
                [picture.sigma for picture in pictures],
                [picture.conditioning[row.side] for row, picture in zip(call, pictures, strict=True)],
            )
        except (RuntimeError, MemoryError) as error:  # torch's want of memory is the first of them
            if len(call) == 1:
                return [str(error).strip().partition("\n")[0] or type(error).__name__]
        half = len(call) // 2
        return [*self._answers(call[:half], running), *self._answers(call[half:], running)]
