"""The loop's parts: which pictures a step sees, at what rate, with which optimiser, and what is averaged."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from impasto.core import Invalid, Unknown
from impasto.data.dataset import Dataset, open_dataset
from impasto.data.records import Record, read_rows, write_table
from impasto.training.autoencoder import held_out, premultiplied, psnr_db, train_order
from impasto.training.batches import Order
from impasto.training.captions import Captions
from impasto.training.checkpoint import read
from impasto.training.optim import Averages, Optimizers, is_block_matrix, rate_at
from impasto.training.recipe import Optim
from impasto.training.run import train
from impasto.training.sheets import tile
from impasto.training.tokens import Tokens


@settings(max_examples=40)
@given(
    times=st.lists(st.integers(0, 3), min_size=1, max_size=12).filter(any),
    batch=st.integers(1, 9),
    seed=st.integers(0, 99),
)
def test_every_epoch_holds_each_picture_as_often_as_it_should(times, batch, seed):
    items = np.arange(len(times)) * 10
    order = Order(items, np.array(times), seed=seed, batch=batch)
    stream = np.concatenate([order.at(step) for step in range(-(-3 * sum(times) // batch))])
    for epoch in range(3):
        found = stream[epoch * sum(times) : (epoch + 1) * sum(times)]
        assert [int((found == item).sum()) for item in items] == times
    again = Order(items, np.array(times), seed=seed, batch=batch)
    assert np.array_equal(again.at(2), order.at(2)), "a step's batch needs no history"


def test_held_out_pictures_reach_no_training_step(data):
    dataset = open_dataset(data)
    order = train_order(dataset, {}, seed=0, batch=8)
    seen = {dataset.records[i].id for step in range(30) for i in order.at(step)}
    assert len(seen) == 11
    assert [dataset.records[i].id for i in held_out(dataset)] == ["line/sun"]
    assert "line/sun" not in seen


def test_a_data_set_that_holds_nothing_out_is_trained_on_without_measures(data, autoencoder_recipe, tmp_path):
    rows = [Record(**{**row, "split": "train"}) for row in read_rows(data / "records.parquet")]
    write_table(data / "records.parquet", rows)
    train(autoencoder_recipe)
    assert list((tmp_path / "ae" / "sheets").glob("*.png"))
    assert not (tmp_path / "ae" / "measures.csv").exists()


def test_a_style_the_data_set_has_not_is_refused_and_so_is_nothing_to_train_on(data):
    dataset = open_dataset(data)
    with pytest.raises(Unknown, match=r"stage\.times: there is no 'flatt'; did you mean flat"):
        train_order(dataset, {"flatt": 2}, seed=0, batch=8)
    with pytest.raises(Invalid, match="leaves no picture to train on"):
        train_order(dataset, dict.fromkeys(dataset.styles, 0), seed=0, batch=8)
    with pytest.raises(Invalid, match="leaves no picture to train on"):
        train_order(Dataset(data, []), {}, seed=0, batch=8)


def test_the_rate_warms_up_stays_and_falls_to_nothing():
    optim = Optim(warmup=100, decay=0.5)
    rates = [rate_at(seen, 1000, optim) for seen in (0, 49, 99, 500, 750, 1000)]
    assert np.allclose(rates, [0.01, 0.5, 1.0, 1.0, 0.5, 0.0])


def test_muon_takes_the_matrices_inside_blocks_only():
    net = nn.ModuleDict({"blocks": nn.ModuleList([nn.Linear(32, 32)]), "embed": nn.Embedding(50, 32)})
    assert [n for n, p in net.named_parameters() if is_block_matrix(n, p)] == ["blocks.0.weight"]
    optimizers = Optimizers(net, Optim(muon_rate=1e-2))
    assert set(optimizers.each) == {"adamw", "muon"}
    before = {n: p.detach().clone() for n, p in net.named_parameters()}
    (net["blocks"][0](net["embed"](torch.arange(5))) ** 2).sum().backward()
    optimizers.step(1.0)
    assert all(not torch.equal(before[n], p) for n, p in net.named_parameters())


def test_averages_follow_the_weights_slower_with_a_longer_horizon():
    net = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(net.weight)
    averages = Averages(net, (0.5, 0.9))
    with torch.no_grad():
        net.weight.fill_(1.0)
    for step in range(1000, 1003):
        averages.update(step)
    short, long = (float(average["weight"]) for average in averages.each)
    assert np.allclose([short, long], [1 - 0.5**3, 1 - 0.9**3])


def test_captions_come_from_where_the_recipe_says(data):
    dataset = open_dataset(data)
    record, rng = dataset.records[0], np.random.default_rng(0)
    draw = lambda **chances: {Captions(dataset, **chances).draw(record, rng) for _ in range(200)}  # noqa: E731
    assert draw(name=0, foreign=0, dropped=1) == {""}
    assert draw(name=0, foreign=1, dropped=0) == {"catxx"}
    assert draw(name=0, foreign=0, dropped=0) == {"cat", "cat: thing"}
    assert draw(name=1, foreign=0, dropped=0) == {"cat", "a cat", "the cat", "one cat", "cats"}


def test_tokens_are_padded_with_zero_cut_and_blind_to_case(tokenizer):
    tokens = Tokens(tokenizer, 6)(["Cat", "cat", "", "sea sun dog cat thing sea sun dog"])
    assert np.array_equal(tokens[0], tokens[1])
    assert not tokens[2].any()
    assert tokens[3].all()
    assert tokens.shape == (4, 6)


def test_premultiplied_and_psnr():
    pixels = np.zeros((1, 2, 2, 4), np.uint8)
    pixels[0, 0, 0] = (255, 255, 255, 51)
    picture = premultiplied(pixels)
    assert torch.allclose(picture[0, :, 0, 0], torch.full((4,), 0.2))
    assert np.isclose(float(psnr_db(picture + 0.1, picture)), 20.0, atol=1e-3)


def test_a_sheet_is_laid_out_row_by_row():
    pictures = np.zeros((3, 4, 8, 8), np.float32)
    pictures[2] = 1
    sheet = tile(pictures, columns=2, size_px=8)
    assert sheet.shape == (16, 16, 3)
    assert (sheet[8:, :8] == 255).all()
    assert (sheet[:8] < 250).all()


def test_training_lowers_the_error(autoencoder_recipe, tmp_path):
    train(autoencoder_recipe, overrides={"run.pictures": 320, "stage.crop_px": 128, "optim.rate": 5e-3})
    lines = (tmp_path / "ae" / "log.csv").read_text().splitlines()
    column = lines[0].split(",").index("loss")
    losses = [float(line.split(",")[column]) for line in lines[1:]]
    assert np.mean(losses[-8:]) < 0.6 * np.mean(losses[:8])
    assert list((tmp_path / "ae" / "sheets").glob("*.png"))
    assert "held_out/psnr_db" in (tmp_path / "ae" / "measures.csv").read_text()
    spread = float(read(tmp_path / "ae")["averages"][0]["encoder.latent_std"])
    assert spread not in (0.0, 1.0), "the latents' spread was measured"
