"""What pictures cost: `prices.toml` read strictly, and a quote of it. Integers and fractions only."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import Protocol

from pydantic import Field

from impasto.core import Quote
from impasto.toml import Strict

PIXELS_STEPS = 30
"""steps that the formula by pixels speaks of"""


class Accounts(Strict):
    welcome_micros: int = Field(ge=0)


class Rounding(Strict):
    step_micros: int = Field(gt=0)
    tolerance_micros: int = Field(ge=0)


class Smallest(Strict):
    picture_micros: int = Field(ge=0)


class ByPixels(Strict):
    free_pixels: int = Field(ge=0)
    million_pixels_micros: int = Field(ge=0)

    def price(self, width_px: int, height_px: int, steps: int) -> Fraction:
        pixels = max(0, width_px * height_px - self.free_pixels)
        return Fraction(pixels * self.million_pixels_micros * steps, PIXELS_STEPS * 1_000_000)


class BySteps(Strict):
    flat_micros: int = Field(ge=0)
    flat_steps: int = Field(gt=0)

    def price(self, width_px: int, height_px: int, steps: int) -> Fraction:
        return Fraction(self.flat_micros * max(steps, self.flat_steps), self.flat_steps)


class Table(Strict):
    """The whole of prices.toml."""

    accounts: Accounts
    rounding: Rounding
    smallest: Smallest
    families: dict[str, ByPixels | BySteps]
    """a family that is not named costs by pixels, as `sd` does"""


class Prices(Protocol):
    """What a request will cost."""

    @property
    def welcome_micros(self) -> int:
        """What a new account is given."""
        ...

    def quote(self, *, family: str, width_px: int, height_px: int, steps: int, count: int) -> Quote: ...


@dataclass(frozen=True, slots=True)
class Listed:
    """Prices by the table."""

    table: Table

    @property
    def welcome_micros(self) -> int:
        return self.table.accounts.welcome_micros

    def quote(self, *, family: str, width_px: int, height_px: int, steps: int, count: int) -> Quote:
        rule = self.table.families.get(family, self.table.families["sd"])
        picture = max(self._rounded(rule.price(width_px, height_px, steps)), self.table.smallest.picture_micros)
        return Quote(credit_micros=picture * count, picture_micros=picture, count=count)

    def _rounded(self, micros: Fraction) -> int:
        step = self.table.rounding.step_micros
        return max(0, -((self.table.rounding.tolerance_micros - micros) // step)) * step


@dataclass(frozen=True, slots=True)
class Free:
    """Where nobody pays: one person on their own machine."""

    welcome_micros: int = 0

    def quote(self, *, family: str, width_px: int, height_px: int, steps: int, count: int) -> Quote:
        return Quote(credit_micros=0, picture_micros=0, count=count)


@cache
def listed() -> Listed:
    """The prices that come with Impasto."""
    from impasto.toml import parse

    text = files("impasto.ledger").joinpath("prices.toml").read_text(encoding="utf-8")
    return Listed(parse(Table, tomllib.loads(text), where="prices.toml"))
