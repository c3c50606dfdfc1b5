from __future__ import annotations

import shutil

import pytest

from impasto.core import Damaged, Invalid, UnknownModel
from impasto.models.cards import identity
from impasto.models.registry import Registry, installed, load, sha256, shipped


@pytest.fixture
def registry(tiny_model) -> Registry:
    return Registry([tiny_model.parent / "nowhere", tiny_model.parent])


def test_finds_what_is_installed(registry, tiny_model) -> None:
    (tiny_model.parent / "not_a_model").mkdir()
    assert registry.names() == ["tiny"]
    model = registry.find("tiny")
    assert model.folder == tiny_model
    assert model.ref.sha256 == identity((tiny_model / "card.toml").read_text())
    assert (model.ref.name, model.ref.version) == ("tiny", "1")


@pytest.mark.parametrize("name", ["tinny", "", ".", "..", "../models/tiny", "tiny/", "tiny/../tiny"])
def test_a_model_that_is_not_installed_is_unknown(registry, name) -> None:
    with pytest.raises(UnknownModel, match="model: there is no"):
        registry.find(name)


def test_near_names_are_suggested(registry) -> None:
    with pytest.raises(UnknownModel, match="did you mean tiny"):
        registry.find("tinny")


def test_the_earlier_folder_wins(tiny_model, tmp_path) -> None:
    mine = tmp_path / "mine" / "tiny"
    shutil.copytree(tiny_model, mine)
    card = mine / "card.toml"
    card.write_text(card.read_text().replace('version = "1"', 'version = "2"'))
    assert Registry([mine.parent, tiny_model.parent]).find("tiny").ref.version == "2"
    assert Registry([tiny_model.parent, mine.parent]).find("tiny").ref.version == "1"


def test_check_reads_every_file(registry, tiny_model) -> None:
    assert registry.check("tiny").ref.name == "tiny"
    (tiny_model / "decoder.onnx").write_bytes(b"")
    with pytest.raises(Damaged, match=r"decoder\.onnx: damaged, expected sha256 [0-9a-f]{64}, found e3b0c442"):
        registry.check("tiny")
    (tiny_model / "decoder.onnx").unlink()
    with pytest.raises(Damaged, match=r"decoder\.onnx: missing"):
        registry.check("tiny")


def test_a_file_the_card_does_not_name_is_not_used(registry, tiny_model) -> None:
    (tiny_model / "extra.onnx").write_bytes(b"x")
    with pytest.raises(Damaged, match=r"names no file 'extra\.onnx'"):
        registry.find("tiny").file("extra.onnx")


def test_a_folder_is_named_as_its_model(tiny_model) -> None:
    renamed = tiny_model.rename(tiny_model.parent / "other")
    with pytest.raises(Invalid, match=r"model\.name: is 'tiny' in a folder called 'other'"):
        load(renamed)


def test_a_folder_without_a_card_cannot_be_loaded(tmp_path) -> None:
    with pytest.raises(Damaged, match=r"card\.toml: cannot be read"):
        load(tmp_path)


def test_a_card_that_is_no_text_is_refused(tiny_model) -> None:
    (tiny_model / "card.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Invalid, match="is not UTF-8"):
        load(tiny_model)


def test_a_persons_own_models_stand_beside_those_shipped(tiny_model) -> None:
    assert "tiny" in installed(tiny_model.parent).names()
    assert "tiny" not in installed().names()
    assert shipped().name == "weights"


def test_a_folder_is_opened_only_if_every_file_in_it_is_named_and_whole(tiny_model) -> None:
    part = tiny_model / "net"
    part.mkdir()
    (part / "config.json").write_text("{}")
    with pytest.raises(Damaged, match="names no file in 'net'"):
        load(tiny_model).part("net")
    card = tiny_model / "card.toml"
    card.write_text(f'{card.read_text()}\n"net/config.json" = "{sha256(part / "config.json")}"\n')
    assert load(tiny_model).part("net") == part
    (part / "extra.bin").write_text("x")
    with pytest.raises(Damaged, match=r"extra\.bin: is not named by the card of tiny"):
        load(tiny_model).part("net")
    (part / "extra.bin").unlink()
    (part / "config.json").write_text("{ }")
    with pytest.raises(Damaged, match=r"config\.json: damaged"):
        load(tiny_model).part("net")
