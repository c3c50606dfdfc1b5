"""Policies: what is done about what, from which score on.

Every model is under the standard policy (policy.toml beside this file). A model's own policy.toml lies beside its card
and goes to its forks with it; it may only be stricter. An operator may unlock a category for a model, by name and with
a reason, but for those that are final.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from impasto import toml
from impasto.core import Invalid, Verdict
from impasto.toml import Strict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from impasto.core import Stage

FILE = "policy.toml"
STANDARD = Path(__file__).with_name(FILE)
Does = Literal["allow", "refuse"]
MILD_TO_STRICT: tuple[Does, ...] = ("allow", "refuse")


class Category(Strict):
    """`[categories.NAME]`. None: not looked for there."""

    does: Does
    words: float | None = Field(default=None, gt=0, le=1)
    pixels: float | None = Field(default=None, gt=0, le=1)
    final: bool = False
    """no exception is possible"""


class Policy(Strict):
    """A whole policy.toml."""

    name: str = Field(min_length=1, max_length=100)
    version: int = Field(ge=1)
    categories: dict[str, Category]

    def judge(self, stage: Stage, found: Iterable[Finding]) -> Verdict:
        """The strictest of what it says of each finding; where two are as strict, the surer one."""
        verdicts = [self._of(stage, one) for one in found]
        return max(verdicts, key=lambda v: (MILD_TO_STRICT.index(v.does), v.score), default=Verdict())

    def _of(self, stage: Stage, found: Finding) -> Verdict:
        category = self.categories.get(found.category)
        threshold = None if category is None else category.words if stage == "words" else category.pixels
        if category is None or threshold is None or found.score < threshold:
            return Verdict()
        return Verdict(
            code=found.category,
            rule=found.rule,
            does=category.does,
            score=found.score,
            threshold=threshold,
            stage=stage,
            policy=f"{self.name} {self.version}",
        )


class Unlocked(Strict):
    """`[[exceptions]]` of an operator: what is done instead, for one model or "*" for all."""

    category: str
    model: str = "*"
    does: Does
    reason: str = Field(min_length=10, max_length=1000)


class _Exceptions(Strict):
    exceptions: tuple[Unlocked, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a judge found: `rule` says it in a person's words, `score` how sure it is, 0 to 1."""

    category: str
    score: float
    rule: str


class Policies:
    """Which policy a model is under. `folder_of` is where a model lies; `exceptions` the operator's file, if any."""

    def __init__(self, folder_of: Callable[[str], Path], exceptions: Path | None = None) -> None:
        """Raises Invalid naming what an exception breaks."""
        self._folder_of, self._standard = folder_of, read(STANDARD)
        there = exceptions is not None and exceptions.is_file()
        table = toml.read(exceptions, "exceptions") if there and exceptions is not None else {}
        self._exceptions = toml.parse(_Exceptions, table, where=str(exceptions)).exceptions
        for one in self._exceptions:
            _check_exception(self._standard, one)

    def of(self, model: str) -> Policy:
        """Raises Invalid if the model's own is milder than the standard, or unreadable."""
        own = self._folder_of(model) / FILE
        policy = stricter(self._standard, read(own)) if own.is_file() else self._standard
        for one in self._exceptions:
            if one.model in ("*", model):
                policy = _with(policy, one)
        return policy


def read(path: Path) -> Policy:
    """Raises Invalid naming the key."""
    return toml.parse(Policy, toml.read(path, "policy"), where=str(path))


def stricter(parent: Policy, child: Policy) -> Policy:
    """The child's policy with what it does not say taken from its parent. Raises Invalid where it is milder."""
    for name, own in child.categories.items():
        if (above := parent.categories.get(name)) is None:
            continue
        where = f"policy: categories.{name}"
        if MILD_TO_STRICT.index(own.does) < MILD_TO_STRICT.index(above.does):
            raise Invalid(f"{where}.does", f"{own.does!r} is milder than {above.does!r} of {parent.name!r}")
        for key, mine, theirs in (("words", own.words, above.words), ("pixels", own.pixels, above.pixels)):
            if theirs is not None and (mine is None or mine > theirs):
                raise Invalid(f"{where}.{key}", f"must be at most {theirs}, as {parent.name!r} says")
        if above.final and not own.final:
            raise Invalid(f"{where}.final", f"must be true, as {parent.name!r} says")
    return child.model_copy(update={"categories": parent.categories | child.categories})


def _check_exception(standard: Policy, one: Unlocked) -> None:
    category = standard.categories.get(one.category)
    if category is not None and category.final:
        raise Invalid(f"exceptions: {one.category}", "is final: no exception is possible")


def _with(policy: Policy, one: Unlocked) -> Policy:
    before = policy.categories.get(one.category)
    if before is None or before.final:
        raise Invalid(f"exceptions: {one.category}", f"is no category of {policy.name!r} that can be unlocked")
    after = before.model_copy(update={"does": one.does})
    name = f"{policy.name}, {one.category} unlocked"
    return policy.model_copy(update={"name": name, "categories": policy.categories | {one.category: after}})
