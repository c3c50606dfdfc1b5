"""A data set of twelve coloured shapes in three styles, and recipes small enough to train in a second."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

pytest.importorskip("torch")
pytest.importorskip("pyarrow")

from typing import TYPE_CHECKING

from impasto.data.records import Concept, Name, Record, write_table
from impasto.data.shards import shard_name, write_shard

if TYPE_CHECKING:
    from pathlib import Path

STYLES = ("flat", "soft", "line")
COLOURS = {"cat": "orange", "dog": "brown", "sun": "yellow", "sea": "blue"}


def png(colour: str, style: str) -> bytes:
    image = Image.new("RGBA", (256, 256))
    draw = ImageDraw.Draw(image)
    if style == "line":
        draw.rectangle((60, 60, 200, 200), outline=colour, width=20)
    else:
        draw.ellipse((40, 40, 210, 210), fill=colour, outline="black" if style == "soft" else None, width=12)
    buffer = io.BytesIO()
    image.save(buffer, "png")
    return buffer.getvalue()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "shards").mkdir(parents=True)
    records, pictures = [], []
    for style in STYLES:
        for concept, colour in COLOURS.items():
            split = "held_out" if (style, concept) == ("line", "sun") else "train"
            drawn = png(colour, style)
            records.append(record(concept, style, split, hashlib.sha256(drawn).hexdigest()))
            pictures.append((records[-1].id, drawn))
    write_shard(folder / "shards" / shard_name(0), pictures)
    write_table(folder / "records.parquet", records)
    names = [
        Concept(concept=c, emoji=None, name=c, names=(Name(lang="xx", name=f"{c}xx", keywords=(f"{c}kw",)),))
        for c in COLOURS
    ]
    write_table(folder / "concepts.parquet", names)
    write_table(folder / "dropped.parquet", [])
    (folder / "ATTRIBUTION.md").write_text("made in a test\n")
    return folder


def record(concept: str, style: str, split: str, sha256: str = "") -> Record:
    return Record(
        id=f"{style}/{concept}",
        concept=concept,
        style=style,
        package="made",
        package_version="1",
        author="a test",
        licence="CC0-1.0",
        licence_url="",
        sha256=sha256,
        name=concept,
        captions=(concept, f"{concept}: thing"),
        emoji=None,
        group=None,
        split=split,
        shard=0,
    )


RUN = """
[run]
stage = "{stage}"
out = "{out}"
data = "{data}"
seed = 5
pictures = {pictures}
batch = 4
threads = 1
precision = "fp32"
sheet_every = 1000
log_every = 1
"""


@pytest.fixture
def autoencoder_recipe(tmp_path: Path, data: Path) -> Path:
    path = tmp_path / "autoencoder.toml"
    path.write_text(
        RUN.format(stage="autoencoder", out=tmp_path / "ae", data=data, pictures=24)
        + "[optim]\nwarmup = 4\nema = [0.5]\n"
        + "[net]\nchannels = 4\nfine_width = 16\ncoarse_width = 16\nencoder_depth = [1, 1]\ndecoder_depth = [1, 1]\n"
        + "[stage]\ncrop_px = 64\n"
    )
    return path


@pytest.fixture
def tokenizer(tmp_path: Path) -> Path:
    from impasto.training.tokens import train_tokenizer

    path = tmp_path / "tokenizer.json"
    train_tokenizer(["cat", "dog", "sun", "sea", "thing"] * 3, vocabulary=300, out=path)
    return path


CARD = """
[model]
name = "m"
version = "1"
family = "mini"
licence = "CC0-1.0"
description = "shapes"
[picture]
sizes = [[256, 256]]
latent_shape = [4, 16, 16]
[defaults]
style = "flat"
steps = 2
guidance = 1.5
sampler = "euler"
sigmas = "flow"
[sigmas]
min = 0.02
max = 80.0
[words]
max_tokens = 8
[styles.flat]
[styles.soft]
[styles.line]
title = "Lines"
"""


@pytest.fixture
def denoiser_recipe(tmp_path: Path, data: Path, autoencoder_recipe: Path, tokenizer: Path) -> Path:
    (tmp_path / "half.toml").write_text(CARD)
    path = tmp_path / "denoiser.toml"
    path.write_text(
        RUN.format(stage="denoiser", out=tmp_path / "mini", data=data, pictures=24)
        + "[optim]\nwarmup = 4\nmuon_rate = 1e-3\nema = [0.5, 0.9]\n"
        + "[net]\nchannels = 4\nwidth = 64\ncoarse_width = 64\ncoarse_depth = 1\nfine_depth = 1\npaint_depth = 1\n"
        + "[net.words]\nvocabulary = 300\nwidth = 64\ndepth = 1\nmax_tokens = 8\n"
        + f'[stage]\nautoencoder = "{autoencoder_recipe}"\ntokenizer = "{tokenizer}"\ncard = "{tmp_path}/half.toml"\n'
        + "[stage.styles]\nflat = 1\nsoft = 2\nline = 1\n"
    )
    return path


def vary(net, seed: int = 0) -> None:
    """Fresh nets begin as nearly nothing (zero exits); give every weight something to say."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))


def same(a: dict, b: dict, tolerance: float = 1e-6) -> bool:
    return a.keys() == b.keys() and all(np.allclose(a[k].numpy(), b[k].numpy(), atol=tolerance) for k in a)


@pytest.fixture
def distil_recipe(tmp_path: Path, data: Path, denoiser_recipe: Path) -> Path:
    path = tmp_path / "distil.toml"
    path.write_text(
        RUN.format(stage="distil", out=tmp_path / "few", data=data, pictures=24)
        + "[optim]\nwarmup = 4\nmuon_rate = 1e-3\nema = [0.5]\n"
        + f'[stage]\npainter = "{denoiser_recipe}"\nsubsteps = 2\nsteps = 3\nalso = [2]\n'
    )
    return path


@pytest.fixture
def polish_recipe(tmp_path: Path, data: Path, denoiser_recipe: Path) -> Path:
    path = tmp_path / "polish.toml"
    path.write_text(
        RUN.format(stage="polish", out=tmp_path / "crisp", data=data, pictures=24)
        + f'[optim]\nwarmup = 4\nema = [0.5]\n[stage]\npainter = "{denoiser_recipe}"\n'
    )
    return path
