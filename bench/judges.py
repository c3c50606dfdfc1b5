"""How often the judge of words is wrong: what it misses of tests/safety/red_team.tsv, what it refuses of benign.tsv.

python bench/judges.py
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from pathlib import Path

from impasto.safety.policy import STANDARD, read
from impasto.safety.words import find, known

HERE = Path(__file__).parent.parent / "tests" / "safety"


def lines(name: str) -> list[list[str]]:
    text = (HERE / name).read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines() if not line.startswith("#")]


def main() -> None:
    policy = read(STANDARD)
    known()
    kinds: dict[str, list[bool]] = defaultdict(list)
    attempts, missed, other = lines("red_team.tsv"), [], 0
    began = time.perf_counter()
    for kind, category, text in attempts:
        verdict = policy.judge("words", find(json.loads(text)))
        kinds[kind].append(verdict.refused)
        other += verdict.refused and verdict.code != category
        if not verdict.refused:
            missed.append(f"{kind}: {text}")
    took_ms = (time.perf_counter() - began) * 1e3 / len(attempts)
    benign = lines("benign.tsv")
    refused = [(text, found) for _, text in benign if (found := find(text))]
    print("| attempts | refused | of |\n|---|---|---|")
    for kind, found in kinds.items():
        print(f"| {kind} | {sum(found)} | {len(found)} |")
    print(f"| all | {len(attempts) - len(missed)} | {len(attempts)} |")
    print(f"| benign | {len(refused)} | {len(benign)} |")
    print(f"{other} refused by another category than meant; {took_ms:.2f} ms a text\n")
    print("missed:", *missed, sep="\n  ")
    print("benign, refused:", *(f"{text}: {found[0].category} {found[0].rule}" for text, found in refused), sep="\n  ")


if __name__ == "__main__":
    main()
