"""Where rooms meet: the protocols that the book side sees of the pixel side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy import ndarray

    from impasto.core import Drawing, ModelRef, Picture, Progress


class Runtime(Protocol):
    """Runs one net. Inputs and outputs are arrays by name, batch first."""

    def run(self, inputs: Mapping[str, ndarray]) -> dict[str, ndarray]: ...


class Engine(Protocol):
    """Noise and conditioning in, pixels out. Pictures come as they finish, `index` telling which is which."""

    @property
    def model(self) -> ModelRef: ...

    @property
    def samplers(self) -> tuple[str, ...]: ...

    @property
    def curves(self) -> tuple[str, ...]:
        """The names of the sigma curves."""
        ...

    def check(self, drawing: Drawing) -> None:
        """Refuse a drawing that could not be made. Raises Invalid or Unknown, naming the field."""
        ...

    def draw(self, drawings: Sequence[Drawing]) -> Iterator[Progress | Picture]:
        """Checks all, then draws. Closing the iterator cancels. A picture that fails lets the others finish: Failed is
        raised last and names it."""
        ...

    def close(self) -> None: ...
