"""A model folder small enough to make in a test: Gaussian data, whose ideal denoiser is known in closed form."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from pathlib import Path

# how long an example takes says something about the machine, and what is beside it, not about the code
settings.register_profile("impasto", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("impasto")

VOCABULARY = ("[PAD]", "[UNK]", "a", "red", "blue", "fox", "cat", "house", "broken")
STYLES = ("flat", "line", "clay")
MAX_TOKENS, LATENT_SHAPE, SPREAD = 8, (4, 8, 8), 0.25
CARD = """
[model]
name = "tiny"
version = "1"
family = "mini"
licence = "Apache-2.0"
description = "One colour, read from the words; pixels around it are normal with a spread of 0.25."
[picture]
sizes = [[256, 256]]
latent_shape = [4, 8, 8]
[styles]
flat = { index = 0, title = "Flat", sample = "a red fox" }
line = { index = 1 }
clay = { index = 2 }
[defaults]
style = "flat"
steps = 4
guidance = 2.0
sampler = "euler"
sigmas = "karras"
[sigmas]
min = 0.02
max = 40.0
[words]
max_tokens = 8
[preview]
matrix = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
[results]
notes = "made in a test"
"""


@pytest.fixture
def tiny_model(_tiny: Path, tmp_path: Path) -> Path:
    """The folder `models/tiny` under tmp_path; `models` is what a Registry is given. "broken" makes its numbers NaN."""
    return shutil.copytree(_tiny, tmp_path / "models" / "tiny")


@pytest.fixture
def pipeline_folder(tmp_path: Path) -> Path:
    """`Some-Model`, as diffusers keeps Stable Diffusion 1.5, as far as names and configurations go: its weights are a
    few bytes that nothing opens."""
    folder = tmp_path / "Some-Model"
    betas = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "num_train_timesteps": 1000}
    said = {
        "model_index.json": {"_class_name": "StableDiffusionPipeline"},
        "scheduler/scheduler_config.json": {**betas, "prediction_type": "epsilon"},
        "unet/config.json": {"sample_size": 64, "in_channels": 4},
        "vae/config.json": {"latent_channels": 4, "block_out_channels": [128, 256, 512, 512]},
        "text_encoder/config.json": {},
        "tokenizer/vocab.json": {},
    }
    for name, content in said.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(content))
    (folder / "tokenizer" / "merges.txt").write_text("#version: 0.2\n")
    for part in ("unet", "vae"):
        (folder / part / "diffusion_pytorch_model.safetensors").write_bytes(part.encode())
    (folder / "text_encoder" / "model.safetensors").write_bytes(b"text_encoder")
    return folder


@pytest.fixture(scope="session")
def _tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    _tokenizer(folder)
    _words(folder)
    _denoiser(folder)
    _decoder(folder)
    _encoder(folder)
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}
    named = "".join(f'"{name}" = "{digest}"\n' for name, digest in files.items())
    (folder / "card.toml").write_text(f"{CARD}[files]\n{named}")
    return folder


def _tokenizer(folder: Path) -> None:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    ids = {word: index for index, word in enumerate(VOCABULARY)}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))


def _words(folder: Path) -> None:
    """The weighted mean of the tokens' and the style's colours, through tanh: (batch, 4, 1, 1)."""
    from onnx import TensorProto as T
    from onnx import helper as h

    random = np.random.default_rng(1)
    colours = random.standard_normal((len(VOCABULARY), 4))
    colours[VOCABULARY.index("broken")] = np.nan
    tensors = {"colours": colours, "styles": random.standard_normal((len(STYLES), 4))}
    nodes = [
        h.make_node("Gather", ["colours", "tokens"], ["each"]),
        h.make_node("Unsqueeze", ["weights", "last"], ["weights_1"]),
        h.make_node("Mul", ["each", "weights_1"], ["weighted"]),
        h.make_node("ReduceMean", ["weighted", "middle"], ["mean"], keepdims=0),
        h.make_node("Gather", ["styles", "style"], ["styled"]),
        h.make_node("Add", ["mean", "styled"], ["sum"]),
        h.make_node("Tanh", ["sum"], ["flat"]),
        h.make_node("Unsqueeze", ["flat", "ends"], ["plan"]),
    ]
    shapes = {"last": [2], "middle": [1], "ends": [2, 3]}
    inputs = [
        h.make_tensor_value_info("tokens", T.INT64, ["b", MAX_TOKENS]),
        h.make_tensor_value_info("weights", T.FLOAT, ["b", MAX_TOKENS]),
        h.make_tensor_value_info("style", T.INT64, ["b"]),
    ]
    _save(folder / "words", nodes, inputs, ("plan", ["b", 4, 1, 1]), tensors, shapes)


def _denoiser(folder: Path) -> None:
    """x_0 = m + s^2 (1 - t) (x_t - (1 - t) m) / (s^2 (1 - t)^2 + t^2), for data normal around m = plan / 4 + 1 / 2."""
    from onnx import TensorProto as T
    from onnx import helper as h

    tensors = {"variance": np.array(SPREAD**2), "half": np.array(0.5), "quarter": np.array(0.25), "one": np.array(1.0)}
    nodes = [
        h.make_node("Mul", ["plan", "quarter"], ["scaled"]),
        h.make_node("Add", ["scaled", "half"], ["m"]),
        h.make_node("Unsqueeze", ["t", "ends"], ["t4"]),
        h.make_node("Sub", ["one", "t4"], ["u"]),
        h.make_node("Mul", ["u", "m"], ["um"]),
        h.make_node("Sub", ["x", "um"], ["noise"]),
        h.make_node("Mul", ["variance", "u"], ["vu"]),
        h.make_node("Mul", ["vu", "u"], ["vuu"]),
        h.make_node("Mul", ["t4", "t4"], ["tt"]),
        h.make_node("Add", ["vuu", "tt"], ["total"]),
        h.make_node("Div", ["vu", "total"], ["share"]),
        h.make_node("Mul", ["share", "noise"], ["kept"]),
        h.make_node("Add", ["m", "kept"], ["denoised"]),
    ]
    inputs = [
        h.make_tensor_value_info("x", T.FLOAT, ["b", *LATENT_SHAPE]),
        h.make_tensor_value_info("t", T.FLOAT, ["b"]),
        h.make_tensor_value_info("plan", T.FLOAT, ["b", 4, 1, 1]),
    ]
    _save(folder / "denoiser", nodes, inputs, ("denoised", ["b", *LATENT_SHAPE]), tensors, {"ends": [1, 2, 3]})


def _decoder(folder: Path) -> None:
    """Each cell of the latents is a square of 32 pixels, its four channels premultiplied RGBA."""
    from onnx import TensorProto as T
    from onnx import helper as h

    nodes = [
        h.make_node("Unsqueeze", ["latents", "inner"], ["cells"]),
        h.make_node("Expand", ["cells", "six"], ["repeated"]),
        h.make_node("Reshape", ["repeated", "four"], ["large"]),
        h.make_node("Mul", ["large", "gain"], ["picture"]),
    ]
    shapes = {"inner": [3, 5], "six": [1, 1, 1, 32, 1, 32], "four": [-1, 4, 256, 256]}
    inputs = [h.make_tensor_value_info("latents", T.FLOAT, ["b", *LATENT_SHAPE])]
    _save(folder / "decoder", nodes, inputs, ("picture", ["b", 4, 256, 256]), {"gain": np.array(1.0)}, shapes)


def _encoder(folder: Path) -> None:
    """The decoder's way back: each cell is the mean of its square."""
    from onnx import TensorProto as T
    from onnx import helper as h

    nodes = [
        h.make_node("Reshape", ["picture", "six"], ["squares"]),
        h.make_node("ReduceMean", ["squares", "inner"], ["means"], keepdims=0),
        h.make_node("Mul", ["means", "gain"], ["latents"]),
    ]
    shapes = {"six": [-1, 4, 8, 32, 8, 32], "inner": [3, 5]}
    inputs = [h.make_tensor_value_info("picture", T.FLOAT, ["b", 4, 256, 256])]
    _save(folder / "encoder", nodes, inputs, ("latents", ["b", *LATENT_SHAPE]), {"gain": np.array(1.0)}, shapes)


