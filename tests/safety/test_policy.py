"""Policies: strict to stricter, and what an operator may unlock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from impasto.core import Invalid
from impasto.safety.policy import STANDARD, Finding, Policies, read, stricter

if TYPE_CHECKING:
    from pathlib import Path

EXPLICIT = Finding(category="explicit", score=0.9, rule="“nude”")


def policies(folder: Path, own: str = "", exceptions: str = "") -> Policies:
    (folder / "some").mkdir(exist_ok=True)
    if own:
        (folder / "some" / "policy.toml").write_text(own)
    (folder / "exceptions.toml").write_text(exceptions)
    return Policies(lambda name: folder / name, folder / "exceptions.toml")


def test_a_verdict_says_what_fired_and_by_which_policy(tmp_path):
    verdict = policies(tmp_path).of("some").judge("words", [EXPLICIT])
    assert verdict.refused
    assert (verdict.code, verdict.rule, verdict.score, verdict.threshold) == ("explicit", "“nude”", 0.9, 0.8)
    assert verdict.policy == "standard 1"


def test_what_is_under_the_limit_or_not_looked_for_passes(tmp_path):
    policy = policies(tmp_path).of("some")
    assert not policy.judge("words", [Finding(category="explicit", score=0.7, rule="")]).code
    assert not policy.judge("picture", [Finding(category="gore", score=1, rule="")]).code
    assert not policy.judge("words", [Finding(category="boredom", score=1, rule="")]).code
    assert not policy.judge("words", []).refused


def test_the_strictest_of_several_counts(tmp_path):
    own = 'name = "own"\nversion = 3\n[categories.dull]\ndoes = "allow"\nwords = 0.1\n'
    policy = policies(tmp_path, own).of("some")
    found = [Finding(category="dull", score=1, rule="dull"), EXPLICIT]
    assert policy.judge("words", found).code == "explicit"
    assert policy.judge("words", found).policy == "own 3"
    assert not policy.judge("words", found[:1]).refused


@pytest.mark.parametrize(
    ("own", "rule"),
    [
        ('does = "allow"\nwords = 0.8\npixels = 0.8', "milder"),
        ('does = "refuse"\nwords = 0.9\npixels = 0.8', "at most 0.8"),
        ('does = "refuse"\nwords = 0.8', "at most 0.8"),
    ],
)
def test_a_models_own_may_only_be_stricter(tmp_path, own, rule):
    text = f'name = "own"\nversion = 1\n[categories.explicit]\n{own}\n'
    with pytest.raises(Invalid, match=rule):
        policies(tmp_path, text).of("some")


def test_stricter_keeps_what_the_child_does_not_say():
    standard = read(STANDARD)
    child = standard.model_copy(update={"name": "child", "categories": {}})
    assert stricter(standard, child).categories == standard.categories


def test_an_operator_unlocks_a_category_by_name_and_with_a_reason(tmp_path):
    said = '[[exceptions]]\ncategory = "explicit"\nmodel = "some"\ndoes = "allow"\nreason = "a school of drawing"\n'
    unlocked = policies(tmp_path, exceptions=said)
    verdict = unlocked.of("some").judge("words", [EXPLICIT])
    assert not verdict.refused
    assert "explicit unlocked" in verdict.policy
    (tmp_path / "other").mkdir()
    assert unlocked.of("other").judge("words", [EXPLICIT]).refused


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ('category = "minors"\ndoes = "allow"\nreason = "because I say so"', "final"),
        ('category = "explicit"\ndoes = "allow"\nreason = "short"', "reason"),
        ('category = "explicit"\ndoes = "allow"', "reason"),
    ],
)
def test_no_exception_without_a_reason_or_for_what_is_final(tmp_path, said, rule):
    with pytest.raises(Invalid, match=rule):
        policies(tmp_path, exceptions=f"[[exceptions]]\n{said}\n")
