"""The words stage's texts: what it is fed, and what it starts from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from impasto.core import Damaged
from impasto.models.nets.denoiser import Mini
from impasto.training.checkpoint import first_weights
from impasto.training.export import WordsNet, export_net
from impasto.training.words import BETWEEN, COUNTS, LOOKS, phrases

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ["bee", "box", "mouse", "red fox", "Ж", "button: on", "man in a suit"]


def test_phrases_say_looks_counts_plurals_and_places_of_plain_names_alone() -> None:
    found = phrases(NAMES, seed=1)
    assert found == phrases(NAMES, seed=1) == sorted(set(found))
    assert {"mice", "boxes", "bees"} & set(found)
    assert any(text.split()[0] in LOOKS for text in found)
    assert any(text.split()[0] in COUNTS and text.endswith(("s", "mice", "foxes")) for text in found)
    assert any(f" {between} " in text for text in found for between in BETWEEN)
    assert not any("Ж" in text or ":" in text or "suit" in text for text in found)


def test_a_published_model_is_a_start_as_good_as_its_run(tmp_path: Path) -> None:
    words = {"vocabulary": 300, "width": 64, "depth": 1, "max_tokens": 8}
    mini = Mini(words=words, styles=3, channels=4, width=64, coarse_width=64, coarse_depth=1, paint_depth=1).eval()
    given = {"tokens": torch.ones(2, 8, dtype=torch.long), "weights": torch.ones(2, 8), "style": torch.zeros(2).long()}
    net = WordsNet(mini)
    export_net(net, given, ["plan", "condition"], tmp_path, "words")
    with pytest.raises(Damaged, match=r"denoiser\.safetensors is missing"):
        first_weights(tmp_path)
    plan, condition = net(**given)
    given = {"x": torch.randn(2, 4, 16, 16), "t": torch.rand(2), "plan": plan.detach(), "condition": condition.detach()}
    export_net(mini.painter, given, ["denoised"], tmp_path, "denoiser")
    started = first_weights(tmp_path)
    assert started.keys() == mini.state_dict().keys()
    for name, weight in mini.state_dict().items():
        assert torch.equal(started[name], weight.half().float()), name
