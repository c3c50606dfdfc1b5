from __future__ import annotations

import numpy as np

from impasto.engine.guidance import Guidance


def test_one_is_the_words_alone() -> None:
    guidance = Guidance(scale=1.0)
    assert not guidance.acts(3.0)


def test_goes_past_the_words_away_from_the_negative() -> None:
    words, negative = np.array([1.0, 2.0]), np.array([0.0, 4.0])
    np.testing.assert_allclose(Guidance(scale=3.0).combine(words, negative), [3.0, -2.0])
    np.testing.assert_allclose(Guidance(scale=0.0).combine(words, negative), negative)


def test_acts_only_within_its_interval() -> None:
    guidance = Guidance(scale=4.0, interval=(0.3, 5.0))
    assert [guidance.acts(sigma) for sigma in (0.2, 0.3, 1.0, 5.0, 5.1)] == [False, True, True, True, False]
    assert Guidance(scale=4.0).acts(1e6)
