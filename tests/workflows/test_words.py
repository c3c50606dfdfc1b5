"""Choices and wildcards: the same seed, the same words; what cannot be read is refused."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impasto.core import Invalid, Unknown
from impasto.workflows.words import expander

if TYPE_CHECKING:
    from pathlib import Path

SEEDS = range(40)


@pytest.fixture
def wild(tmp_path: Path) -> Path:
    (tmp_path / "colour.txt").write_text("# a comment\nred\n{dark|light} blue\n\n50% grey\n")
    (tmp_path / "self.txt").write_text("__self__\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "animal.txt").write_text("fox\ncat\n")
    return tmp_path


def drawn(template: str, wildcards: Path | None = None) -> set[str]:
    words_of = expander(template, wildcards)
    assert [words_of(seed) for seed in SEEDS] == [expander(template, wildcards)(seed) for seed in SEEDS]
    return {words_of(seed) for seed in SEEDS}


@pytest.mark.parametrize(
    "words",
    [
        "a red fox",
        "(word:1.3), [less]",
        "100% wool, $5 & #1",
        "snake_case__name",
        "a __ b",
        "naïve 狐",
        "a | b",
        "} ok",
    ],
)
def test_plain_words_stay_as_they_are(words: str) -> None:
    assert drawn(words) == {words}


def test_space_around_is_taken_off() -> None:
    assert drawn("  a fox \n") == {"a fox"}


@pytest.mark.parametrize(
    ("template", "possible"),
    [
        ("a {red|blue} fox", {"a red fox", "a blue fox"}),
        ("{a|{b|c}}", {"a", "b", "c"}),
        ("{2$$ and $$a|b}", {"a and b", "b and a"}),
        ("({red|blue}:1.3) fox", {"(red:1.3) fox", "(blue:1.3) fox"}),
        ("100% {wool|silk} for $5 #1", {"100% wool for $5 #1", "100% silk for $5 #1"}),
        ("{a|b}{|!}", {"a", "b", "a!", "b!"}),
        ("${c=!{red|blue}}${c} ${c}", {"red red", "blue blue"}),
    ],
)
def test_choices(template: str, possible: set[str]) -> None:
    assert drawn(template) == possible


def test_weights_are_followed() -> None:
    words_of = expander("{9::a|1::b}", None)
    assert 800 < sum(words_of(seed) == "a" for seed in range(1000)) < 980


def test_wildcards(wild: Path) -> None:
    assert drawn("a __colour__ fox", wild) == {f"a {c} fox" for c in ("red", "dark blue", "light blue", "50% grey")}
    assert drawn("__sub/animal__", wild) == {"fox", "cat"}


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("", "must not be empty"),
        ("{}", "must not be empty"),
        ("{a|b", "cannot read '{a|b' near character 1: choices are {red|blue}"),
        ("{" * 9 + "a" + "}" * 9, "braces may stand at most 8 deep"),
        ("${nothing} {a|b}", "Variable nothing is not defined"),
        ("__self__", "it refers to itself"),
        ("a" * 2001, "at most 2000"),
        ("{" + "a" * 1999 + "}" * 2, "at most 2000"),
    ],
)
def test_what_cannot_be_read(template: str, says: str, wild: Path) -> None:
    with pytest.raises(Invalid) as refused:
        expander(template, wild)(1)
    assert refused.value.field == "words"
    assert says in refused.value.rule


def test_words_that_grow_too_long_are_refused(wild: Path) -> None:
    (wild / "long.txt").write_text("a" * 1500 + "\n")
    with pytest.raises(Invalid, match="at most 2000 characters, not 3001"):
        expander("__long__ __long__", wild)(1)


def test_unknown_wildcards_are_named_with_near_ones(wild: Path, tmp_path: Path) -> None:
    with pytest.raises(Unknown, match="there is no '__color__'; did you mean __colour__"):
        expander("a __color__", wild)(1)
    with pytest.raises(Invalid, match="set IMPASTO_WILDCARDS_FOLDER"):
        expander("a __color__", None)(1)
    (tmp_path / "empty").mkdir()
    with pytest.raises(Invalid, match="holds no text files"):
        expander("a __color__", tmp_path / "empty")(1)
    with pytest.raises(Invalid, match="there is no folder"):
        expander("a __color__", tmp_path / "missing")(1)


@given(st.text(st.sampled_from("{}|$_%#!~@:ab1 ("), max_size=24), st.integers(0, 2**32 - 1))
def test_any_template_is_drawn_or_refused(template: str, seed: int) -> None:
    with contextlib.suppress(Invalid):
        assert expander(template, None)(seed).strip()
