"""Weights in words: `(fox:1.3)`, `(fox)` = 1.1, `[fox]` = 1 / 1.1, nested at will, `\\(` for a real bracket.

The syntax is the one that AUTOMATIC1111's web UI documents under "Attention/emphasis". Its two silent rules are kept
too: a bracket that is never closed acts to the end, one that was never opened is plain text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

STEP = 1.1
PIECE = re.compile(
    r"\\(?P<escaped>[()\[\]\\])"
    r"|:\s*(?P<weight>[+-]?(?:\d+\.?\d*|\.\d+))\s*\)"
    r"|(?P<mark>[()\[\]])"
    r"|(?P<text>[^\\()\[\]:]+|.)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Some of the words and how much they count; 1.0 is plain."""

    text: str
    weight: float = 1.0


def parse(words: str) -> list[Span]:
    """Words with brackets -> spans, in order, without the brackets. Neighbours of one weight are one span."""
    texts: list[str] = []
    weights: list[float] = []
    opened: dict[str, list[int]] = {"(": [], "[": []}

    def multiply(start: int, by: float) -> None:
        weights[start:] = [weight * by for weight in weights[start:]]

    for piece in PIECE.finditer(words):
        mark, weight = piece["mark"], piece["weight"]
        if mark in opened:
            opened[mark].append(len(texts))
        elif weight is not None and opened["("]:
            multiply(opened["("].pop(), float(weight))
        elif mark == ")" and opened["("]:
            multiply(opened["("].pop(), STEP)
        elif mark == "]" and opened["["]:
            multiply(opened["["].pop(), 1 / STEP)
        else:
            texts.append(piece["escaped"] or piece[0])
            weights.append(1.0)
    for kind, by in (("(", STEP), ("[", 1 / STEP)):
        for start in opened[kind]:
            multiply(start, by)
    return _merged(texts, weights)


def plain(spans: Sequence[Span]) -> str:
    """The words without their weights."""
    return "".join(span.text for span in spans)


def token_weights(spans: Sequence[Span], offsets: Sequence[tuple[int, int]]) -> list[float]:
    """Each token's weight. `offsets` are its (start, end) characters in `plain(spans)`; an empty one gets 1.0.

    A token belongs where its last character stands: a tokenizer may hang the space before a word onto it.
    """
    ends, end = [], 0
    for span in spans:
        end += len(span.text)
        ends.append(end)

    def weight(last: int) -> float:
        return next((span.weight for span, end in zip(spans, ends, strict=True) if last < end), 1.0)

    return [weight(end - 1) if end > start else 1.0 for start, end in offsets]


def _merged(texts: Sequence[str], weights: Sequence[float]) -> list[Span]:
    spans: list[Span] = []
    for text, weight in zip(texts, weights, strict=True):
        if spans and spans[-1].weight == weight:
            spans[-1] = Span(text=spans[-1].text + text, weight=weight)
        else:
            spans.append(Span(text=text, weight=weight))
    return spans
