"""LoRAs that are asked for among the words: `<lora:name>` or `<lora:name:0.8>`, as in AUTOMATIC1111's web UI."""

from __future__ import annotations

import re
from dataclasses import dataclass

from impasto.core import Invalid

TAG = re.compile(r"<lora:([^:<>]*)(?::([^<>]*))?>")
MOST_WEIGHT = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lora:
    """A low-rank change of a model's weights (Hu et al. 2021), and how much of it is wanted: 1 is as it was trained,
    a negative weight its opposite."""

    name: str
    weight: float = 1.0


def taken(words: str) -> tuple[str, tuple[Lora, ...]]:
    """Words -> the words without their tags, and the LoRAs, each once, its weights added up, in the order of the names.

    Raises Invalid for a weight that is none.
    """
    weights: dict[str, float] = {}
    for tag in TAG.finditer(words):
        name, weight = tag[1].strip(), _weight(tag[2], tag[0])
        weights[name] = weights.get(name, 0.0) + weight
    if not weights:
        return words, ()
    plain = re.sub(r"\s{2,}", " ", TAG.sub("", words)).strip()
    return plain, tuple(Lora(name=name, weight=weights[name]) for name in sorted(weights))


def _weight(said: str | None, tag: str) -> float:
    if said is None:
        return 1.0
    try:
        weight = float(said)
    except ValueError:
        weight = float("nan")
    if not -MOST_WEIGHT <= weight <= MOST_WEIGHT:
        raise Invalid("words", f"{tag} must end in a weight from {-MOST_WEIGHT:g} to {MOST_WEIGHT:g}")
    return weight
