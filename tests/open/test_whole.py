"""The whole road with an open checkpoint: added, drawn with, saved, and drawn again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import impasto
from impasto import local, settings
from impasto.core import Invalid, Progress

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _folders(tmp_path, monkeypatch) -> Iterator[None]:
    monkeypatch.setenv("IMPASTO_DATA_FOLDER", str(tmp_path / "data"))
    monkeypatch.setenv("IMPASTO_THREADS", "1")
    settings.settings.cache_clear()
    local._engine.cache_clear()
    yield
    settings.settings.cache_clear()
    local._engine.cache_clear()


def test_a_checkpoint_is_added_drawn_with_and_drawn_again(sd, tmp_path) -> None:
    from impasto.pictures.metadata import read

    model = local.add_model(sd.source, "tiny-sd")
    assert model.folder == tmp_path / "data" / "models" / "tiny-sd"
    assert local.registry().names() == sorted({"tiny-sd", *local.registry().names()})
    seen: list[Progress] = []
    drawn = impasto.draw("a (red:1.2) fox", model="tiny-sd", seed=7, steps=3, count=2, on_progress=seen.append)
    assert [picture.pixels.shape for picture in drawn] == [(32, 32, 4)] * 2
    assert (drawn[0].pixels[..., 3] == 255).all()
    assert (drawn[0].pixels != drawn[1].pixels).any()
    assert {(one.steps, one.preview.shape) for one in seen} == {(3, (16, 16, 4))}
    path = drawn[0].save(tmp_path / "fox.png")
    assert read(path).document["model"]["sha256"] == model.ref.sha256
    (again,) = impasto.draw("a (red:1.2) fox", model="tiny-sd", seed=7, steps=3, size_px=(32, 32))
    np.testing.assert_array_equal(again.pixels, drawn[0].pixels)
    wide = impasto.draw("a fox", model="tiny-sd", seed=1, steps=1, size_px=(64, 16), negative="ink", init=path)
    assert wide[0].pixels.shape == (16, 64, 4)
    with pytest.raises(Invalid, match="style: tiny-sd has no styles"):
        impasto.draw("a fox", model="tiny-sd", style="flat")
