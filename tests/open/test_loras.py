"""LoRAs: worn as diffusers wears them, each picture its own, in the layouts that trainers write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from impasto.core import Clash, Damaged, Drawing, Invalid, Unknown
from impasto.engine.engine import open_engine
from impasto.engine.loras import Lora, taken
from impasto.models.loras import Loras, family_of, is_lora

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("peft")
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array_:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*adapter.*:UserWarning"),
]

if TYPE_CHECKING:
    from pathlib import Path

LAYERS = {
    "unet": ["to_k", "to_q", "to_v", "to_out.0"],
    "transformer": ["to_k", "to_q", "to_v", "to_out.0"],
    "text": ["q_proj", "k_proj", "v_proj", "out_proj"],
}


def trained(net, layers: list[str], seed: int) -> dict:
    """A LoRA of these layers that says something, as PEFT names its tensors; the net is left as it was."""
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    torch.manual_seed(seed)
    net.add_adapter(LoraConfig(r=2, lora_alpha=2, init_lora_weights="gaussian", target_modules=layers), "made")
    state = get_peft_model_state_dict(net, adapter_name="made")
    net.delete_adapters("made") if hasattr(net, "delete_adapters") else net.delete_adapter("made")
    return {name: torch.randn_like(value) * 0.2 for name, value in state.items()}


def lora_of(pipeline, folder: Path, seed: int = 3, *, kohya: bool = False) -> Path:
    """A file with a LoRA of the pipeline's net and its first reader."""
    from diffusers.utils import convert_state_dict_to_kohya
    from safetensors.torch import save_file

    part = "unet" if hasattr(pipeline, "unet") else "transformer"
    state = {f"{part}.{k}": v for k, v in trained(getattr(pipeline, part), LAYERS[part], seed).items()}
    state |= {f"text_encoder.{k}": v for k, v in trained(pipeline.text_encoder, LAYERS["text"], seed).items()}
    if kohya:
        state = {
            name.replace("lora_unet.", "lora_unet_"): value
            for name, value in convert_state_dict_to_kohya(state).items()
        }
    folder.mkdir(exist_ok=True)
    path = folder / f"{'kohya' if kohya else 'made'}-{seed}.safetensors"
    save_file({name: value.contiguous() for name, value in state.items()}, path)
    return path


@pytest.fixture
def dressed(pair, pipelines, tmp_path):
    """A pipeline of diffusers and the engine over it, and a way to give both the same LoRA."""

    def build(family: str, *given):
        both = pair(pipelines[family](*given))
        shelf = Loras(tmp_path / "loras")
        both.engine = open_engine(both.model, threads=1, loras=shelf.find)

        def add(name: str, seed: int = 3, *, kohya: bool = False) -> None:
            path = lora_of(both.pipeline, tmp_path / "files", seed, kohya=kohya)
            shelf.add(path, name)
            both.pipeline.load_lora_weights(path, adapter_name=name)

        both.add = add
        return both

    return build


@pytest.mark.parametrize("kohya", [False, True], ids=["diffusers", "kohya"])
@pytest.mark.parametrize("family", ["sd", "sdxl"])
def test_a_lora_changes_the_picture_as_it_does_in_diffusers(dressed, same, monkeypatch, family, kohya):
    both = dressed(family)
    plain = both.ours(monkeypatch, sampler="euler")
    both.add("ink", kohya=kohya)
    both.pipeline.set_adapters(["ink"], [0.7])
    worn = both.ours(monkeypatch, sampler="euler", words="a red fox <lora:ink:0.7>")
    same(worn, both.theirs())
    assert np.abs(worn.astype(int) - plain).max() > 8
    assert np.array_equal(both.ours(monkeypatch, sampler="euler"), plain), "and it is taken off again"


def test_several_are_worn_at_once_each_with_its_weight(dressed, same, monkeypatch):
    both = dressed("sd")
    both.add("ink", 3)
    both.add("wool", 4)
    both.pipeline.set_adapters(["ink", "wool"], [1.0, -0.5])
    one = both.ours(monkeypatch, sampler="euler", words="<lora:ink> a red fox <lora:wool:-0.5>")
    same(one, both.theirs())


