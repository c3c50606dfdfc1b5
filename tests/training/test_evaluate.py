"""The measure of a model: ranks among one style, and a whole evaluation of a tiny model end to end."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from impasto.models.registry import Registry
from impasto.training.artist import Artist
from impasto.training.evaluate import evaluate, even_faces, into_card, is_face
from impasto.training.judge import Judge
from impasto.training.run import train

EVALUATOR = """
[run]
stage = "evaluator"
out = "{out}"
data = "{data}"
pictures = 16
batch = 4
threads = 1
precision = "fp32"
[optim]
warmup = 4
ema = [0.5]
[net]
width = 16
depth = [1, 1]
[stage]
styles = ["flat", "soft", "line"]
"""


def unit(*angles_deg: float) -> torch.Tensor:
    radians = torch.deg2rad(torch.tensor(angles_deg))
    return torch.stack([radians.cos(), radians.sin()], dim=-1)


def test_a_rank_counts_only_pictures_of_the_same_style_that_are_more_alike():
    judge = Judge(net=torch.nn.Identity(), features=unit(0, 20, 40, 60, 1), styles=np.array([*"aaaab"]), classes={})
    assert judge.rank(unit(0)[0], 0) == 1
    assert judge.rank(unit(0)[0], 2) == 3, "record 4 is nearer but of another style"
    assert judge.rank(unit(55)[0], 2) == 2
    assert judge.rank(unit(0)[0], 2, without=1) == 2


@pytest.mark.slow
def test_a_model_is_measured_from_its_folder_to_its_card(tmp_path, data, autoencoder_recipe, denoiser_recipe):
    from impasto.engine.engine import open_engine

    recipe = tmp_path / "evaluator.toml"
    recipe.write_text(EVALUATOR.format(out=tmp_path / "ev", data=data))
    for path in (autoencoder_recipe, denoiser_recipe, recipe):
        train(path)
    (tmp_path / "models").mkdir()
    (tmp_path / "mini" / "model").rename(tmp_path / "models" / "m")
    installed = Registry([tmp_path / "models"]).find("m")
    engine = open_engine(installed, threads=1)
    lines = []
    results = evaluate(
        installed,
        engine,
        other=Artist(engine=engine, card=installed.card, steps=3, guidance=1.0),
        evaluator=recipe,
        out=tmp_path / "sheets",
        training_pairs=3,
        say=lines.append,
    )
    measured = results["measured"]
    assert measured["held_out_pairs"] == 1
    assert measured["training_pairs"] == 3
    assert measured["autoencoder_psnr_db"] > 0
    assert 0 <= measured["variety"] <= 2
    assert 0 <= measured["common_recognised"] <= 40
    assert measured["training_frechet"] >= 0
    assert sum(found.get("training_pairs", 0) for found in results["styles"].values()) == 3
    assert results["against"]["way"] == "3 steps of euler, guidance 1"
    assert results["against"]["default_way"] == "2 steps of euler, guidance 1.5"
    ratio, other = results["against"]["ratio"], results["against"]["other"]
    assert ratio["training_halo"] == pytest.approx(measured["training_halo"] / other["training_halo"], rel=1e-2)
    assert {p.name for p in (tmp_path / "sheets").iterdir()} == {"held_out.png", "training.png", "common.png"}
    into_card(installed.folder, results)
    again = Registry([tmp_path / "models"]).check("m")
    assert again.card.results["measured"]["held_out_pairs"] == 1
    assert again.card.results["training"], "what was there before is kept"
    assert again.ref == installed.ref, "a model that was measured is the same model"


def test_only_faces_that_are_even_are_held_to_be_so(data):
    from dataclasses import replace

    from impasto.data.dataset import open_dataset

    dataset = open_dataset(data)
    assert not len(even_faces(dataset, {"flat"}))
    for i, each in enumerate(dataset.records):
        dataset.records[i] = replace(each, group="smileys-emotion", name="face")
    found = even_faces(dataset, {"flat", "soft"}, count=3)
    assert len(found) == 3
    assert {dataset.records[i].style for i in found} <= {"flat", "soft"}
    assert even_faces(dataset, {"flat", "soft"}, count=3).tolist() == found.tolist()
    assert is_face("smileys-emotion", "angry face")
    assert not is_face("animals-nature", "cat face")
