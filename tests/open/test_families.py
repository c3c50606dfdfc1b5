"""The other families: the same pictures as diffusers', from the same noise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from impasto.core import Damaged, Invalid, Unknown

diffusers = pytest.importorskip("diffusers")
pytestmark = pytest.mark.filterwarnings("ignore:__array_:DeprecationWarning")  # diffusers' own


def test_sdxl(pair, pipelines, same, monkeypatch) -> None:
    sdxl = pair(pipelines["sdxl"]())
    assert sdxl.model.card.words.empty_is_zero
    same(sdxl.ours(monkeypatch, sampler="euler"), sdxl.theirs())
    same(sdxl.ours(monkeypatch, sampler="euler", negative="ink"), sdxl.theirs(negative_prompt="ink"))
    ancestral = diffusers.EulerAncestralDiscreteScheduler.from_config(sdxl.pipeline.scheduler.config)
    same(sdxl.ours(monkeypatch, sampler="euler_ancestral"), sdxl.theirs(ancestral))


def test_sdxl_that_was_not_taught_by_zeros(pair, pipelines, same, monkeypatch) -> None:
    sdxl = pair(pipelines["sdxl"](force_zeros_for_empty_prompt=False))
    assert not sdxl.model.card.words.empty_is_zero
    same(sdxl.ours(monkeypatch, sampler="euler"), sdxl.theirs())


@pytest.mark.parametrize("long", [True, False])
def test_sd3_with_and_without_t5(pair, pipelines, same, monkeypatch, long) -> None:
    sd3 = pair(pipelines["sd3"](long))
    assert sd3.model.has("text_encoder_3") == long
    same(sd3.ours(monkeypatch), sd3.theirs())
    same(sd3.ours(monkeypatch, negative="ink"), sd3.theirs(negative_prompt="ink"))
    heun = diffusers.FlowMatchHeunDiscreteScheduler(shift=3.0)
    theirs = sd3.theirs(heun)
    monkeypatch.setattr(sd3.engine, "_levels", lambda drawing: levels_of(heun))
    same(sd3.ours(monkeypatch, sampler="flow_heun"), theirs)


@pytest.mark.parametrize(
    ("sampler", "kind"), [("dpmpp_2m", "DPMSolverMultistepScheduler"), ("unipc", "UniPCMultistepScheduler")]
)
def test_a_flow_by_other_samplers(pair, pipelines, same, monkeypatch, sampler, kind) -> None:
    """Not by those that add noise: this pipeline gives them no generator of ours."""
    sd3 = pair(pipelines["sd3"](False))
    scheduler = getattr(diffusers, kind)(use_flow_sigmas=True, flow_shift=3.0, prediction_type="flow_prediction")
    theirs = sd3.theirs(scheduler)
    monkeypatch.setattr(sd3.engine, "_levels", lambda drawing: levels_of(scheduler))
    same(sd3.ours(monkeypatch, sampler=sampler), theirs)


def levels_of(scheduler) -> tuple[float, ...]:
    """diffusers' own t as sigmas, each once, its 1 as all but that."""
    t = sorted({min(float(t), 1 - 1e-5) for t in scheduler.sigmas}, reverse=True)
    return tuple(level / (1 - level) for level in t)


def test_a_flow_refuses_samplers_that_pure_noise_is_too_much_for(pair, pipelines, monkeypatch) -> None:
    sd3 = pair(pipelines["sd3"](False))
    with pytest.raises(Unknown, match="sampler: there is no 'heun'; did you mean flow_heun"):
        sd3.ours(monkeypatch, sampler="heun")
    drawn = {name: sd3.ours(monkeypatch, sampler=name) for name in sd3.engine.samplers}
    assert all(picture.std() > 10 for picture in drawn.values())


@pytest.mark.parametrize("distilled", [True, False])
def test_flux_dev_and_schnell(pair, pipelines, same, monkeypatch, distilled) -> None:
    flux = pair(pipelines["flux"](distilled))
    flux.size_px = (32, 48)
    assert (flux.model.card.defaults.steps, flux.model.card.sigmas.shift) == (28 if distilled else 4, 1.0)
    guidance = 3.0 if distilled else 1.0
    length = flux.model.card.words.long_tokens
    theirs = flux.theirs(max_sequence_length=length, guidance_scale=guidance)
    same(flux.ours(monkeypatch, sigmas="flow", guidance=guidance), theirs)
    if distilled:
        other = flux.ours(monkeypatch, sigmas="flow", guidance=6.0)
        assert (np.abs(other - theirs) > 2).any(), "guidance reaches the net"
        with pytest.raises(Invalid, match="negative: tiny reads none"):
            flux.ours(monkeypatch, negative="ink")
    else:
        told = {"true_cfg_scale": 2.0, "negative_prompt": "ink", "max_sequence_length": length}
        same(flux.ours(monkeypatch, sigmas="flow", guidance=2.0, negative="ink"), flux.theirs(**told))


@pytest.mark.parametrize("kind", ["PixArtAlphaPipeline", "PixArtSigmaPipeline"])
def test_pixart(pair, pipelines, same, monkeypatch, kind) -> None:
    pixart = pair(pipelines["pixart"](kind))
    sigma = pixart.model.card.sigmas.max
    start = sigma / math.sqrt(1 + sigma**2)
    options = {"use_resolution_binning": False, "clean_caption": False}
    theirs = pixart.theirs(start=start, **options)
    same(pixart.ours(monkeypatch, sampler="dpmpp_2m", sigmas="simple"), theirs)


def test_a_weight_moves_what_t5_reads_and_what_is_too_long_is_cut(pair, pipelines) -> None:
    t5 = pair(pipelines["pixart"]()).engine._family._t5
    plain, nothing = t5.encode("a red fox")["hidden"], t5.encode("")["hidden"]
    tokens, mask, weights = t5.read("a (red:1.5) fox")
    (place,) = np.flatnonzero(weights[0] != 1)
    heavy = t5.encode("a (red:1.5) fox")["hidden"]
    np.testing.assert_allclose(heavy[:, place], plain[:, place] + 0.5 * (plain - nothing)[:, place], atol=1e-5)
    assert mask.sum() == np.flatnonzero(tokens[0])[-1] + 1
    tokens, mask, _ = t5.read("red " * 400)
    assert (tokens.shape, mask.sum(), tokens[0, -1]) == ((1, 300), 300, t5.end)


def test_t5_kept_as_a_sentencepiece_model_is_read_as_it_reads(tmp_path) -> None:
    sentencepiece = pytest.importorskip("sentencepiece")
    from impasto.engine.clip import read_tokenizer
    from impasto.engine.runtimes.torch_tokens import write_tokenizer

    said = ["a red fox", "the blue cat and the red house", "foxes drink ink, it's 42!", "ünïcode is fine"] * 20
    options = {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1, "hard_vocab_limit": False, "minloglevel": 2}
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(said), model_prefix=str(tmp_path / "spiece"), vocab_size=60, **options
    )
    write_tokenizer(tmp_path)
    ours = read_tokenizer(tmp_path)
    theirs = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "spiece.model"))
    for text in ("a red fox", " Foxes drink  ink!", "ünïcode 42", ""):
        assert ours.encode(text, add_special_tokens=False).ids == theirs.encode(text)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "spiece.model").write_bytes(b"no model")
    with pytest.raises(Damaged, match="is no tokenizer"):
        write_tokenizer(tmp_path / "broken")
