"""A preview's map is fitted to the autoencoder's own answers."""

from __future__ import annotations

import numpy as np
import pytest

from impasto.engine.adding import finish
from impasto.engine.previews import fit, preview_of
from impasto.engine.vae import Vae

MIX = np.array([[0.9, -0.3, 0.2], [0.1, 0.8, -0.5], [-0.4, 0.2, 0.7], [0.3, 0.3, 0.3]])


class Linear:
    """Encodes means of 4 x 4 pixels of -1 to 1 by MIX."""

    def run(self, inputs):
        picture = inputs["picture"]
        side = picture.shape[-1] // 4
        means = picture.reshape(1, 3, side, 4, side, 4).mean(axis=(3, 5))
        return {"latents": np.einsum("lc,bchw->blhw", MIX, means)}


def test_a_map_that_is_linear_is_found_exactly() -> None:
    vae = Vae(encoder=Linear(), decoder=Linear(), scale=0.18, shift=0.06)
    matrix, bias = fit(vae, 4)
    colours = np.random.default_rng(1).random((3, 1, 1)).astype(np.float32)
    latents = vae.encode_rgb(np.broadcast_to(colours, (3, 4, 4)))[:, 0, 0]
    np.testing.assert_allclose(latents @ matrix + bias, [*colours.ravel(), 1.0], atol=1e-5)


def test_of_a_net_it_is_a_cards_table_and_opaque(sd) -> None:
    told = preview_of(sd.model.folder / "vae")
    assert (np.shape(told["matrix"]), np.shape(told["bias"])) == ((4, 4), (4,))
    assert [row[3] for row in told["matrix"]] == [0.0] * 4
    assert told["bias"][3] == 1.0
    assert told == preview_of(sd.model.folder / "vae"), "the same each time"


def test_a_model_added_with_one_shows_its_previews(tmp_path, sd, monkeypatch) -> None:
    pytest.importorskip("diffusers")
    from impasto.core import Progress
    from impasto.engine.engine import open_engine
    from impasto.models import importing

    (tmp_path / "source").symlink_to(sd.source)
    (tmp_path / "models").mkdir()
    model = importing.add(tmp_path / "source", tmp_path / "models", "seen", finish=finish)
    assert model.card.preview is not None
    engine = open_engine(model, threads=1)
    events = []
    monkeypatch.setattr(sd, "engine", engine)
    monkeypatch.setattr(engine, "draw", lambda asked, draw=engine.draw: events.extend(draw(asked)) or events)
    sd.ours(monkeypatch, sampler="euler")
    shown = [event.preview for event in events if isinstance(event, Progress)]
    assert [(one.shape, one.dtype) for one in shown] == [((16, 16, 4), np.uint8)] * 5
