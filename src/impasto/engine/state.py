"""One running picture: what it asks for, what it has been answered. Knows no net and no other picture."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from impasto.engine.editing import Origin
    from impasto.engine.guidance import Guidance
    from impasto.engine.runner import Family
    from impasto.engine.samplers import Walk

Array = Any
Side = Literal["words", "negative"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepped:
    """Level `step` of the sigmas is reached; `denoised` is the picture as it looks from there."""

    ticket: int
    step: int
    denoised: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The walk is over: `latents` of the shape it set out with; `began_s` is when its first row was run."""

    ticket: int
    latents: Array
    began_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """This picture cannot go on, for the reason given."""

    ticket: int
    reason: str


Event = Stepped | Finished | Lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a net's batch: one side of one picture. Rows of the same group fit into one call."""

    ticket: int
    side: Side
    group: Hashable


@dataclass(slots=True, kw_only=True)
class Running:
    """A picture on its way. `ticket` numbers it in the order of joining."""

    ticket: int
    walk: Walk
    sigmas: Sequence[float]
    guidance: Guidance
    conditioning: Mapping[Side, Any]
    """what the words (and, under guidance, the negative words) became; handed to the net as it is"""
    group: Hashable = None
    """the net, what it wears, and the shape"""
    family: Family | None = None
    """what runs it, where that is not what runs all of the model's"""
    origin: Origin | None = None
    """what it is drawn from; None: noise alone"""
    began_s: float | None = None
    x: Array = field(init=False)
    sigma: float = field(init=False)
    _answers: dict[Side, Array] = field(init=False, default_factory=dict)
    _reached: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.x, self.sigma = next(self.walk)

    def rows(self) -> list[Row]:
        """The rows not yet answered at this noise level."""
        sides: tuple[Side, ...] = ("words", "negative") if self.guidance.acts(self.sigma) else ("words",)
        return [Row(ticket=self.ticket, side=side, group=self.group) for side in sides if side not in self._answers]

    def answer(self, side: Side, denoised: Array) -> list[Event]:
        """Take what the net said for one side; with the last one, walk on to the next ask."""
        self._answers[side] = denoised
        if self.rows():
            return []
        answers, self._answers = self._answers, {}
        if not all(map(finite, answers.values())):
            return [Lost(ticket=self.ticket, reason=f"the model answered with no number at sigma {self.sigma:.4g}")]
        if "negative" in answers:
            denoised = self.guidance.combine(answers["words"], answers["negative"])
        if self.origin is not None:
            denoised = self.origin.keep(denoised)
        return self._advance(denoised)

    def _advance(self, denoised: Array) -> list[Event]:
        try:
            self.x, self.sigma = self.walk.send(denoised)
        except StopIteration as stop:
            last = Stepped(ticket=self.ticket, step=len(self.sigmas) - 1, denoised=denoised)
            return [last, Finished(ticket=self.ticket, latents=stop.value, began_s=self.began_s or 0.0)]
        # A second-order sampler asks more than once a step: only a new level of the curve is news.
        reached = sum(sigma >= self.sigma for sigma in self.sigmas) - 1
        if reached <= self._reached:
            return []
        self._reached = reached
        return [Stepped(ticket=self.ticket, step=reached, denoised=denoised)]


def finite(x: Array) -> bool:
    """Whether every element of a NumPy array or torch tensor is a number."""
    return float(abs(x).max()) < math.inf
