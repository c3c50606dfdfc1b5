"""What is shipped computes what was trained, from one file of weights a net."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.training.conftest import vary

from impasto.models import cards
from impasto.models.nets.denoiser import Mini, fold, unfold
from impasto.training.export import WordsNet
from impasto.training.publish import export_nets
from impasto.training.run import train

onnxruntime = pytest.importorskip("onnxruntime")
NET = {"channels": 4, "width": 64, "coarse_width": 64, "coarse_depth": 1, "fine_depth": 1, "paint_depth": 1}
WORDS = {"vocabulary": 300, "width": 64, "depth": 1, "max_tokens": 8}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    from impasto.models.nets.autoencoder import Autoencoder

    mini = Mini(words=WORDS, styles=3, **NET).eval().requires_grad_(False)
    halves = Autoencoder(channels=4, fine_width=16, coarse_width=16, encoder_depth=(1, 1), decoder_depth=(1, 1)).eval()
    halves.requires_grad_(False)
    vary(mini)
    vary(halves)
    folder = tmp_path_factory.mktemp("mini")
    export_nets(mini, halves, WORDS["max_tokens"], folder)
    return mini, halves, folder


def run(folder, name, **inputs):
    session = onnxruntime.InferenceSession(str(folder / f"{name}.onnx"))
    return session.run(None, {k: v.numpy() for k, v in inputs.items()})


def near(made, true):
    return np.allclose(made, true.numpy(), atol=0.02 * float(true.abs().max()))


def test_words_and_painter_are_the_same_nets(exported):
    mini, _, folder = exported
    tokens = torch.randint(1, 300, (3, 8))
    tokens[0, 3:], tokens[2] = 0, 0
    weights, style = torch.ones(3, 8), torch.tensor([0, 2, 1])
    weights[0, 1] = 1.5
    plan, condition = WordsNet(mini)(tokens, weights, style)
    made = run(folder, "words", tokens=tokens, weights=weights, style=style)
    assert near(made[0], plan)
    assert near(made[1], condition)
    x, t = torch.randn(3, 4, 16, 16), torch.tensor([0.9, 0.5, 0.1])
    given = {"x": x, "t": t, "plan": plan, "condition": condition}
    assert near(run(folder, "denoiser", **given)[0], mini.painter(x, t, plan, condition))


def test_autoencoder_halves_are_the_same_nets(exported):
    _, halves, folder = exported
    picture = torch.rand(2, 4, 256, 256)
    latents = halves.encoder(picture)
    assert near(run(folder, "encoder", picture=picture)[0], latents)
    assert near(run(folder, "decoder", latents=latents)[0], halves.decoder(latents))


def test_the_graph_reads_its_weights_from_the_safetensors_file(exported):
    _, _halves, folder = exported
    latents = torch.randn(1, 4, 16, 16)
    before = run(folder, "decoder", latents=latents)[0]
    path = folder / "decoder.safetensors"
    kept = path.read_bytes()
    try:
        path.write_bytes(kept[:-4000] + bytes(4000))
        assert not np.allclose(run(folder, "decoder", latents=latents)[0], before)
    finally:
        path.write_bytes(kept)


def test_torch_reads_the_same_file(exported):
    from safetensors.torch import load_file

    mini, halves, folder = exported
    fresh = Mini(words=WORDS, styles=3, **NET)
    for net, name in ((WordsNet(fresh), "words"), (fresh.painter, "denoiser")):
        net.load_state_dict(load_file(folder / f"{name}.safetensors"))
    old, new = mini.painter.state_dict(), fresh.painter.state_dict()
    assert all(torch.allclose(old[k], new[k], atol=1e-3) for k in old)
    assert load_file(folder / "encoder.safetensors").keys() == halves.encoder.state_dict().keys()


def test_a_finished_run_leaves_a_model_folder(tmp_path, denoiser_recipe, autoencoder_recipe):
    train(autoencoder_recipe)
    train(denoiser_recipe)
    assert (tmp_path / "ae" / "model" / "decoder.onnx").exists()
    out = tmp_path / "mini" / "model"
    card, _ = cards.read(out / "card.toml")
    assert card.results["training"]["denoiser"]["seen"] == 24
    assert set(card.files) == {p.name for p in out.iterdir()} - {"card.toml"}
    assert [card.styles[s].index for s in ("flat", "soft", "line")] == [0, 1, 2]


def test_fold_and_unfold_are_inverse():
    x = torch.randn(2, 4, 16, 16)
    assert torch.equal(unfold(fold(x)), x)
    assert torch.equal(fold(x)[0, 9, :4], x[0, 0, 2:4, 2:4].flatten()), "token 9 is the patch in row 1, column 1"


def test_empty_words_are_one_learned_state_and_padding_changes_nothing():
    mini = Mini(words=WORDS, styles=3, **NET).eval()
    vary(mini)
    tokens = torch.tensor([[5, 6, 0, 0], [0, 0, 0, 0]])
    _, pooled, _ = mini.words(tokens)
    assert torch.allclose(pooled[1], mini.words.empty)
    _, longer, _ = mini.words(torch.nn.functional.pad(tokens, (0, 4)))
    assert torch.allclose(pooled, longer, atol=1e-5)
