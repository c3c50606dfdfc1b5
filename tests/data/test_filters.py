"""Each filter of the chain has a case that it drops and a near one that it keeps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from impasto.data.filters import chain, judge, shelf_of
from impasto.data.items import Item, Named
from impasto.data.recipe import Filters

FILTERS = Filters(licences=("MIT",), brands=("paypal", "html-five", "flat/apple"), max_svg_bytes=200)


def named(icon: str = "fox", **fields: object) -> Named:
    own = {key: fields.pop(key) for key in ("emoji", "key", "group", "subgroup", "name") if key in fields}
    item = Item(
        id=f"flat/{icon}",
        icon=icon,
        style="flat",
        package="p",
        package_version="1",
        author="A",
        licence="MIT",
        licence_url="",
        svg="<svg/>",
        title=icon.replace("-", " "),
        loose_names=True,
    )
    about = {"name": item.title, "emoji": None, "key": None, "group": None, "subgroup": None, **own}
    return Named(item=replace(item, **fields), concept=icon, **about)


def reason(one: Named, *others: Named, filters: Filters = FILTERS, opted_out: tuple[str, ...] = ()) -> str | None:
    shelf = shelf_of([one.item, *(other.item for other in others)], opted_out)
    drop = judge(one, chain(filters, shelf))
    return drop and drop.reason


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (named(), None),
        (named(licence="CC-BY-SA-4.0"), "licence"),
        (named(licence="CC-BY-NC-4.0"), "licence"),
        (named("paypal"), "brand"),
        (named("html-five"), "brand"),
        (named("switch-paypal-two"), "brand"),
        (named("pay-palace"), None),
        (named("apple"), "brand"),
        (named("apple-pie"), None),
        (named("logo", dropped_category=True, categories=("Brand",)), "category"),
        (named("x", name="", title=""), "untitled"),
        (named(hidden=True), "hidden"),
        (named("flag-france", key="1F1EB-1F1F7", group="flags", subgroup="country-flag", emoji="🇫🇷"), "flag"),
        (named("rainbow-flag", key="1F3F3-200D-1F308", group="flags", subgroup="flag", emoji="🏳️‍🌈"), "flag"),
        (named("chequered-flag", key="1F3C1", group="flags", subgroup="flag", emoji="🏁"), None),
        (named("flag-for-someland"), "flag"),
        (named("flag-in-hole"), None),
        (named("flag-alert", loose_names=False), None),
        (named("hand", key="1F44B-1F3FB"), "skin tone"),
        (named("light-skin-tone", key="1F3FB"), None),
        (named("man-climbing-tone1"), "skin tone"),
        (named("man-red-hair", key="1F468-200D-1F9B0"), "hair"),
        (named("person-blond-hair", key="1F471"), None),
        (named("family-man-girl"), "family"),
        (named("couple", key="1F469-200D-2764-200D-1F468", subgroup="family"), "family"),
        (named("family", key="1F46A", subgroup="family"), None),
        (named(svg="<svg>" + " " * 200 + "</svg>"), "too large"),
        (named(svg="<svg><text>a</text></svg>"), "needs fonts"),
        (named(svg="<svg><image href='a'/></svg>"), "raster inside"),
        (named(svg="<x:svg><x:image href='a'/></x:svg>"), "raster inside"),
        (named(svg="<svg><filter><feImage href='/a.png'/></filter></svg>"), "raster inside"),
    ],
)
def test_one_reason_each(one: Named, expected: str | None) -> None:
    assert reason(one) == expected


def test_a_plain_ending_is_a_skin_tone_only_beside_the_picture_it_varies() -> None:
    assert reason(named("chef-dark"), named("chef")) == "skin tone"
    assert reason(named("night-dark")) is None
    assert reason(named("chef-dark", loose_names=False), named("chef", loose_names=False)) is None


def test_of_several_sizes_the_largest_stays() -> None:
    sizes = [named(f"home-{size}") for size in (16, 20, 48)]
    assert [reason(one, *sizes) for one in sizes] == ["smaller size", "smaller size", None]


def test_opted_out_comes_before_everything() -> None:
    assert reason(named(licence="none at all"), opted_out=("flat/fox",)) == "opted out"


@pytest.mark.parametrize(
    ("knob", "one"),
    [
        ("skin_tones", named("hand", key="1F44B-1F3FB")),
        ("hair", named("man-red-hair", key="1F468-200D-1F9B0")),
        ("families", named("family-man-girl")),
        ("flags", named("flag-for-someland")),
        ("hidden", named(hidden=True)),
    ],
)
def test_a_recipe_may_keep_them(knob: str, one: Named) -> None:
    assert reason(one) is not None
    assert reason(one, filters=FILTERS.model_copy(update={knob: True})) is None
