"""Where rooms meet: the protocols that the book side sees of the pixel side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy import ndarray

    from impasto.core import Drawing, Picture, Progress


class Runtime(Protocol):
    """Runs one net. Inputs and outputs are arrays by name, batch first."""

    def run(self, inputs: Mapping[str, ndarray]) -> dict[str, ndarray]: ...


class Engine(Protocol):
    """Noise and conditioning in, pixels out. Pictures come as they finish, `index` telling which is which."""

    def draw(self, drawings: Sequence[Drawing]) -> Iterator[Progress | Picture]: ...
