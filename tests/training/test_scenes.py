"""Scenes in training: made once, drawn by the step, worded as people would."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from impasto.data.dataset import open_dataset
from impasto.training import captions as wording
from impasto.training.captions import Captions
from impasto.training.denoiser import DenoiserStage
from impasto.training.latents import load_autoencoder
from impasto.training.recipe import load
from impasto.training.run import train
from impasto.training.scenes import Settings, all_scenes

STYLES = ("flat", "soft", "line")
CPU = torch.device("cpu")


@pytest.fixture
def made(data, autoencoder_recipe, tmp_path):
    train(autoencoder_recipe)
    net, dataset = load_autoencoder(autoencoder_recipe, CPU), open_dataset(data)

    def make(seed: int = 0, **settings):
        settings = Settings(**{"count": 20, **settings})
        return all_scenes(dataset, net, CPU, tmp_path / "cache", styles=STYLES, settings=settings, seed=seed)

    return make


def test_scenes_are_made_once_and_read_back_the_same(made, tmp_path):
    first = made()
    stamps = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "cache").iterdir()}
    again = made()
    assert stamps == {path.name: path.stat().st_mtime_ns for path in (tmp_path / "cache").iterdir()}
    assert len(stamps) == 2, "nothing unfinished is left"
    assert first.latents.shape == (20, 4, 16, 16)
    assert first.latents.dtype == np.float16
    assert (first.latents == again.latents).all()
    assert first.captions == again.captions
    assert all(first.captions)


def test_other_settings_and_seeds_make_other_scenes(made, tmp_path):
    first, other, coloured = made(), made(seed=1), made(coloured=0.0)
    assert len(list((tmp_path / "cache").glob("*.npy"))) == 3
    assert first.captions != other.captions
    assert first.captions != coloured.captions


def test_a_longer_list_begins_with_the_shorter(made):
    few, many = made(), made(count=24)
    assert many.captions[:20] == few.captions


def test_latents_that_lost_their_captions_are_made_again(made, tmp_path):
    first = made()
    next((tmp_path / "cache").glob("*.jsonl")).unlink()
    assert made().captions == first.captions


def test_a_draw_pairs_latents_with_their_own_words_and_style(made):
    scenes = made(dropped=0.0)
    latents, words, styles = scenes.draw(30, np.random.default_rng(0))
    for z, said, style in zip(latents, words, styles, strict=True):
        of = [i for i in range(20) if (scenes.latents[i] == z).all()]
        assert any(said in scenes.captions[i] and scenes.styles[i] == style for i in of)
    dropped = made(dropped=1.0).draw(10, np.random.default_rng(0))[1]
    assert dropped == [""] * 10


@pytest.fixture
def stage(data, autoencoder_recipe, denoiser_recipe):
    train(autoencoder_recipe)

    def build(scenes: dict | None):
        recipe = load(denoiser_recipe, {"stage.scenes": scenes} if scenes else {})
        return DenoiserStage(recipe, CPU).examples

    return build


def test_scenes_take_their_share_of_a_batch_and_a_step_is_the_same_twice(stage):
    with_scenes = stage({"count": 12, "share": 0.5})
    kept = {z.tobytes() for z in with_scenes.scenes.latents.astype(np.float32)}
    found = total = 0
    for step in range(40):
        clean, tokens, style = with_scenes.at(step)
        again = with_scenes.at(step)
        assert all(torch.equal(a, b) for a, b in zip((clean, tokens, style), again, strict=True))
        found += sum(z.numpy().tobytes() in kept for z in clean)
        total += len(clean)
    assert 0.35 < found / total < 0.65


def test_without_scenes_no_batch_holds_one(stage):
    plain = stage(None)
    assert plain.scenes is None
    kept = {z.astype(np.float32).tobytes() for z in plain.latents}
    assert all(z.numpy().tobytes() in kept for z in plain.at(0)[0])


def test_one_word_may_stand_for_a_picture(data):
    dataset = open_dataset(data)
    captions = Captions(dataset, name=0.0, foreign=0.0, dropped=0.0, keyword=1.0)
    rng = np.random.default_rng(0)
    said = {captions.draw(dataset.records[0], rng) for _ in range(200)}
    assert {"cat", "thing", "a cat", "cats", "kitten"} <= said


def test_a_word_that_too_many_concepts_share_never_stands_alone(data, monkeypatch):
    monkeypatch.setattr(wording, "MOST_CONCEPTS", 3)
    captions = Captions(open_dataset(data), name=0.0, foreign=0.0, dropped=0.0, keyword=1.0)
    assert "thing" not in captions.words.get("cat", ())


def test_articles_and_plurals_are_english(data, monkeypatch):
    dataset = open_dataset(data)
    captions = Captions(dataset, name=1.0, foreign=0.0, dropped=0.0)
    assert captions.forms["cat"] == ("a cat", "cats")
    monkeypatch.setattr(wording, "PLURAL", 1.0)
    assert captions.said("cat", np.random.default_rng(0)) == "cats"
    assert captions.said("日", np.random.default_rng(0)) == "日", "what is not in plain letters stays as it is"


def test_captions_are_kept_as_lines_of_json(made, tmp_path):
    scenes = made()
    lines = next((tmp_path / "cache").glob("*.jsonl")).read_text().splitlines()
    assert [json.loads(line)[0] for line in lines] == scenes.styles
