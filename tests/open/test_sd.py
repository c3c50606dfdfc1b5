"""Stable Diffusion 1.x and 2.x: the same pictures as diffusers', from the same noise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from impasto.core import Damaged, Invalid, Unknown
from impasto.engine import words
from impasto.engine.engine import open_engine
from impasto.models.registry import load

diffusers = pytest.importorskip("diffusers")

pytestmark = pytest.mark.filterwarnings("ignore:__array_:DeprecationWarning")  # diffusers' own

BETAS = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
TRAILING = {**BETAS, "timestep_spacing": "trailing"}
TOP = 14.614641
"""the highest sigma; those who scale x to the variance of pictures set out from a little more noise than there is"""
SCALED = TOP / math.sqrt(1 + TOP**2)

IN_SIGMA = {
    "euler": "EulerDiscreteScheduler",
    "euler_ancestral": "EulerAncestralDiscreteScheduler",
    "heun": "HeunDiscreteScheduler",
    "dpm_2": "KDPM2DiscreteScheduler",
    "dpm_2_ancestral": "KDPM2AncestralDiscreteScheduler",
    "lms": "LMSDiscreteScheduler",
}
IN_ALPHA = {
    "ddim": ("DDIMScheduler", {"set_alpha_to_one": True, "clip_sample": False}),
    "ddpm": ("DDPMScheduler", {"clip_sample": False}),
    "dpmpp_2m": ("DPMSolverMultistepScheduler", {}),
    "dpmpp_2m_sde": ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}),
    "unipc": ("UniPCMultistepScheduler", {}),
}


@pytest.fixture(params=["sd", "sdxl"])
def both(request):
    """The two families that diffusers' pipelines let any sampler be put into."""
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("sampler", IN_SIGMA)
def test_samplers_in_sigma(both, same, monkeypatch, sampler) -> None:
    scheduler = getattr(diffusers, IN_SIGMA[sampler])(**BETAS, timestep_spacing="linspace")
    same(both.ours(monkeypatch, sampler=sampler, sigmas="model"), both.theirs(scheduler))


@pytest.mark.parametrize("sampler", IN_ALPHA)
def test_samplers_in_alpha(both, same, monkeypatch, sampler) -> None:
    kind, options = IN_ALPHA[sampler]
    scheduler = getattr(diffusers, kind)(**TRAILING, **options)
    same(both.ours(monkeypatch, sampler=sampler, sigmas="simple"), both.theirs(scheduler, SCALED))


def test_lcm(both, same, monkeypatch) -> None:
    theirs = both.theirs(
        diffusers.LCMScheduler(**BETAS, clip_sample=False), SCALED, timesteps=[999, 799, 599, 399, 199]
    )
    same(both.ours(monkeypatch, sampler="lcm", sigmas="simple"), theirs)


@pytest.mark.parametrize(
    ("curve", "option"), [("karras", "use_karras_sigmas"), ("exponential", "use_exponential_sigmas")]
)
def test_curves(sd, same, monkeypatch, curve, option) -> None:
    scheduler = diffusers.EulerDiscreteScheduler(**BETAS, **{option: True})
    same(sd.ours(monkeypatch, sampler="euler", sigmas=curve), sd.theirs(scheduler))


@pytest.mark.parametrize("zero_snr", [False, True])
def test_v_prediction(pair, pipelines, same, monkeypatch, zero_snr) -> None:
    options = {"timestep_spacing": "trailing", "rescale_betas_zero_snr": zero_snr}
    v = pair(pipelines["sd"]("v_prediction", **options))
    assert v.model.card.net.prediction == "v"
    assert v.model.card.sigmas.max == pytest.approx(4096 if zero_snr else TOP, rel=1e-4)
    same(v.ours(monkeypatch, sampler="euler", sigmas="simple"), v.theirs())
    if zero_snr:
        with pytest.raises(Unknown, match="sampler: there is no 'heun'"):
            v.ours(monkeypatch, sampler="heun")


def test_a_negative_without_guidance_and_a_size_of_another_shape(sd, same, monkeypatch) -> None:
    euler = diffusers.EulerDiscreteScheduler(**BETAS)
    plain = sd.ours(monkeypatch, sampler="euler")
    said = sd.ours(monkeypatch, sampler="euler", negative="ink")
    assert (plain != said).any()
    same(said, sd.theirs(euler, negative_prompt="ink"))
    same(sd.ours(monkeypatch, sampler="euler", guidance=1.0), sd.theirs(euler, guidance_scale=1.0))
    wide = sd.ours(monkeypatch, sampler="euler", width_px=48, height_px=24)
    assert wide.shape == (24, 48, 3)
    with pytest.raises(Invalid, match="size: tiny draws sides of 4 to 64 in steps of 2 pixels"):
        sd.ours(monkeypatch, width_px=33)


def test_tokens_are_those_of_transformers_whatever_is_typed(sd) -> None:
    clip, theirs = sd.engine._family._clip, sd.pipeline.tokenizer
    for text in ("a red fox", "", "  A  RED\tfox!! ", "it's foxes' ink, e\u0301t 42", "fox\nink ünïcode 狐 🦊"):
        expected = theirs(text, padding="max_length", max_length=77).input_ids
        np.testing.assert_array_equal(clip.pieces(text)[0], [expected])


