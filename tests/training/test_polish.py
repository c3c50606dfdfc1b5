"""A decoder that is polished: on what it is trained, what is measured, and what is left alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.training.conftest import same, vary
from torch.nn import functional as F

from impasto.models import cards
from impasto.models.nets.autoencoder import Autoencoder
from impasto.training.checkpoint import averaged_weights
from impasto.training.finished import line_of, load_halves, load_mini
from impasto.training.polish import PolishStage, backs, crispness, error_at_edges
from impasto.training.recipe import load
from impasto.training.run import train

CPU = torch.device("cpu")


def disc(softness: float) -> torch.Tensor:
    """(1, 4, 64, 64): a white disc whose edge is about `softness` pixels wide."""
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    inside = ((20 - torch.hypot(x - 32, y - 32)) / softness).sigmoid()
    return inside.expand(1, 4, 64, 64)


def test_a_blurred_edge_is_less_crisp_wherever_in_its_cell_it_lies():
    sharp, soft = crispness(disc(0.3)), crispness(disc(3.0))
    assert sharp.shape == (1, 4, 8, 8)
    assert float(sharp.max()) > 2 * float(soft.max())
    stripe = torch.zeros(1, 4, 16, 16)
    stripe[..., 2] = 1
    moved = stripe.roll(3, -1)
    assert torch.allclose(crispness(stripe), crispness(moved))


def test_only_what_lies_beside_an_edge_counts_there():
    true = disc(0.3)
    far = true.clone()
    far[..., :4, :4] += 0.5
    assert float(error_at_edges(far, true)) == 0.0
    assert float(error_at_edges(disc(3.0), true)) > 10


def test_backs_are_black_or_white_as_often_as_asked():
    colours = backs(400, 0.5, torch.Generator().manual_seed(0)).flatten(1)
    grey = ((colours == 0) | (colours == 1)).all(dim=1)
    assert 0.4 < float(grey.float().mean()) < 0.6
    assert 0.3 < float(colours[grey].mean()) < 0.7
    assert float(colours[~grey].std()) > 0.1


@pytest.fixture
def stage(autoencoder_recipe, denoiser_recipe, polish_recipe):
    train(autoencoder_recipe)
    train(denoiser_recipe, stop_after_s=0)

    def build(**settings: object) -> PolishStage:
        return PolishStage(load(polish_recipe, {f"stage.{k}": v for k, v in settings.items()}), CPU)

    return build


def test_a_step_decodes_clean_latents_or_the_painters_answers_to_the_same_pictures(stage):
    made = stage(painted=0.0)
    vary(made.mini)
    seen = []
    decode = made.net.forward
    made.net.forward = lambda latents: seen.append(latents) or decode(latents)
    made.loss(3)
    clean = made.examples.at(3)[0]
    assert torch.equal(seen[0], clean)
    true = made.true(made.examples.order.at(3))
    encoded = made.examples.autoencoder.encoder(true)
    assert torch.allclose(clean, encoded, atol=0.05), "the latents are those of the pictures"
    made.settings = made.settings.model_copy(update={"painted": 1.0})
    made.loss(3)
    assert not torch.isclose(seen[1], clean).flatten(1).all(dim=1).any()


def test_scenes_which_have_no_picture_take_no_part(stage):
    assert stage().examples.scenes is None


def test_a_polished_decoder_is_shipped_with_everything_else_as_it_was(
    tmp_path, autoencoder_recipe, denoiser_recipe, distil_recipe, polish_recipe
):
    train(autoencoder_recipe, overrides={"run.pictures": 200, "optim.rate": 5e-3})
    train(denoiser_recipe)
    train(distil_recipe)
    overrides = {"stage.painter": str(distil_recipe), "run.pictures": 160, "optim.rate": 3e-3}
    train(polish_recipe, overrides=overrides)
    rows = [line.split(",") for line in (tmp_path / "crisp" / "measures.csv").read_text().splitlines()]
    measured = {name.removeprefix("held_out/"): float(value) for name, value in zip(rows[0], rows[-1], strict=True)}
    assert measured["painted_edges"] < measured["painted_edges_before"]
    assert measured["clean_psnr_db"] > measured["clean_psnr_db_before"] - 0.3
    recipe, whole = load(polish_recipe, overrides), Autoencoder(**load(autoencoder_recipe).net)
    halves = load_halves(line_of(recipe), CPU)
    whole.load_state_dict(averaged_weights(tmp_path / "ae"))
    assert same(halves.encoder.state_dict(), whole.encoder.state_dict())
    assert same(halves.decoder.state_dict(), averaged_weights(tmp_path / "crisp"))
    assert not same(halves.decoder.state_dict(), whole.decoder.state_dict())
    painter = load_mini(line_of(recipe), CPU).painter
    assert same(painter.state_dict(), averaged_weights(tmp_path / "few"))
    card, _ = cards.read(tmp_path / "crisp" / "model" / "card.toml")
    assert set(card.results["training"]) == {"polish", "distil", "denoiser", "autoencoder"}
    assert (card.defaults.steps, card.defaults.guidance) == (3, 1.0)
    shipped = tmp_path / "crisp" / "model" / "decoder.onnx"
    latents = torch.randn(1, 4, 16, 16)
    onnxruntime = pytest.importorskip("onnxruntime")
    [made] = onnxruntime.InferenceSession(str(shipped)).run(None, {"latents": latents.numpy()})
    true = halves.decoder(latents)
    assert np.allclose(made, true.numpy(), atol=0.02 * float(true.abs().max()))
    assert F.mse_loss(torch.from_numpy(made), whole.decoder(latents).detach()) > 1e-6
