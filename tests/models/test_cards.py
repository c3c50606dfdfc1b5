from __future__ import annotations

import hashlib
from dataclasses import FrozenInstanceError

import pytest

from impasto.core import Invalid, Unknown
from impasto.models import cards


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def text(tiny_model) -> str:
    return (tiny_model / "card.toml").read_text()


def test_a_card_is_read_as_it_is_written(text) -> None:
    card = cards.parse(text)
    assert (card.model.name, card.model.family, card.model.parents) == ("tiny", "mini", ())
    assert card.picture.sizes == ((256, 256),)
    assert card.picture.latent_shape == (4, 8, 8)
    assert card.styles["flat"].sample == "a red fox"
    assert card.defaults.guidance == 2.0
    assert card.sigmas.shift == 1.0
    assert card.words.max_tokens == 8
    assert len(card.files) == 9
    assert card.results == {"notes": "made in a test"}
    with pytest.raises(FrozenInstanceError):
        card.model.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('version = "1"', 'version = "1"\ncolour = "red"', "model.colour"),
        ("[words]", "[words]\nmin_tokens = 1", "words.min_tokens"),
        ("{ index = 1 }", '{ index = 1, name = "Line" }', "styles.line.name"),
        ("[results]", "[extra]\n[results]", "extra"),
        ("steps = 4", 'steps = "4"', "defaults.steps"),
        ("steps = 4", "steps = 4.0", "defaults.steps"),
        ("steps = 4", "", "defaults.steps"),
        ("steps = 4", "steps = 0", "defaults.steps"),
        ("max = 40.0", "max = inf", "sigmas.max"),
        ("max = 40.0", "max = 0.01", "sigmas"),
        ('style = "flat"', 'style = "round"', "defaults.style"),
        ("{ index = 1 }", "{ index = 2 }", "styles"),
        ("[[256, 256]]", "[[256]]", "picture.sizes.0.1"),
        ("[[256, 256]]", "[]", "picture.sizes"),
        ("[4, 8, 8]", "[3, 8, 8]", "preview.matrix"),
        ("[words]", "[words", "card.toml"),
        ("[files]", '[files]\n"../outside" = "00"', "files"),
        ("[files]", '[files]\n"inside/../../outside" = "00"', "files"),
        ("[files]", '[files]\n"/outside" = "00"', "files"),
        ("[files]", '[files]\n"C:outside" = "00"', "files"),
        ("[files]", '[files]\n"card.toml" = "00"', "files"),
        ("[styles]", "sides_px = { least = 64, most = 512, step = 48 }\n[styles]", "picture.sides_px"),
        ("[styles]", "sides_px = { least = 64, most = 32, step = 32 }\n[styles]", "picture.sides_px"),
        ("max = 40.0", 'max = 40.0\nbetas = { curve = "linear", first = 0.2, last = 0.1, levels = 9 }', "sigmas.betas"),
        ("max = 40.0", "max = 40.0\nlog_shift = { areas_px = [9, 9], logs = [0.5, 1.0] }", "sigmas.log_shift"),
        ("max_tokens = 8", "max_tokens = 8\nskipped_layers = -1", "words.skipped_layers"),
        ("[words]", '[net]\nprediction = "noise"\n[words]', "net.prediction"),
    ],
)
def test_what_breaks_a_rule_is_refused_by_name(text, old, new, field) -> None:
    assert old in text
    with pytest.raises(Invalid) as refused:
        cards.parse(text.replace(old, new), "card.toml")
    assert refused.value.field in {f"card.toml: {field}", field}


def test_results_are_free(text) -> None:
    results = '[results]\ntop_5 = 0.5\n[results.by_style]\nflat = [1, 2.5, "x"]\nday = 2025-01-01\n'
    found = cards.parse(text.replace("[results]\nnotes", f"{results}notes")).results
    assert found["top_5"] == 0.5
    assert found["by_style"] == {"flat": [1, 2.5, "x"], "day": "2025-01-01", "notes": "made in a test"}


def test_styles_and_sizes_are_looked_up(text) -> None:
    card = cards.parse(text)
    assert card.style("clay").index == 2
    with pytest.raises(Unknown, match="did you mean line"):
        card.style("lines")
    card.check_size((256, 256))
    with pytest.raises(Invalid, match="size: tiny draws 256x256, not 256x128"):
        card.check_size((256, 128))


def test_the_identity_is_that_of_what_is_said_apart_from_the_results(text) -> None:
    same = cards.identity(text)
    measured = text.replace("[results]", "[results]\ntop_5 = 0.7\n[results.by_style]\nflat = 0.5\n[results.notes_of]\n")
    assert cards.parse(measured).results["top_5"] == 0.7
    assert cards.identity(measured) == same
    assert cards.identity(text.replace('[results]\nnotes = "made in a test"\n', "")) == same
    assert cards.identity("# measured on a Monday\n" + text) == same
    assert cards.identity(text.replace("steps = 4\nguidance = 2.0", "guidance = 2.0\nsteps = 4")) == same


def test_the_identity_is_the_sha256_of_sorted_json() -> None:
    said = '{"files":{},"model":{"name":"狐","steps":4}}'
    assert cards.identity('[results]\na = 1\n[model]\nsteps = 4\nname = "狐"\n[files]\n') == sha256(said)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('version = "1"', 'version = "2"'),
        ("Apache-2.0", "MIT"),
        ("One colour", "Two colours"),
        ("steps = 4", "steps = 5"),
        ("index = 1", "index = 3"),
        ('"decoder.onnx" = "', '"decoder.onnx" = "0'),
    ],
)
def test_all_else_is_part_of_the_identity(text, old, new) -> None:
    assert old in text
    assert cards.identity(text.replace(old, new)) != cards.identity(text)


def test_any_size_may_be_drawn_whose_sides_a_model_allows(text) -> None:
    sides = "sides_px = { least = 64, most = 512, step = 32 }\n[styles]"
    card = cards.parse(text.replace("[styles]", sides, 1))
    for size in ((256, 256), (64, 512), (96, 320)):
        card.check_size(size)
    for size in ((256, 544), (32, 64), (100, 64)):
        with pytest.raises(Invalid, match="size: tiny draws sides of 64 to 512 in steps of 32 pixels"):
            card.check_size(size)
    assert card.picture.latent_of((96, 320)) == (4, 10, 3)


def test_a_model_may_have_no_styles(text) -> None:
    styles = text[text.index("[styles]") : text.index("[defaults]")]
    card = cards.parse(text.replace(styles, "").replace('style = "flat"\n', ""))
    assert (card.styles, card.defaults.style) == ({}, "")


def test_a_flow_may_shift_with_the_area() -> None:
    shift = cards.Shift(areas_px=(65536, 1048576), logs=(0.5, 1.15))
    assert [shift.at(65536), shift.at(1048576)] == pytest.approx([1.6487, 3.1582], abs=1e-4)
    known = cards.SigmaRange(min=0.1, max=9.0, shift=3.0)
    assert known.shift_at(65536) == 3.0
