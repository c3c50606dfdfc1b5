"""A run that is stopped at any moment ends where an unbroken one ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
import torch
from tests.training.conftest import same

from impasto.core import Damaged, ImpastoError, Invalid
from impasto.training import checkpoint, publish, run
from impasto.training.autoencoder import AutoencoderStage
from impasto.training.run import train

if TYPE_CHECKING:
    from pathlib import Path


def end_of(path: Path, out: Path, **overrides: object) -> dict:
    train(path, overrides={"run.out": str(out), **overrides})
    return checkpoint.read(out)


GOES_ON_FROM = {"autoencoder": (), "denoiser": ("autoencoder",), "distil": ("autoencoder", "denoiser")}
GOES_ON_FROM["polish"] = GOES_ON_FROM["distil"]


@pytest.mark.parametrize("stage", GOES_ON_FROM)
def test_a_run_stopped_after_every_step_ends_as_an_unbroken_one(request, tmp_path, monkeypatch, stage):
    monkeypatch.setattr(publish, "publish", lambda *_: None)
    for before in GOES_ON_FROM[stage]:
        train(request.getfixturevalue(f"{before}_recipe"))
    path = request.getfixturevalue(f"{stage}_recipe")
    whole = end_of(path, tmp_path / "whole")
    for _ in range(whole["step"]):
        train(path, overrides={"run.out": str(tmp_path / "broken")}, stop_after_s=0)
    broken = checkpoint.read(tmp_path / "broken")
    assert broken["step"] == whole["step"] == 6
    assert same(broken["net"], whole["net"])
    assert all(same(a, b) for a, b in zip(broken["averages"], whole["averages"], strict=True))


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_end(tmp_path, autoencoder_recipe):
    whole = end_of(autoencoder_recipe, tmp_path / "whole", **{"run.pictures": 200})
    out = tmp_path / "killed"
    code = (
        "from pathlib import Path; from impasto.training.run import train; "
        f"train(Path({str(autoencoder_recipe)!r}), overrides={{'run.out': {str(out)!r}, 'run.pictures': 200, "
        "'run.checkpoint_every_s': 0.0})"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 90
    while not (out / checkpoint.NAME).exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    state = checkpoint.read(out)
    assert 0 < state["step"] < whole["step"], "killed in the middle"
    assert same(end_of(autoencoder_recipe, out, **{"run.pictures": 200})["net"], whole["net"])


def test_a_half_written_checkpoint_is_never_the_checkpoint(tmp_path, autoencoder_recipe, monkeypatch):
    train(autoencoder_recipe, stop_after_s=0)
    before = (tmp_path / "ae" / checkpoint.NAME).read_bytes()

    def dies(state, file):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", dies)
    with pytest.raises(KeyboardInterrupt):
        train(autoencoder_recipe, stop_after_s=0)
    assert (tmp_path / "ae" / checkpoint.NAME).read_bytes() == before


def test_a_damaged_checkpoint_is_named(tmp_path, autoencoder_recipe):
    train(autoencoder_recipe, stop_after_s=0)
    path = tmp_path / "ae" / checkpoint.NAME
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(Damaged, match=r"checkpoint\.pt"):
        train(autoencoder_recipe)


def test_a_recipe_with_an_unknown_key_is_refused_by_name(autoencoder_recipe):
    with pytest.raises(Invalid, match=r"run\.picturez"):
        train(autoencoder_recipe, overrides={"run.picturez": 3})
    with pytest.raises(Invalid, match="crop"):
        train(autoencoder_recipe, overrides={"stage.crop": 3})


@pytest.mark.parametrize(
    ("key", "value"),
    [("run.seed", 6), ("run.batch", 8), ("net.channels", 8), ("optim.ema", [0.5, 0.9]), ("optim.muon_rate", 1e-3)],
)
def test_a_run_is_not_resumed_with_another_recipe_but_may_be_started_over(autoencoder_recipe, tmp_path, key, value):
    train(autoencoder_recipe, stop_after_s=0)
    with pytest.raises(Invalid, match=r"was begun with .*--fresh") as refused:
        train(autoencoder_recipe, overrides={key: value})
    assert key.startswith(refused.value.field)
    train(autoencoder_recipe, overrides={key: value}, resume=False, stop_after_s=0)
    assert checkpoint.read(tmp_path / "ae")["step"] == 1


def test_what_was_told_after_the_last_checkpoint_is_forgotten_and_told_again(autoencoder_recipe, tmp_path):
    log = tmp_path / "ae" / "log.csv"
    for _ in range(3):
        train(autoencoder_recipe, stop_after_s=0)
    before = log.read_text()
    with log.open("a") as file:
        file.write(before.splitlines()[-1].replace("12,", "16,", 1) + "\n20,0.")
    train(autoencoder_recipe, stop_after_s=0)
    assert log.read_text().startswith(before)
    assert [line.split(",")[0] for line in log.read_text().splitlines()] == ["seen", "4", "8", "12", "16"]
    train(autoencoder_recipe, resume=False, stop_after_s=0)
    assert [line.split(",")[0] for line in log.read_text().splitlines()] == ["seen", "4"]


def test_the_precision_that_was_chosen_is_kept(autoencoder_recipe, tmp_path, monkeypatch):
    overrides = {"run.precision": "auto"}
    monkeypatch.setattr(run, "_product_s", lambda dtype: 1.0 if dtype == torch.bfloat16 else 9.0)
    train(autoencoder_recipe, overrides=overrides, stop_after_s=0)
    monkeypatch.setattr(run, "_product_s", lambda dtype: 1.0)
    train(autoencoder_recipe, overrides=overrides, stop_after_s=0)
    assert checkpoint.read(tmp_path / "ae")["precision"] == {"cpu": torch.bfloat16}
    train(autoencoder_recipe, overrides={"run.precision": "fp32"}, stop_after_s=0)
    assert checkpoint.read(tmp_path / "ae")["precision"] == {"cpu": torch.float32}


def test_a_gradient_that_is_no_number_touches_no_weight(autoencoder_recipe, tmp_path, monkeypatch):
    train(autoencoder_recipe, stop_after_s=0)
    before = (tmp_path / "ae" / checkpoint.NAME).read_bytes()
    loss = AutoencoderStage.loss
    monkeypatch.setattr(AutoencoderStage, "loss", lambda self, step: {"loss": loss(self, step)["loss"] * float("nan")})
    with pytest.raises(ImpastoError, match="the gradient of step 1 is no number"):
        train(autoencoder_recipe)
    assert (tmp_path / "ae" / checkpoint.NAME).read_bytes() == before


@pytest.mark.parametrize(
    ("device", "says"), [("gpu", "did you mean cpu"), ("cuda:9", "did you mean cuda"), ("", "known: ")]
)
def test_a_device_that_is_none_is_refused(autoencoder_recipe, tmp_path, device, says):
    with pytest.raises(Invalid, match=f"^device: .*{says}"):
        train(autoencoder_recipe, device=device)
    assert not (tmp_path / "ae").exists()


def test_cuda_where_there_is_none_is_refused(autoencoder_recipe, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(Invalid, match=r"^device: there is no CUDA device"):
        train(autoencoder_recipe, device="cuda")


def test_a_net_that_is_asked_for_what_it_has_not_is_refused(autoencoder_recipe):
    with pytest.raises(Invalid, match=r"^net: got an unexpected keyword argument 'chanels'"):
        train(autoencoder_recipe, overrides={"net.chanels": 4})


def test_signals_are_given_back(autoencoder_recipe):
    before = signal.getsignal(signal.SIGTERM)
    train(autoencoder_recipe, stop_after_s=0)
    assert signal.getsignal(signal.SIGTERM) is before
