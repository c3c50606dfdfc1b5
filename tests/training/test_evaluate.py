"""The measure of a model: ranks among one style, and a whole evaluation of a tiny model end to end."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from impasto.models.registry import Registry
from impasto.training.evaluate import Judge, evaluate, into_card, summary
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
    judge = Judge(net=torch.nn.Identity(), features=unit(0, 20, 40, 60, 1), styles=np.array([*"aaaab"]))
    assert judge.rank(unit(0)[0], 0) == 1
    assert judge.rank(unit(0)[0], 2) == 3, "record 4 is nearer but of another style"
    assert judge.rank(unit(55)[0], 2) == 2
    assert judge.rank(unit(0)[0], 2, without=1) == 2


def test_a_summary_counts_places():
    found = summary("x", [1, 1, 3, 9])
    assert found == {"x_pairs": 4, "x_top1": 0.5, "x_top5": 0.75, "x_median_rank": 2.0}


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
    results = evaluate(
        installed, engine, evaluator=recipe, out=tmp_path / "sheets", training_pairs=3, say=lambda line: None
    )
    assert results["held_out_pairs"] == 1
    assert results["training_pairs"] == 3
    assert results["autoencoder_psnr_db"] > 0
    assert 0 <= results["variety"] <= 2
    assert {p.name for p in (tmp_path / "sheets").iterdir()} == {"held_out.png", "training.png", "common.png"}
    into_card(installed.folder, results)
    again = Registry([tmp_path / "models"]).check("m")
    assert again.card.results["measured"]["held_out_pairs"] == 1
    assert again.card.results["training"], "what was there before is kept"