def test_flows_wear_them_too(dressed, same, monkeypatch):
    sd3 = dressed("sd3", False)
    plain = sd3.ours(monkeypatch)
    sd3.add("ink")
    worn = sd3.ours(monkeypatch, words="a red fox <lora:ink>")
    same(worn, sd3.theirs())
    assert np.abs(worn.astype(int) - plain).max() > 8
    flux = dressed("flux", False)
    flux.add("wool", 5)
    length = flux.model.card.words.long_tokens
    worn = flux.ours(monkeypatch, sigmas="flow", guidance=1.0, words="a red fox <lora:wool>")
    same(worn, flux.theirs(max_sequence_length=length, guidance_scale=1.0))


def drawing(words: str, seed: int) -> Drawing:
    return Drawing(
        words=words, negative="", style="", width_px=32, height_px=32, steps=3, guidance=2.0, sampler="euler",
        sigmas="model", seed=seed, background="transparent",
    )  # fmt: skip


def test_pictures_drawn_together_wear_each_their_own(dressed):
    both = dressed("sd")
    both.add("ink", 3)
    both.add("wool", 4)
    wanted = ["a fox", "a fox <lora:ink:0.5>", "a fox <lora:wool>", "a fox <lora:ink:0.5><lora:wool:-1>", "ink"]
    asked = [drawing(words, seed) for seed, words in enumerate(wanted)]
    alone = [picture.pixels for each in asked for *_, picture in [both.engine.draw([each])]]
    together = {p.index: p.pixels for p in both.engine.draw(asked) if hasattr(p, "pixels")}
    for index, pixels in enumerate(alone):
        assert np.abs(together[index].astype(int) - pixels).max() <= 1
    assert not np.array_equal(alone[0], alone[1])


def test_what_is_not_there_or_not_fit_is_refused_by_name(dressed, pair, pipelines, tmp_path):
    both = dressed("sd")
    both.add("ink")
    with pytest.raises(Unknown, match="words: there is no '<lora:inc>'; did you mean <lora:ink>"):
        both.engine.check(drawing("a fox <lora:inc>", 0))
    with pytest.raises(Invalid, match="words: <lora:ink:much> must end in a weight from -5 to 5"):
        both.engine.check(drawing("a fox <lora:ink:much>", 0))
    shelf = Loras(tmp_path / "loras")
    with pytest.raises(Clash, match="name: "):
        shelf.add(lora_of(both.pipeline, tmp_path / "files"), "ink")
    pixart = pair(pipelines["pixart"]())
    with pytest.raises(Invalid, match="words: tiny takes no LoRAs"):
        pixart.engine.check(drawing("a fox <lora:ink>", 0))
    path = tmp_path / "loras" / "ink.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(Damaged, match=r"ink\.safetensors: damaged, expected sha256"):
        shelf.find("ink")


def test_tags_are_read_as_other_tools_write_them():
    assert taken("a <lora:ink:0.5> fox, <lora:my.wool v2>") == (
        "a fox,",
        (Lora(name="ink", weight=0.5), Lora(name="my.wool v2")),
    )
    assert taken("<lora:a:1><lora:a:.5>")[1] == (Lora(name="a", weight=1.5),)
    assert taken("1 < 2 and <b>") == ("1 < 2 and <b>", ())


def test_a_file_tells_which_family_it_is_for(pipelines, tmp_path):
    for family, given in (("sd", ()), ("sd3", (False,)), ("flux", (False,))):
        path = lora_of(pipelines[family](*given), tmp_path / family)
        assert is_lora(path)
        assert family_of(path) == family
    whole = tmp_path / "whole.safetensors"
    from safetensors.torch import save_file

    save_file({"model.diffusion_model.out.0.weight": torch.zeros(2)}, whole)
    assert not is_lora(whole)
    with pytest.raises(Invalid, match=r"source: .*whole\.safetensors is no LoRA"):
        family_of(whole)
