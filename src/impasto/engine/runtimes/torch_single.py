"""One safetensors file in the layout its makers trained it in, taken apart into a folder as diffusers keeps it.

The tensors are sorted and renamed by diffusers; what the file does not say is in the configurations shipped here. Parts
that it lacks, as fine-tuned files often lack the readers of words, are lent by another model.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from impasto.core import Damaged, Invalid
from impasto.engine.clip import write_vocabulary
from impasto.models.importing import CONFIGS, link, read_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from impasto.models.registry import InstalledModel

OPEN_CLIP_FILL = "!"
"""what CLIPs of OpenCLIP fill pieces with"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a pipeline: the class that opens it, and how its tensors' names begin in the file."""

    kind: str
    begins: tuple[str, ...]


UNET = Part(kind="UNet2DConditionModel", begins=("model.diffusion_model.",))
VAE = Part(kind="AutoencoderKL", begins=("first_stage_model.", "vae."))
_READER, _PROJECTED = "CLIPTextModel", "CLIPTextModelWithProjection"
_SD = {"unet": UNET, "vae": VAE, "text_encoder": Part(kind=_READER, begins=("cond_stage_model.",))}
_SDXL = {
    "unet": UNET,
    "vae": VAE,
    "text_encoder": Part(kind=_READER, begins=("conditioner.embedders.0.",)),
    "text_encoder_2": Part(kind=_PROJECTED, begins=("conditioner.embedders.1.",)),
}
_SD3 = {
    "transformer": Part(kind="SD3Transformer2DModel", begins=("model.diffusion_model.",)),
    "vae": VAE,
    "text_encoder": Part(kind=_PROJECTED, begins=("text_encoders.clip_l.",)),
    "text_encoder_2": Part(kind=_PROJECTED, begins=("text_encoders.clip_g.",)),
}
_FLUX = {
    "transformer": Part(kind="FluxTransformer2DModel", begins=("double_blocks.", "model.diffusion_model.")),
    "vae": VAE,
    "text_encoder": Part(kind=_READER, begins=("text_encoders.clip_l.",)),
}
LAYOUTS: dict[str, tuple[str, dict[str, Part]]] = {
    "v1": ("sd1", _SD),
    "inpainting": ("sd1-inpainting", _SD),
    "v2": ("sd2", _SD),
    "inpainting_v2": ("sd2-inpainting", _SD),
    "xl_base": ("sdxl", _SDXL),
    "xl_inpaint": ("sdxl-inpainting", _SDXL),
    "sd3": ("sd3", _SD3),
    "sd35_large": ("sd35-large", _SD3),
    "sd35_medium": ("sd35-medium", _SD3),
    "flux-dev": ("flux-dev", _FLUX),
    "flux-schnell": ("flux-schnell", _FLUX),
}
"""by diffusers' name for a layout: the folder of its configurations, and its parts"""


def take_apart(file: Path, into: Path, *, like: InstalledModel | None = None, configs: Path = CONFIGS) -> Path:
    """Writes the parts of a file into a new folder and returns it.

    Raises Invalid for a layout of no known family and for a part that neither the file nor `like` has, Damaged for what
    is no safetensors.
    """
    tensors = _tensors(file)
    name, parts = _layout(file, tensors)
    source = configs / name
    into.mkdir(parents=True)
    shutil.copyfile(source / "model_index.json", into / "model_index.json")
    shutil.copytree(source / "scheduler", into / "scheduler")
    for part, known in parts.items():
        if any(tensor.startswith(known.begins) for tensor in tensors):
            _convert(part, known, tensors, source, into)
    _lend(into, like, _wanted(into))
    return into


def _tensors(file: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    try:
        return load_file(file)
    except Exception as error:  # the library's own has no common ancestor with OSError
        raise Damaged(f"{file}: cannot be read as safetensors: {error}") from error


def _layout(file: Path, tensors: Mapping[str, Any]) -> tuple[str, dict[str, Part]]:
    from diffusers.loaders import single_file_utils

    infer: Any = single_file_utils.infer_diffusers_model_type
    kind = infer(tensors)
    known = kind in LAYOUTS and any(name.startswith(next(iter(LAYOUTS[kind][1].values())).begins) for name in tensors)
    if not known:  # whatever it does not know is SD 1 to diffusers
        names = ", ".join(sorted({name for name, _ in LAYOUTS.values()}))
        raise Invalid("model", f"{file} is in no layout known here: {names}")
    return LAYOUTS[kind]


def _convert(part: str, known: Part, tensors: dict[str, Any], source: Path, into: Path) -> None:
    """One part by diffusers' own loaders, kept in the precision it came in."""
    import diffusers
    import transformers
    from diffusers.loaders import single_file_utils

    reader: Any = single_file_utils.create_diffusers_clip_model_from_ldm
    mine = next(tensor for name, tensor in tensors.items() if name.startswith(known.begins))
    try:
        if known.kind in {_READER, _PROJECTED}:
            net = reader(
                getattr(transformers, known.kind),
                dict(tensors),
                subfolder=part,
                config=str(source),
                torch_dtype=mine.dtype,
                local_files_only=True,
            )
        else:
            net = getattr(diffusers, known.kind).from_single_file(
                dict(tensors), config=str(source), subfolder=part, torch_dtype=mine.dtype, local_files_only=True
            )
        left = [name for name, tensor in net.state_dict().items() if tensor.is_meta]
    except Exception as error:  # diffusers has no error of its own for this
        raise Damaged(f"its {part} cannot be taken apart: {str(error).splitlines()[0]}") from error
    if left:
        raise Damaged(f"its {part} lacks {left[0]}")
    net.save_pretrained(into / part, safe_serialization=True)


def _wanted(into: Path) -> list[str]:
    """The parts of the pipeline that the file did not bring."""
    from impasto.models.describing import kind_of

    kind = kind_of(read_json(into / "model_index.json")["_class_name"])
    return [part for part in (*kind.parts, *kind.optional) if not (into / part).is_dir()]


def _lend(into: Path, like: InstalledModel | None, wanted: list[str]) -> None:
    """Parts from another model; a tokenizer of CLIP that it does not have is written from the one everybody uses."""
    from impasto.models.describing import kind_of

    needed = kind_of(read_json(into / "model_index.json")["_class_name"]).parts
    for part in wanted:
        if like is not None and like.has(part):
            folder = like.part(part)
            for path in sorted(folder.iterdir()):
                (into / part).mkdir(exist_ok=True)
                link(path, into / part / path.name)
        elif part in _clip_tokenizers(into):
            write_vocabulary(into / part, fill=_fill(into, part))
        elif part in needed:
            raise Invalid("like", f"must name an installed model that has a {part}: the file brings none")


def _clip_tokenizers(into: Path) -> set[str]:
    """The tokenizers of those readers that are CLIPs."""
    flux = "Flux" in read_json(into / "model_index.json")["_class_name"]
    return {"tokenizer"} if flux else {"tokenizer", "tokenizer_2"}


def _fill(into: Path, tokenizer: str) -> str | None:
    """OpenCLIP's models, whose activation is not OpenAI's, fill pieces with "!"."""
    told = into / tokenizer.replace("tokenizer", "text_encoder") / "config.json"
    return OPEN_CLIP_FILL if told.is_file() and read_json(told).get("hidden_act") == "gelu" else None
