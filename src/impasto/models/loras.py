"""The LoRAs that are installed: a safetensors file each, beside a card that names its sha256 and what it is for."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from impasto.core import Clash, Damaged, Invalid, Unknown
from impasto.models.importing import WEIGHTS, check_file, check_new, link
from impasto.models.registry import sha256

if TYPE_CHECKING:
    from pathlib import Path

MOST_HEADER_BYTES = 100 * 2**20
MARKS = (".lora_down.", ".lora_up.", ".lora_A.", ".lora_B.", ".lora.down.", ".lora.up.", "_lora.")
"""what only the names of a LoRA's tensors have, as kohya-ss, PEFT and diffusers write them"""
ENTRIES = ("lora_down.", "lora_A.", "lora.down.")
"""the half of it whose second axis is as wide as what the layer is told"""
OTHERS = (".hada_w1_a", ".lokr_w1", ".oft_blocks", ".dora_scale")
"""and those of its relatives"""
WIDE = 2048
"""of the words that SDXL's net is told; those of SD 1.x and 2.x have 768 and 1024"""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledLora:
    """A LoRA and what its card says."""

    name: str
    family: str
    """of the models it is for"""
    licence: str
    sha256: str
    path: Path


class Loras:
    """A folder of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def all(self) -> list[InstalledLora]:
        """Sorted by name. Raises Damaged for a card that cannot be read."""
        return [self._read(card) for card in sorted(self._folder.glob("*.toml"))]

    def find(self, name: str) -> Path:
        """Where one lies, its bytes checked. Raises Unknown with near names, Damaged."""
        known = {lora.name: lora for lora in self.all()}
        if name not in known:
            raise Unknown("words", f"<lora:{name}>", [f"<lora:{each}>" for each in known])
        return self.check(known[name])

    def check(self, lora: InstalledLora) -> Path:
        """Raises Damaged for a file that is not what its card says."""
        if not lora.path.is_file():
            raise Damaged(f"{lora.path}: missing, its card expects sha256 {lora.sha256}")
        if (found := sha256(lora.path)) != lora.sha256:
            raise Damaged(f"{lora.path}: damaged, expected sha256 {lora.sha256}, found {found}")
        return lora.path

    def add(self, source: Path, name: str, *, licence: str = "unknown") -> InstalledLora:
        """Brings a file into the folder. Raises Invalid for what is no LoRA that can be worn, Clash, Damaged."""
        import tomli_w

        check_file(source)
        family = family_of(source)
        target = check_new(self._folder, name).with_name(f"{name}{WEIGHTS}")
        if target.exists():
            raise Clash("name", f"{target} is there already")
        link(source, target)
        card = {"name": name, "family": family, "licence": licence, "sha256": sha256(target)}
        target.with_suffix(".toml").write_text(tomli_w.dumps(card), "utf-8")
        return InstalledLora(**card, path=target)

    def _read(self, card: Path) -> InstalledLora:
        try:
            return InstalledLora(**tomllib.loads(card.read_text("utf-8")), path=card.with_suffix(WEIGHTS))
        except (OSError, ValueError, TypeError) as error:
            raise Damaged(f"{card}: cannot be read: {error}") from None


def is_lora(path: Path) -> bool:
    """Whether a safetensors file holds changes of weights rather than weights. Raises Damaged."""
    return any(mark in name for name in tensors_of(path) for mark in (*MARKS, *OTHERS))


def family_of(path: Path) -> str:
    """The family of models that a LoRA is for, by the names and shapes of its tensors. Raises Invalid, Damaged."""
    shapes = tensors_of(path)
    if not any(mark in name for name in shapes for mark in MARKS):
        kind = next((mark for name in shapes for mark in OTHERS if mark in name), None)
        raise Invalid("source", f"{path} is no LoRA" + (f": {kind} is not read here" if kind else ""))
    if any("single_transformer_blocks" in name or "double_blocks" in name for name in shapes):
        return "flux"
    if any("transformer_blocks" in name and "unet" not in name for name in shapes) or any(
        "joint_blocks" in name for name in shapes
    ):
        return "sd3"
    told = {name: shape for name, shape in shapes.items() if "attn2" in name and "to_k" in name}
    widths = {shape[1] for name, shape in told.items() if any(mark in name for mark in ENTRIES)}
    if "lora_te2_" in " ".join(shapes) or WIDE in widths:
        return "sdxl"
    if any("unet" in name or "lora_te_" in name or "text_encoder." in name for name in shapes):
        return "sd"
    raise Invalid("source", f"{path} is a LoRA for no family that is known here")


def tensors_of(path: Path) -> dict[str, list[int]]:
    """Names -> shapes, from the header alone (safetensors' format). Raises Damaged."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > MOST_HEADER_BYTES:
                raise ValueError(f"its header would have {length} bytes")
            told: dict[str, Any] = json.loads(file.read(length))
        return {name: list(about["shape"]) for name, about in told.items() if name != "__metadata__"}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Damaged(f"{path}: is no safetensors file: {error}") from None
