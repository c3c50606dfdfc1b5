from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impasto.engine.words import Span, parse, plain, token_weights


def pairs(words: str) -> list[tuple[str, float]]:
    return [(span.text, pytest.approx(span.weight)) for span in parse(words)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("a red fox", [("a red fox", 1.0)]),
        ("a (red) fox", [("a ", 1.0), ("red", 1.1), (" fox", 1.0)]),
        ("a (red:1.3) fox", [("a ", 1.0), ("red", 1.3), (" fox", 1.0)]),
        ("(red: .5 )", [("red", 0.5)]),
        ("(red:-1)", [("red", -1.0)]),
        ("a [red] fox", [("a ", 1.0), ("red", 1 / 1.1), (" fox", 1.0)]),
        ("((red))", [("red", 1.21)]),
        ("[[red]]", [("red", 1 / 1.21)]),
        ("(a (red:1.5) fox:2)", [("a ", 2.0), ("red", 3.0), (" fox", 2.0)]),
        ("([red])", [("red", 1.0)]),
        (r"\(red\) \[fox\] \\", [(r"(red) [fox] " + "\\", 1.0)]),
        (r"(a \(b\):1.2)", [("a (b)", 1.2)]),
        ("(red", [("red", 1.1)]),
        ("red) :) ]", [("red) :) ]", 1.0)]),
        ("time 12:30", [("time 12:30", 1.0)]),
        ("(red:big)", [("red:big", 1.1)]),
        ("(a:1.1)(b:1.1)", [("ab", 1.1)]),
        ("", []),
        ("()", []),
    ],
)
def test_spans(words: str, expected: list[tuple[str, float]]) -> None:
    assert pairs(words) == expected


@settings(max_examples=60)
@given(st.text(st.characters(exclude_characters="()[]\\")))
def test_words_without_brackets_are_themselves(words: str) -> None:
    assert plain(parse(words)) == words
    assert all(span.weight == 1.0 for span in parse(words))


@settings(max_examples=60)
@given(st.text())
def test_escaped_words_are_themselves(words: str) -> None:
    escaped = "".join("\\" + char if char in "()[]\\" else char for char in words)
    assert plain(parse(escaped)) == words
    assert all(span.weight == 1.0 for span in parse(escaped))


@settings(max_examples=60)
@given(st.text("ab()[]\\:1. ", max_size=40))
def test_any_words_are_read_and_no_weight_is_lost(words: str) -> None:
    spans = parse(words)
    assert all(left.weight != right.weight for left, right in itertools.pairwise(spans))
    assert plain(spans).count("b") == words.count("b")


def test_tokens_take_the_weight_of_the_word_they_end_in() -> None:
    spans = [Span(text="a "), Span(text="red", weight=1.3), Span(text=" fox")]
    # as a tokenizer gives them that hangs the space before a word onto it, with a mark of its own at the end
    offsets = [(0, 1), (1, 5), (5, 9), (0, 0)]
    assert token_weights(spans, offsets) == [1.0, 1.3, 1.0, 1.0]
