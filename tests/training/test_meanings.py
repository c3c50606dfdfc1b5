"""A text encoder that learns what other languages and other words mean: from what, and what is left alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.training.conftest import same, vary

from impasto.data.dataset import open_dataset
from impasto.training import meanings
from impasto.training.meanings import MeaningsStage, keywords_of, names_of, not_told, told_apart
from impasto.training.recipe import load
from impasto.training.run import train

CPU = torch.device("cpu")


@pytest.fixture
def stage(tmp_path, data, autoencoder_recipe, denoiser_recipe, monkeypatch):
    train(autoencoder_recipe)
    train(denoiser_recipe, stop_after_s=0)
    monkeypatch.setattr(meanings, "words_of", lambda captions, settings, cache: {"sun": ["crimson box"]})
    package = 'registry = "pypi"\npackage = "none"\nversion = "1"\nsha256 = "' + "0" * 64 + '"\n'
    path = tmp_path / "meanings.toml"
    path.write_text(
        f"""
        [run]
        stage = "meanings"
        data = "{data}"
        out = "{tmp_path / "meanings"}"
        pictures = 64
        batch = 8
        sheet_every = 64
        [stage]
        painter = "{denoiser_recipe}"
        [stage.teacher]
        {package}
        [stage.dictionary]
        {package}
        [optim]
        rate = 1e-3
        """.replace("        ", "")
    )
    return lambda **settings: MeaningsStage(load(path, {f"stage.{k}": v for k, v in settings.items()}), CPU)


def test_held_out_names_are_not_told(data):
    dataset = open_dataset(data)
    told = {pair for pairs in names_of(dataset).values() for pair in pairs}
    told |= {pair for pairs in keywords_of(dataset).values() for pair in pairs}
    assert told
    assert not told & set(not_told(dataset))
    english = {record.name.casefold() for record in dataset.records}
    assert all(meant.casefold() in english for _, meant in told)


def test_to_tell_apart_is_to_be_nearest_ones_own_and_equals_are_no_rivals():
    aims = torch.eye(4)
    assert float(told_apart(aims, aims, 0.05)) < 1e-3
    assert float(told_apart(aims.roll(1, 0), aims, 0.05)) > 10
    twice = aims[[0, 0, 1, 2]]
    assert float(told_apart(twice, twice, 0.05)) < 1e-3


def test_what_is_put_into_a_batch_stands_in_its_rows_and_no_other(stage):
    made = stage()
    tokens = torch.from_numpy(made.examples.tokens(["red square", "blue", "red"]))
    put = made.put(tokens, torch.tensor([1]), ["blue disc"])
    assert torch.equal(put[1], torch.from_numpy(made.examples.tokens(["blue disc"]))[0, : put.shape[1]])
    assert torch.equal(put[[0, 2]], tokens[[0, 2], : put.shape[1]])


def test_a_step_teaches_the_text_encoder_and_nothing_else(stage):
    made = stage(names=0.4, keywords=0.0, likened=0.4)
    vary(made.mini)
    before = {part: {k: v.clone() for k, v in getattr(made.mini, part).state_dict().items()} for part in PARTS}
    made.loss(1)["loss"].backward()
    assert all(p.grad is None for part in PARTS for p in getattr(made.mini, part).parameters())
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in made.net.parameters())
    assert all(same(before[part], getattr(made.mini, part).state_dict()) for part in PARTS)


PARTS = ("words", "planner", "painter")


def test_who_says_the_same_loses_nothing(stage):
    made = stage(names=0.0, keywords=0.0, likened=0.0)
    loss = made.loss(0)
    assert float(loss["plans"].detach()) == pytest.approx(0, abs=1e-6)
    assert float(loss["conditions"].detach()) == pytest.approx(0, abs=1e-6)


def test_words_are_drawn_in_their_shares(stage):
    made = stage(names=0.0, keywords=0.0, likened=1.0)
    drawn = {made.draw("words", np.random.default_rng(i)) for i in range(20)}
    assert {meant for _, meant in drawn} == {"sun"}
    assert all(text.endswith("crimson box") for text, _ in drawn)
