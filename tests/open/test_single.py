"""A file in the layout of Stable Diffusion 1's makers is taken apart and draws as it did in one piece."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import pytest

from impasto.core import Damaged, Invalid
from impasto.models import importing

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")

from impasto.engine.clip import tokenizer_of, write_vocabulary  # noqa: E402
from impasto.engine.runtimes.torch_single import LAYOUTS, take_apart  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
UNET = {
    "conv_in": "input_blocks.0.0",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "down_blocks.0.resnets.0": "input_blocks.1.0",
    "down_blocks.0.downsamplers.0.conv": "input_blocks.2.0.op",
    "down_blocks.1.resnets.0": "input_blocks.3.0",
    "down_blocks.1.attentions.0": "input_blocks.3.1",
    "mid_block.resnets.0": "middle_block.0",
    "mid_block.attentions.0": "middle_block.1",
    "mid_block.resnets.1": "middle_block.2",
    "up_blocks.0.resnets.0": "output_blocks.0.0",
    "up_blocks.0.attentions.0": "output_blocks.0.1",
    "up_blocks.0.resnets.1": "output_blocks.1.0",
    "up_blocks.0.attentions.1": "output_blocks.1.1",
    "up_blocks.0.upsamplers.0.conv": "output_blocks.1.2.conv",
    "up_blocks.1.resnets.0": "output_blocks.2.0",
    "up_blocks.1.resnets.1": "output_blocks.3.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}
PHOTO_OF_A_CAT = [320, 1125, 539, 320, 2368]
"""what CLIP's tokenizer makes of "a photo of a cat\""""


def original(pipeline) -> dict:
    """The tensors of a pipeline by the names that the makers of Stable Diffusion gave them."""
    return {
        **{f"model.diffusion_model.{of_unet(name)}": value for name, value in pipeline.unet.state_dict().items()},
        **dict(of_vae(name, value) for name, value in pipeline.vae.state_dict().items()),
        **{
            f"cond_stage_model.transformer.text_model.{name.removeprefix('text_model.')}": value
            for name, value in pipeline.text_encoder.state_dict().items()
        },
    }


def of_unet(name: str) -> str:
    ours = max((known for known in UNET if name.startswith(f"{known}.")), key=len)
    rest = name.removeprefix(f"{ours}.")
    if "resnets" in ours:
        layer, kind = rest.rsplit(".", 1)
        rest = f"{RESNET[layer]}.{kind}"
    return f"{UNET[ours]}.{rest}"


