"""A student that lands where its teacher lands: the walk's arithmetic, what a step is shown, and what is learned."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from tests.training.conftest import vary

from impasto.core import Invalid
from impasto.engine import samplers
from impasto.engine.sigmas import curve
from impasto.models import cards
from impasto.training.batches import torch_rng_at
from impasto.training.checkpoint import read
from impasto.training.distil import DistilStage, compiled, followed, rows, walked
from impasto.training.finished import line_of
from impasto.training.recipe import load
from impasto.training.run import train

CPU = torch.device("cpu")


def ideal(mean: float, spread: float):
    """The perfect denoiser of a Gaussian under the flow, so that where a walk ends is known in closed form."""

    def denoise(x, t):
        t = rows(t)
        return mean + (1 - t) * spread**2 / ((1 - t) ** 2 * spread**2 + t**2) * (x - (1 - t) * mean)

    return denoise


def end_of(x, t, t_next, mean, spread):
    """The flow keeps a point's place in the Gaussian that it is in."""
    at, there = (math.hypot((1 - s) * spread, s) for s in (t, t_next))
    return (1 - t_next) * mean + (x - (1 - t) * mean) / at * there


def times(*values: float) -> torch.Tensor:
    return torch.tensor(values)


@pytest.mark.parametrize(("t", "t_next"), [(0.9877, 0.74), (0.74, 0.49), (0.49, 0.25), (0.3, 0.1)])
def test_more_steps_of_the_teacher_land_nearer_to_where_the_flow_leads(t, t_next):
    x = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    true = end_of(x, t, t_next, 0.5, 0.6)
    args = (times(t).double(), times(t_next).double())
    errors = [float((walked(ideal(0.5, 0.6), x, *args, steps) - true).abs().mean()) for steps in (2, 8, 32)]
    assert errors[2] < errors[1] / 6, "it is of second order, nearly"
    assert errors[1] < errors[0] / 4


def test_rows_walk_each_from_its_own_time_and_a_step_to_the_end_lands_on_the_answer():
    x = torch.randn(3, 4, 16, 16)
    t, t_next = times(0.9, 0.5, 0.25), times(0.6, 0.3, 0.0)
    together = walked(ideal(0.2, 0.5), x, t, t_next, 3)
    alone = [walked(ideal(0.2, 0.5), x[i : i + 1], t[i : i + 1], t_next[i : i + 1], 3) for i in range(3)]
    assert torch.allclose(together, torch.cat(alone), atol=1e-6)
    one = walked(ideal(0.2, 0.5), x[2:], t[2:], t_next[2:], 1)
    assert torch.equal(one, ideal(0.2, 0.5)(x[2:], t[2:]))


def test_a_step_is_the_engines_own():
    noise = torch.randn(2, 4, 16, 16, dtype=torch.float64)
    levels = curve("flow", 4, 0.02, 80.0)
    x, flow = noise * levels[0] / (1 + levels[0]), [s / (1 + s) for s in levels]
    for t, t_next in pairwise(flow):
        x = walked(ideal(0.3, 0.4), x, times(t, t).double(), times(t_next, t_next).double(), 1)
    assert torch.allclose(x, followed(ideal(0.3, 0.4), samplers.euler(noise * levels[0], levels)), atol=1e-6)


@pytest.fixture
def stage(autoencoder_recipe, denoiser_recipe, distil_recipe):
    train(autoencoder_recipe)
    train(denoiser_recipe, stop_after_s=0)

    def build(**settings: object) -> DistilStage:
        made = DistilStage(load(distil_recipe, {f"stage.{k}": v for k, v in settings.items()}), CPU)
        for part in (made.teacher, made.net):
            vary(part)
        return made

    return build


def test_only_the_painter_learns(stage):
    made = stage()
    assert all(p.requires_grad for p in made.net.parameters())
    assert not any(p.requires_grad for p in made.teacher.parameters())
    assert [p.shape for p in made.net.parameters()] == [p.shape for p in made.teacher.painter.parameters()]


def test_the_steps_are_those_of_the_engines_curve(stage):
    made = stage(edited=0.0, also=[2], also_share=0.5)
    known = {n: [s / (1 + s) for s in curve("flow", n, 0.02, 80.0)] for n in (2, 3)}
    found = set()
    for step in range(30):
        walks, from_picture, place = made.walks(step)
        assert not from_picture.any()
        for row, k in zip(walks, place, strict=True):
            walk = row[: np.count_nonzero(row) + 1]
            steps = len(walk) - 1
            assert np.allclose(walk, known[steps])
            found.add((steps, int(k)))
    assert found == {(2, 0), (2, 1), (3, 0), (3, 1), (3, 2)}


