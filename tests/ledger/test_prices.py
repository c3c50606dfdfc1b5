from __future__ import annotations

import pytest

from impasto.ledger.prices import Free, listed


@pytest.mark.parametrize(
    ("family", "size_px", "steps", "micros"),
    [
        ("sd", (512, 512), 30, 200_000),
        ("mini", (256, 256), 4, 200_000),  # below the smallest price
        ("sd", (512, 512), 60, 400_000),
        ("sd", (768, 768), 30, 1_000_000),  # 0.9079 rounded up to a tenth
        ("sd", (1024, 1024), 150, 9_500_000),  # 9.4935
        ("sdxl", (1024, 1024), 20, 900_000),
        ("sdxl", (1024, 1024), 50, 1_500_000),
    ],
)
def test_prices_are_those_published(family: str, size_px: tuple[int, int], steps: int, micros: int) -> None:
    quote = listed().quote(family=family, width_px=size_px[0], height_px=size_px[1], steps=steps, count=3)
    assert (quote.picture_micros, quote.credit_micros, quote.count) == (micros, 3 * micros, 3)


def test_a_new_account_has_five_hundred_pictures_at_the_default() -> None:
    prices = listed()
    quote = prices.quote(family="mini", width_px=256, height_px=256, steps=16, count=500)
    assert quote.credit_micros == prices.welcome_micros


def test_alone_nobody_pays() -> None:
    assert Free().quote(family="sd", width_px=512, height_px=512, steps=30, count=9).credit_micros == 0
