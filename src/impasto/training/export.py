"""Trained runs -> a model folder: for each net one fp16 safetensors file, and an ONNX graph that reads its tensors
from inside that same file.

ONNX lets an initializer name a file, an offset and a length; safetensors is a header and then tensors at known
offsets. So the graph keeps no weights of its own: each float tensor is declared fp16 at its place in the safetensors
file, followed by a Cast to fp32. torch and ONNX Runtime read the same bytes.
"""

from __future__ import annotations

import json
import struct
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper
from torch import Tensor, nn

from impasto.models.registry import CARD, sha256

if TYPE_CHECKING:
    from pathlib import Path

    from impasto.models.nets.denoiser import Mini


class WordsNet(nn.Module):
    """Mini's half that runs once a picture: words and plan."""

    def __init__(self, mini: Mini) -> None:
        super().__init__()
        self.words, self.planner = mini.words, mini.planner

    def forward(self, tokens: Tensor, weights: Tensor, style: Tensor) -> tuple[Tensor, Tensor]:
        return self.planner(*self.words(tokens, weights), style)


def export_net(net: nn.Module, inputs: dict[str, Tensor], outputs: list[str], folder: Path, name: str) -> None:
    """Write `<name>.safetensors`, fp16, and `<name>.onnx`, whose weights lie in it.

    `inputs` are examples by name, of two rows or more; every input and output is batched along its first axis.
    """
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    model = _graph(net.eval(), inputs, outputs)
    halves = {key: np.ascontiguousarray(value.half().numpy()) for key, value in net.state_dict().items()}
    save_file(halves, folder / f"{name}.safetensors", metadata={"format": "pt", "net": name})
    (folder / f"{name}.safetensors").chmod(0o644)  # safetensors makes it for its owner alone
    _point_at(model, folder / f"{name}.safetensors")
    onnx.save(model, folder / f"{name}.onnx")
    onnx.checker.check_model(str(folder / f"{name}.onnx"))


def _graph(net: nn.Module, inputs: dict[str, Tensor], outputs: list[str]) -> onnx.ModelProto:
    batch = torch.export.Dim("batch", min=1, max=4096)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own insides
        program = torch.onnx.export(
            net,
            kwargs=inputs,
            input_names=list(inputs),
            output_names=outputs,
            dynamic_shapes={key: {0: batch} for key in inputs},
            dynamo=True,
            optimize=False,  # folding would store a transposed copy under another name
            external_data=False,
            verbose=False,
        )
    return program.model_proto


def _point_at(model: onnx.ModelProto, path: Path) -> None:
    """Replace each weight by fp16 external data inside the safetensors file, and a Cast to fp32."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    casts, graph = [], model.graph
    for tensor in graph.initializer:
        if tensor.name not in header:
            continue  # a constant of the graph, no weight
        name, (begin, end) = tensor.name, header[tensor.name]["data_offsets"]
        tensor.ClearField("raw_data")
        tensor.ClearField("float_data")
        tensor.name, tensor.data_type, tensor.data_location = f"{name}.half", TensorProto.FLOAT16, TensorProto.EXTERNAL
        del tensor.external_data[:]
        for key, value in (("location", path.name), ("offset", 8 + length + begin), ("length", end - begin)):
            tensor.external_data.add(key=key, value=str(value))
        casts.append(helper.make_node("Cast", [tensor.name], [name], to=TensorProto.FLOAT))
    for node in graph.node:
        del node.metadata_props[:]
        node.ClearField("doc_string")
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    kept = [value for value in graph.value_info if value.name not in header]
    del graph.value_info[:]
    graph.value_info.extend(kept)


def write_card(folder: Path, card: dict[str, Any]) -> None:
    """Write `card.toml`, whole or not at all, with the sha256 of every other file in the folder."""
    import tomli_w

    files = {p.name: sha256(p) for p in sorted(folder.iterdir()) if p.is_file() and p.name != CARD}
    part = folder / f".{CARD}.part"
    part.write_text(tomli_w.dumps({**card, "files": files}), encoding="utf-8")
    part.replace(folder / CARD)
