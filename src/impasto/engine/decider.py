"""Which rows go into the next calls. Touches no array and runs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from impasto.engine.state import Row

Call = tuple["Row", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What suits the machine: a GPU wants one call of many rows, two cores want two calls of one row.

    With rows = 1 a picture's arithmetic is the same whoever runs beside it, so it is the same bit for bit.
    """

    rows: int = 1
    """most rows in one call"""
    calls: int = 1
    """most calls at once"""


def decide(waiting: Iterable[Row], limits: Limits) -> list[Call]:
    """Waiting rows -> the next calls: first come first served, each call of one group.

    Served in order of arrival, pictures finish one after the other: the first is there early, and none starves.
    """
    calls: list[list[Row]] = []
    open_calls: dict[Hashable, list[Row]] = {}
    for row in waiting:
        call = open_calls.get(row.group)
        if call is not None and len(call) < limits.rows:
            call.append(row)
        elif len(calls) < limits.calls:
            open_calls[row.group] = [row]
            calls.append(open_calls[row.group])
    return [tuple(call) for call in calls]