def test_vocab_and_merges_are_the_same_tokenizer(sd, tmp_path) -> None:
    import json

    from impasto.engine.clip import tokenizer_of

    told = json.loads((sd.model.folder / "tokenizer" / "tokenizer.json").read_text())["model"]
    (tmp_path / "vocab.json").write_text(json.dumps(told["vocab"]))
    pairs = [pair if isinstance(pair, str) else " ".join(pair) for pair in told["merges"]]
    (tmp_path / "merges.txt").write_text("#version: 0.2\n" + "\n".join(pairs))
    tokenizer, marks = tokenizer_of(tmp_path)
    assert marks == sd.engine._family._clip.marks
    for text in ("a red fox", "it's 42 INK!!", "<|endoftext|>"):
        ours, theirs = tokenizer.encode(text), sd.engine._family._clip.tokenizer.encode(text, add_special_tokens=False)
        assert (ours.ids, ours.offsets) == (theirs.ids, theirs.offsets)


def test_long_words_are_read_in_pieces(sd, same, monkeypatch) -> None:
    clip = sd.engine._family._clip
    tokens, _ = clip.pieces("red " * 80)
    assert tokens.shape == (2, 77)
    assert (tokens[:, 0] == clip.marks[0]).all()
    assert list(tokens[1, 1:7]) == [*[tokens[0, 1]] * 5, clip.marks[1]]
    said = clip.encode("red " * 75 + "fox")["hidden"]
    np.testing.assert_allclose(said[:, :77], clip.encode("red " * 75)["hidden"], atol=1e-5)
    np.testing.assert_allclose(said[:, 77:], clip.encode("fox")["hidden"], atol=1e-5)
    # diffusers cuts; so told what these words became, it draws the same
    torch = pytest.importorskip("torch")
    embeds = {
        "prompt": None,
        "prompt_embeds": torch.from_numpy(said),
        "negative_prompt_embeds": torch.from_numpy(clip.encode("ink " * 80)["hidden"]),
    }
    ours = sd.ours(monkeypatch, words="red " * 75 + "fox", negative="ink " * 80, sampler="euler")
    same(ours, sd.theirs(diffusers.EulerDiscreteScheduler(**BETAS), **embeds))


def test_pictures_whose_words_are_not_as_long_share_a_batch(sd) -> None:
    family = sd.engine._family
    given = [family.encode(text, "") for text in ("fox", "red " * 80, "ink")]
    xs = [np.full((4, 16, 16), level, np.float32) for level in (0.1, 0.2, 0.3)]
    together = family.denoise(xs, [1.0, 2.0, 3.0], given)
    for row in range(3):
        (alone,) = family.denoise(xs[row : row + 1], [row + 1.0], given[row : row + 1])
        np.testing.assert_allclose(together[row], alone, atol=1e-4)


def test_a_weight_moves_a_word_along_the_line_from_nothing(sd) -> None:
    clip = sd.engine._family._clip
    plain, nothing = clip.encode("a red fox")["hidden"], clip.encode("")["hidden"]
    place = 1 + [span.text for span in words.parse("a (red:1.5) fox")].index("red")
    heavy = clip.encode("a (red:1.5) fox")["hidden"]
    np.testing.assert_allclose(heavy[:, place], nothing[:, place] + 1.5 * (plain - nothing)[:, place], atol=1e-5)
    others = np.arange(77) != place
    np.testing.assert_array_equal(heavy[:, others], plain[:, others])


def test_layers_of_clip_are_left_out_as_the_card_says(sd, same, monkeypatch, tmp_path) -> None:
    import shutil

    folder = shutil.copytree(sd.model.folder, tmp_path / "tiny")
    card = folder / "card.toml"
    card.write_text(card.read_text().replace("max_tokens = 75", "max_tokens = 75\nskipped_layers = 1"))
    hidden = open_engine(load(folder), threads=1)._family._clip.encode("a red fox")["hidden"]
    torch, encoder = pytest.importorskip("torch"), sd.pipeline.text_encoder
    with torch.inference_mode():
        tokens = sd.pipeline.tokenizer("a red fox", padding="max_length", return_tensors="pt").input_ids
        layers = encoder(tokens, output_hidden_states=True).hidden_states
        expected = encoder.final_layer_norm(layers[-2])
    np.testing.assert_allclose(hidden, expected.numpy(), atol=1e-5)
    card.write_text(card.read_text().replace("skipped_layers = 1", "skipped_layers = 3"))
    with pytest.raises(Invalid, match=r"words\.skipped_layers: must be below 3"):
        open_engine(load(folder), threads=1)


def test_a_net_that_lacks_a_tensor_is_refused(sd, tmp_path) -> None:
    import shutil

    from safetensors.numpy import load_file, save_file

    from impasto.models.registry import sha256

    folder = shutil.copytree(sd.model.folder, tmp_path / "tiny")
    path, card = folder / "unet" / "diffusion_pytorch_model.safetensors", folder / "card.toml"
    before = sha256(path)
    tensors = load_file(path)
    del tensors["conv_in.weight"]
    save_file(tensors, path, {"format": "pt"})
    card.write_text(card.read_text().replace(before, sha256(path)))
    with pytest.raises(Damaged, match=r"holds no UNet2DConditionModel: conv_in\.weight is missing"):
        open_engine(load(folder), threads=1)