def _save(
    stem: Path,
    nodes: list,
    inputs: list,
    output: tuple[str, list],
    tensors: dict[str, np.ndarray],
    shapes: dict[str, list[int]],
) -> None:
    """STEM.safetensors in fp16 and, reading its tensors from there and casting them to fp32, STEM.onnx."""
    import onnx
    from onnx import TensorProto as T
    from onnx import helper as h
    from safetensors.numpy import save

    raw = save({name: value.astype(np.float16) for name, value in tensors.items()})
    stem.with_suffix(".safetensors").write_bytes(raw)
    constants = [h.make_tensor(name, T.INT64, [len(value)], value) for name, value in shapes.items()]
    for name, (start, end), shape in _places(raw):
        tensor = onnx.TensorProto(name=f"{name}_fp16", data_type=T.FLOAT16, dims=shape, data_location=T.EXTERNAL)
        for key, value in (("location", f"{stem.name}.safetensors"), ("offset", start), ("length", end - start)):
            tensor.external_data.add(key=key, value=str(value))
        constants.append(tensor)
    casts = [h.make_node("Cast", [f"{name}_fp16"], [name], to=T.FLOAT) for name in tensors]
    outputs = [h.make_tensor_value_info(output[0], T.FLOAT, output[1])]
    graph = h.make_graph([*casts, *nodes], stem.name, inputs, outputs, constants)
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 18)], ir_version=9)
    stem.with_suffix(".onnx").write_bytes(model.SerializeToString())


def _places(raw: bytes) -> list[tuple[str, tuple[int, int], list[int]]]:
    """Name, first and last byte in the file, and shape of each tensor in a safetensors file."""
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + size])
    header.pop("__metadata__", None)
    return [
        (name, tuple(8 + size + at for at in entry["data_offsets"]), entry["shape"]) for name, entry in header.items()
    ]
