"""Folders as diffusers keeps them become models; their weights are only bytes here, as nothing opens them."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from impasto.core import Clash, Damaged, Invalid, Unknown
from impasto.models import importing
from impasto.models.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

BETAS = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "num_train_timesteps": 1000}
UNET, VAE = "diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.safetensors"


@pytest.fixture
def source(pipeline_folder) -> Path:
    return pipeline_folder


@pytest.fixture
def into(tmp_path) -> Path:
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


def test_a_folder_becomes_a_model_whose_card_names_every_file(source, into) -> None:
    model = importing.add(source, into, "some-model", licence="CreativeML Open RAIL-M")
    card = model.card
    assert (card.model.family, card.model.licence, card.net.prediction) == ("sd", "CreativeML Open RAIL-M", "epsilon")
    assert card.picture.latent_shape == (4, 64, 64)
    assert card.picture.sizes == ((512, 512), (448, 576), (576, 448), (384, 704), (704, 384))
    assert (card.picture.sides_px.least, card.picture.sides_px.most, card.picture.sides_px.step) == (64, 1024, 8)
    assert (card.sigmas.min, card.sigmas.max) == pytest.approx((0.029167, 14.6146), rel=1e-4)
    assert (card.styles, card.defaults.style) == ({}, "")
    assert sorted(card.files) == sorted(
        path.relative_to(source).as_posix()
        for path in source.rglob("*")
        if path.is_file() and "scheduler" not in path.parts and path.name != "model_index.json"
    )
    assert Registry([into]).check("some-model").ref == model.ref
    assert [path.name for path in into.iterdir()] == ["some-model"], "nothing half made is left"


def test_files_are_linked_not_copied_where_the_disk_can(source, into) -> None:
    model = importing.add(source, into, "linked")
    assert (source / "unet" / UNET).samefile(model.folder / "unet" / UNET)


def test_files_are_copied_where_it_cannot(source, into, monkeypatch) -> None:
    monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError("another disk")))
    model = importing.add(source, into, "copied")
    shutil.rmtree(source)
    assert Registry([into]).check("copied").ref == model.ref


def test_what_a_file_became_is_noticed(source, into) -> None:
    model = importing.add(source, into, "some-model")
    (model.folder / "vae" / VAE).write_bytes(b"other")
    with pytest.raises(Damaged, match=r"vae.diffusion_pytorch_model\.safetensors: damaged"):
        Registry([into]).check("some-model")


def test_half_precision_is_taken_under_its_plain_name_if_there_is_no_other(source, into) -> None:
    (source / "unet" / UNET).rename(source / "unet" / UNET.replace(".", ".fp16."))
    (source / "vae" / VAE.replace(".", ".fp16.")).write_bytes(b"half")
    model = importing.add(source, into, "halved")
    assert (model.folder / "unet" / UNET).read_bytes() == b"unet"
    assert (model.folder / "vae" / VAE).read_bytes() == b"vae", "the plain one where there is one"
    assert not [name for name in model.card.files if "fp16" in name]


def test_the_pieces_of_half_precision_are_found_by_their_index(source, into) -> None:
    (source / "unet" / UNET).unlink()
    piece = "diffusion_pytorch_model.fp16-00001-of-00001.safetensors"
    (source / "unet" / piece).write_bytes(b"piece")
    index = {"weight_map": {"a": piece}}
    (source / "unet" / "diffusion_pytorch_model.safetensors.index.fp16.json").write_text(json.dumps(index))
    model = importing.add(source, into, "pieces")
    told = json.loads((model.folder / "unet" / f"{UNET}.index.json").read_text())
    assert (model.folder / "unet" / told["weight_map"]["a"]).read_bytes() == b"piece"


@pytest.mark.parametrize("name", ["diffusion_pytorch_model.bin", "model.ckpt", "weights.pt"])
def test_pickles_are_refused_with_the_way_to_convert_them(source, into, name) -> None:
    (source / "unet" / UNET).rename(source / "unet" / name)
    with pytest.raises(Invalid, match=r"model: .*unet holds pickled weights.*weights_only=True.*save_file"):
        importing.add(source, into, "pickled")
    assert list(into.iterdir()) == []


def test_pickles_beside_safetensors_stay_behind(source, into) -> None:
    (source / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"pickle")
    model = importing.add(source, into, "some-model")
    assert not [name for name in model.card.files if name.endswith(".bin")]


@pytest.mark.parametrize(
    ("file", "content", "complaint"),
    [
        ("model_index.json", '{"_class_name": "StableDiffusionPipelin"}', "did you mean StableDiffusionPipeline"),
        ("model_index.json", "{", r"model_index\.json: cannot be read"),
        ("unet/config.json", "{}", "does not say 'sample_size'"),
        ("scheduler/scheduler_config.json", json.dumps({**BETAS, "beta_schedule": "odd"}), "beta_schedule: must be"),
        ("scheduler/scheduler_config.json", json.dumps({**BETAS, "prediction_type": "x"}), "prediction_type: must be"),
    ],
)
def test_what_cannot_be_understood_is_refused_by_name(source, into, file, content, complaint) -> None:
    (source / file).write_text(content)
    with pytest.raises((Invalid, Damaged), match=complaint):
        importing.add(source, into, "some-model")
    assert list(into.iterdir()) == []


def test_a_part_that_is_missing_is_named(source, into) -> None:
    shutil.rmtree(source / "vae")
    with pytest.raises(Invalid, match="vae is missing"):
        importing.add(source, into, "some-model")


@pytest.mark.parametrize("name", ["", "../up", "Ünder", "a b", ".hidden", "x" * 65])
def test_a_name_that_is_none_is_refused(source, into, name) -> None:
    with pytest.raises(Invalid, match="name: must be"):
        importing.add(source, into, name)


def test_a_name_is_taken_once(source, into) -> None:
    importing.add(source, into, "mine")
    with pytest.raises(Clash, match=r"name: .*mine is there already"):
        importing.add(source, into, "mine")


def test_a_pipeline_of_no_known_family_is_unknown(source, into) -> None:
    (source / "model_index.json").write_text('{"_class_name": "WanPipeline"}')
    with pytest.raises(Unknown, match="there is no 'WanPipeline'"):
        importing.add(source, into, "film")


def test_a_prediction_may_be_said(source, into) -> None:
    assert importing.add(source, into, "said", prediction="v").card.net.prediction == "v"
    with pytest.raises(Invalid, match="prediction: must be epsilon or v"):
        importing.add(source, into, "other", prediction="flow")


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("https://huggingface.co/Owner/Some_Model.v2", "some_model.v2"),
        ("/models/Dream Shaper (8).safetensors", "dream-shaper-8"),
        ("sdxl/", "sdxl"),
    ],
)
def test_a_source_lends_its_name(source, name) -> None:
    assert importing.called(source) == name