def of_vae(name: str, value):
    name = re.sub(r"down_blocks\.(\d)\.resnets\.(\d)", r"down.\1.block.\2", name)
    name = re.sub(r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample", name)
    name = re.sub(r"up_blocks\.(\d)\.resnets\.(\d)", lambda m: f"up.{1 - int(m[1])}.block.{m[2]}", name)
    name = re.sub(r"up_blocks\.(\d)\.upsamplers\.0", lambda m: f"up.{1 - int(m[1])}.upsample", name)
    name = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", name)
    name = name.replace("conv_shortcut", "nin_shortcut").replace("conv_norm_out", "norm_out")
    if "mid_block.attentions.0." in name:
        before, after = name.split("mid_block.attentions.0.")
        layer, kind = after.rsplit(".", 1)
        name = f"{before}mid.attn_1.{ATTENTION[layer]}.{kind}"
        value = value[..., None, None] if kind == "weight" and layer != "group_norm" else value
    return f"first_stage_model.{name}", value


needs_vocabulary = pytest.mark.skipif(
    find_spec("open_clip") is None, reason="open-clip-torch carries CLIP's vocabulary, and brings a torchvision"
)


@pytest.fixture
def pipeline(pipelines):
    return pipelines["sd"](words={"vocab_size": 49408, "eos_token_id": 2})


@pytest.fixture
def file(pipeline, tmp_path) -> Path:
    from safetensors.torch import save_file

    tensors = {name: value.contiguous().clone() for name, value in original(pipeline).items()}
    save_file(tensors, tmp_path / "Tiny Model.safetensors")
    return tmp_path / "Tiny Model.safetensors"


@pytest.fixture
def configs(pipeline, tmp_path) -> Path:
    """In the place of the shipped ones, which are of nets too large for a test."""
    pipeline.save_pretrained(tmp_path / "configs" / "sd1")
    for path in (tmp_path / "configs").rglob("*.safetensors"):
        path.unlink()
    return tmp_path / "configs"


@needs_vocabulary
def test_a_file_draws_as_the_pipeline_it_was_made_of(
    pipeline, file, configs, pair, same, monkeypatch, tmp_path
) -> None:
    from transformers import CLIPTokenizer

    folder = take_apart(file, tmp_path / "apart", configs=configs)
    pipeline.tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer", model_max_length=77)
    both = pair(pipeline, folder)
    assert both.model.card.model.family == "sd"
    same(both.ours(monkeypatch, sampler="euler"), both.theirs())


@needs_vocabulary
def test_the_precision_of_the_file_is_kept(file, configs, tmp_path) -> None:
    from safetensors.torch import load_file, save_file

    save_file({name: value.half() for name, value in load_file(file).items()}, file)
    folder = take_apart(file, tmp_path / "apart", configs=configs)
    for part in ("unet", "vae", "text_encoder"):
        (path,) = (folder / part).glob("*.safetensors")
        assert {value.dtype for value in load_file(path).values()} == {torch.float16}


@needs_vocabulary
def test_what_a_file_lacks_is_lent_by_another_model(file, configs, tmp_path) -> None:
    from safetensors.torch import load_file, save_file

    whole = take_apart(file, tmp_path / "whole", configs=configs)
    (tmp_path / "models").mkdir()
    model = importing.add(whole, tmp_path / "models", "whole")
    save_file({name: v for name, v in load_file(file).items() if not name.startswith("cond_stage")}, file)
    with pytest.raises(Invalid, match="like: must name an installed model that has a text_encoder"):
        take_apart(file, tmp_path / "lacking", configs=configs)
    lent = take_apart(file, tmp_path / "lent", configs=configs, like=model)
    assert (lent / "text_encoder" / "model.safetensors").samefile(model.folder / "text_encoder" / "model.safetensors")


def test_a_tensor_that_is_missing_is_named(file, configs, tmp_path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(file)
    del tensors["model.diffusion_model.middle_block.0.in_layers.2.weight"]
    save_file(tensors, file)
    with pytest.raises(Damaged, match="its unet"):
        take_apart(file, tmp_path / "apart", configs=configs)


def test_a_file_of_something_else_is_refused(tmp_path, configs) -> None:
    from safetensors.torch import save_file

    save_file({"weight": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(Invalid, match=r"is in no layout known here: flux-dev, .*, sd1,"):
        take_apart(tmp_path / "other.safetensors", tmp_path / "apart", configs=configs)
    (tmp_path / "broken.safetensors").write_bytes(b"no tensors")
    with pytest.raises(Damaged, match="cannot be read as safetensors"):
        take_apart(tmp_path / "broken.safetensors", tmp_path / "apart", configs=configs)


@needs_vocabulary
@pytest.mark.parametrize("fill", [None, "!"])
def test_the_vocabulary_that_is_written_is_clips_own(tmp_path, fill) -> None:
    write_vocabulary(tmp_path / "tokenizer", fill=fill)
    tokenizer, marks = tokenizer_of(tmp_path / "tokenizer")
    assert marks == (49406, 49407, 0 if fill else 49407)
    assert tokenizer.encode("A photo of a CAT").ids == PHOTO_OF_A_CAT
    assert len(set(tokenizer.get_vocab().values())) == 49408


SIZES = {
    "sd1": {"unet": 859_520_964, "vae": 83_653_863, "text_encoder": 123_060_480},
    "sd2": {"unet": 865_910_724, "text_encoder": 340_387_840},
    "sdxl": {"unet": 2_567_463_684, "text_encoder_2": 694_659_840},
    "sd3": {"transformer": 2_028_328_000},
    "sd35-large": {"transformer": 8_056_627_520},
    "flux-dev": {"transformer": 11_901_408_320},
}
"""parameters of the published nets"""


@pytest.mark.parametrize("kind", SIZES)
def test_the_shipped_configurations_are_of_the_published_nets(kind) -> None:
    import transformers
    from accelerate import init_empty_weights

    for part, size in SIZES[kind].items():
        folder = importing.CONFIGS / kind / part
        told = json.loads((folder / "config.json").read_text())
        with init_empty_weights():
            if "architectures" in told:
                reader = getattr(transformers, told["architectures"][0])
                net = reader(reader.config_class.from_pretrained(folder))
            else:
                net = getattr(diffusers, told["_class_name"]).from_config(told)
        assert sum(value.numel() for value in net.parameters()) == size


@pytest.mark.parametrize("kind", sorted({name for name, _ in LAYOUTS.values()}))
def test_every_shipped_configuration_makes_a_card(kind, tmp_path) -> None:
    from impasto.models.describing import kind_of

    folder = importing.CONFIGS / kind
    pipeline = importing.read_json(folder / "model_index.json")
    found = kind_of(pipeline["_class_name"])
    configs = {path.parent.name: importing.read_json(path) for path in folder.glob("*/config.json")}
    scheduler = importing.read_json(folder / "scheduler" / "scheduler_config.json")
    tables = found.tables({**configs, "pipeline": pipeline, "scheduler": scheduler})
    side = {"sd1": 512, "sd1-inpainting": 512, "sd2": 768, "sd2-inpainting": 512}.get(kind, 1024)
    assert tables["picture"]["sizes"][0] == (side, side)
    assert np.prod(tables["picture"]["latent_shape"]) == (16 if kind[:3] in {"sd3", "flu"} else 4) * (side // 8) ** 2
