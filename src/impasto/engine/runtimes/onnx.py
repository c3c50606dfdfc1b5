"""Nets run by ONNX Runtime on the processor."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from impasto.core import Damaged

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy import ndarray


class OnnxNet:
    """One ONNX graph, whose tensors may lie in a file beside it. Implements ports.Runtime; threads may share it.

    Raises Damaged for a file that is no graph ONNX Runtime can run.
    """

    def __init__(self, path: Path, *, threads: int, often: bool) -> None:
        """`often`: whether the net is run many times a picture, so that work on its graph while opening pays."""
        import onnxruntime
        from onnxruntime import GraphOptimizationLevel as Level

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Threads that spin while they wait cost a busy machine half its speed and an idle one win little.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Folding constants and packing weights: Mini's denoiser opens in 38 ms instead of 15 and takes 3.5 ms a row
        # instead of 6.2; its words net opens in 136 ms instead of 33 to save 9 ms, once a picture.
        options.graph_optimization_level = Level.ORT_ENABLE_BASIC if often else Level.ORT_DISABLE_ALL
        # Planning memory ahead doubles the second run's time and costs the words net 50 MB; later runs gain nothing.
        options.enable_mem_pattern = False
        options.log_severity_level = 4  # what goes wrong is raised
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its errors have no other common ancestor
            raise Damaged(f"{path}: ONNX Runtime cannot open it: {str(error).splitlines()[0]}") from error
        self.inputs = tuple(value.name for value in self._session.get_inputs())
        self.outputs = tuple(value.name for value in self._session.get_outputs())

    def run(self, inputs: Mapping[str, ndarray]) -> dict[str, ndarray]:
        """Arrays by name, batch first -> the outputs by name."""
        return dict(zip(self.outputs, self._session.run(self.outputs, dict(inputs)), strict=True))


def cores() -> int:
    """How many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