def test_walks_from_pictures_begin_at_any_strength(stage):
    made = stage(edited=1.0)
    begins = np.concatenate([made.walks(step)[0][:, 0] for step in range(40)])
    assert begins.min() < 0.1
    assert 0.9 < begins.max() <= 80 / 81
    assert (np.diff(made.walks(3)[0], axis=1) <= 0).all()


def test_a_rolled_step_sets_out_where_the_student_walked_to(stage):
    made = stage(edited=0.0, rolled=1.0, also=[], also_share=0.0)
    clean, tokens, style = made.examples.at(5)
    with torch.no_grad():
        given = made.teacher.plan(tokens, style)
        x, t, t_next = made.setting_out(5, clean, given)
        others = made.setting_out(5, clean + 1, given)[0]
    assert torch.equal(x, others), "nothing of the true picture is in it"
    walks, _, place = made.walks(5)
    assert np.allclose(t, walks[np.arange(4), place])
    assert np.allclose(t_next, walks[np.arange(4), place + 1])
    noise = torch.randn(clean.shape, generator=torch_rng_at(made.seed, 5))
    for row in range(4):
        mine = noise[row : row + 1] * walks[row, 0]
        one = [each[row : row + 1] for each in given]
        for k in range(place[row]):
            at, there = (times(walks[row, j]).float() for j in (k, k + 1))
            with torch.no_grad():
                mine = walked(lambda x, t, one=one: made.net(x, t, *one), mine, at, there, 1)
        assert torch.allclose(x[row : row + 1], mine.float(), atol=1e-4)


def test_without_words_there_is_nothing_to_guide(stage):
    made = stage()
    styles = torch.tensor([0, 2])
    given = tuple(each[styles] for each in made.wordless)
    x, t = torch.randn(2, 4, 16, 16), times(0.7, 0.2)
    plain = made.teacher.painter(x, t, *given)
    assert torch.allclose(made.guided(given, styles, made.teacher.painter)(x, t), plain, atol=1e-5)
    told = made.teacher.plan(torch.randint(1, 200, (2, 4)), styles)
    words = made.teacher.painter(x, t, *told)
    guided = made.guided(told, styles, made.teacher.painter)(x, t)
    assert torch.allclose(guided, plain + 2.5 * (words - plain), atol=1e-4)


def test_captions_are_dropped_as_the_stage_says_not_as_the_denoiser_does(stage):
    assert not any((stage(dropped=0.0).examples.at(step)[1] == 0).all(dim=1).any() for step in range(20))
    assert all((stage(dropped=1.0).examples.at(step)[1] == 0).all() for step in range(3))


def test_a_teacher_asked_for_one_unguided_step_is_what_its_copy_is_already(stage):
    made = stage(substeps=1, guidance=1.0)
    made.net.load_state_dict(made.teacher.painter.state_dict())
    with torch.no_grad():
        assert float(made.loss(0)["apart"]) < 1e-6
        assert float(stage().loss(0)["apart"]) > 1e-4


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # of torch's own compiler
def test_a_compiled_painter_has_the_same_weights_and_follows_them(stage):
    made = stage()
    twin = compiled(made.net)
    assert twin is not made.net
    assert all(a is b for a, b in zip(twin.parameters(), made.net.parameters(), strict=True))


def test_the_student_comes_nearer_and_leaves_a_model_that_draws_in_few_steps(
    tmp_path, autoencoder_recipe, denoiser_recipe, distil_recipe
):
    train(autoencoder_recipe)
    train(denoiser_recipe)
    train(distil_recipe, overrides={"run.pictures": 400, "optim.rate": 3e-3})
    lines = (tmp_path / "few" / "log.csv").read_text().splitlines()
    losses = [float(line.split(",")[1]) for line in lines[1:]]
    assert np.mean(losses[-20:]) < 0.7 * np.mean(losses[:20])
    measured = (tmp_path / "few" / "measures.csv").read_text()
    assert all(f"held_out/{name}" in measured for name in ("landed_2", "landed_3", "landed_edited", "true_teacher"))
    card, _ = cards.read(tmp_path / "few" / "model" / "card.toml")
    assert (card.defaults.steps, card.defaults.guidance, card.defaults.sampler) == (3, 1.0, "euler")
    assert set(card.results["training"]) == {"distil", "denoiser", "autoencoder"}
    assert "planner.query" not in read(tmp_path / "few")["net"]


def test_what_a_stage_cannot_go_on_from_is_refused(autoencoder_recipe, distil_recipe, polish_recipe):
    with pytest.raises(Invalid, match=r"^stage\.painter: leads back to 'autoencoder'"):
        line_of(load(distil_recipe, {"stage.painter": str(autoencoder_recipe)}))
    with pytest.raises(Invalid, match=r"^stage\.painter: leads back to 'polish'"):
        line_of(load(distil_recipe, {"stage.painter": str(polish_recipe)}))
    assert list(line_of(load(polish_recipe, {"stage.painter": str(distil_recipe)}))) == ["polish", "distil", "denoiser"]
