"""Where rooms meet: the protocols that the book side sees of the pixel side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from numpy import ndarray

    from impasto.core import (
        Caller,
        Drawing,
        ImageRequest,
        Job,
        JobEvent,
        JobState,
        ModelRef,
        Picture,
        Progress,
        Quote,
        Stage,
        Verdict,
    )
    from impasto.models.cards import Card


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


class Clock(Protocol):
    """The time, so that tests may say what it is."""

    def now(self) -> datetime:
        """In UTC, aware."""
        ...


class Blobs(Protocol):
    """Files under the sha256 of their content, hexadecimal. Written whole or not at all."""

    def put(self, content: bytes) -> str:
        """Keeps it, once however often it is put, and returns its sha256."""
        ...

    def get(self, sha256: str) -> bytes:
        """Raises NotFound, and Damaged if the content is not what its name says."""
        ...

    def path(self, sha256: str) -> Path:
        """Where it lies. Raises NotFound."""
        ...

    def delete(self, sha256: str) -> None:
        """Nothing happens if it is not there."""
        ...

    def names(self) -> Iterator[str]: ...

    def stale(self, before: datetime) -> Iterator[str]:
        """Of those that were last put before a time."""
        ...


class WordsJudge(Protocol):
    """Judges words, before anything is drawn."""

    def judge(self, words: str, model: str) -> Verdict:
        """By the policy of the model of that name."""
        ...


class PixelsJudge(Protocol):
    """Judges a picture that was brought along, or was drawn, before anyone sees it."""

    def judge(self, pixels: ndarray, model: str, stage: Stage) -> Verdict:
        """(height, width, 4) uint8, by the policy of the model of that name."""
        ...


class Marker(Protocol):
    """Marks a file as made by a machine."""

    def mark(self, content: bytes, picture: Picture) -> bytes:
        """The same PNG with its marks."""
        ...

    def follow(self, content: bytes, kept: bytes) -> bytes:
        """Another file of a picture that was marked and `kept`, smaller or of another format, with its marks."""
        ...


class Desk(Protocol):
    """What a door may ask of the workflows. Another's job is NotFound."""

    def cards(self) -> Sequence[Card]:
        """Of the models installed here, the default one first."""
        ...

    def quote(self, caller: Caller, request: ImageRequest) -> Quote:
        """Raises what `submit` would for the request itself."""
        ...

    def submit(
        self, caller: Caller, request: ImageRequest, *, key: str | None = None, priority: int = 0, keep: bool = True
    ) -> Job:
        """Accepts a job: once it returns, the job will end once, whatever is killed.

        `key` is the caller's own for this request: a second submit with it returns the first one's job. `priority` 0 is
        usual, higher goes first among the account's own jobs. A job that is not to be kept goes, pictures and all, 24
        hours after it ended. Raises Invalid or Unknown naming the field, Refused, NotEnoughCredit, Busy, Clash.
        """
        ...

    def find(self, caller: Caller, job_id: str) -> Job: ...

    def jobs(
        self, caller: Caller, *, state: JobState | None = None, before: str | None = None, limit: int = 50
    ) -> Sequence[Job]:
        """The caller's own, newest first; `before` is the id of the last one seen."""
        ...

    def cancel(self, caller: Caller, job_id: str) -> Job:
        """Honoured between two steps; pictures that are finished are kept and charged. An ended job stays as it is."""
        ...

    def watch(self, caller: Caller, job_id: str) -> AsyncIterator[JobEvent]:
        """What happens from now on, beginning with the job as it is, until it has ended."""
        ...

    async def wait(self, caller: Caller, job_id: str, *, timeout_s: float) -> Job:
        """The job once it has ended, or as it is after `timeout_s`."""
        ...
