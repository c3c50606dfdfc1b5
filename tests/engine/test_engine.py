"""The engine over a whole, tiny model: folder, tokenizer, three ONNX nets."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import replace

import numpy as np
import pytest

from impasto.core import Damaged, Drawing, Edit, Failed, Init, Invalid, Mask, Picture, Progress, Unknown
from impasto.engine import pixels, samplers
from impasto.engine.decider import Limits
from impasto.engine.engine import Engine, open_engine
from impasto.engine.sigmas import curve
from impasto.models.registry import load, sha256

FOX = Drawing(
    words="a red fox",
    negative="",
    style="flat",
    width_px=256,
    height_px=256,
    steps=6,
    guidance=2.0,
    sampler="euler",
    sigmas="karras",
    seed=7,
    background="transparent",
)
EIGHT = [
    replace(
        FOX, seed=index, steps=3 + index, sampler=(samplers.NAMES * 2)[index], guidance=1.0 + index % 3, words=words
    )
    for index, words in enumerate(["a red fox", "a blue cat", "(red:1.4) house", "[a] fox"] * 2)
]


BLUE = np.zeros((256, 256, 4), np.uint8)
"""the right half, half transparent"""
BLUE[:, 128:] = (20, 60, 240, 128)
LEFT = np.zeros((256, 256), np.uint8)
LEFT[:, :100] = 255


def edited(strength: float, mask: np.ndarray | None = None, **changes: object) -> Drawing:
    init = Init(sha256="blue", pixels=BLUE)
    edit = Edit(init=init, mask=None if mask is None else Mask(sha256="m", pixels=mask), strength=strength)
    return replace(FOX, edit=edit, **changes)


@pytest.fixture
def engine(tiny_model):
    engine = open_engine(load(tiny_model), threads=2)
    yield engine
    engine.close()


def pictures(engine: Engine, *drawings: Drawing) -> list[Picture]:
    found = [event for event in engine.draw(drawings) if isinstance(event, Picture)]
    return sorted(found, key=lambda picture: picture.index)


def test_a_picture_comes_with_its_provenance(engine) -> None:
    [picture] = pictures(engine, FOX)
    assert (picture.pixels.shape, picture.pixels.dtype) == ((256, 256, 4), np.uint8)
    assert picture.drawing == FOX
    assert picture.model == engine.model
    assert picture.sigma_values == curve("karras", 6, 0.02, 40.0)
    assert picture.took_s > 0


def test_the_same_seed_is_the_same_picture_and_another_is_another(engine, tiny_model) -> None:
    [first], [again], [other] = (pictures(engine, drawing) for drawing in (FOX, FOX, replace(FOX, seed=8)))
    np.testing.assert_array_equal(first.pixels, again.pixels)
    assert (first.pixels != other.pixels).any()
    fresh = open_engine(load(tiny_model), threads=1)
    np.testing.assert_array_equal(pictures(fresh, FOX)[0].pixels, first.pixels)


@pytest.mark.parametrize("limits", [Limits(rows=1, calls=2), Limits(rows=16), Limits(rows=3, calls=2)])
def test_alone_or_in_a_batch_of_eight_a_picture_is_the_same(engine, limits) -> None:
    batched = Engine(engine._family, engine._card, engine.model, limits=limits)
    for together, drawing in zip(pictures(batched, *EIGHT), EIGHT, strict=True):
        np.testing.assert_array_equal(together.pixels, pictures(engine, drawing)[0].pixels)
    batched.close()


def test_pictures_have_the_mean_and_spread_of_what_the_model_knows(engine, monkeypatch) -> None:
    """The tiny model's latents are normal around plan / 4 + 1 / 2 with a spread of 0.25."""
    ends, decode = [], engine._family.decode
    monkeypatch.setattr(engine._family, "decode", lambda x: ends.append(x) or decode(x))
    drawing = replace(FOX, steps=20, guidance=1.0, sampler="dpmpp_2m")
    pictures(engine, *(replace(drawing, seed=seed) for seed in range(20)))
    found = np.stack(ends).transpose(1, 0, 2, 3).reshape(4, -1)
    plan = engine._family.encode(FOX.words, FOX.style)["plan"].ravel()
    np.testing.assert_allclose(found.mean(axis=1), plan / 4 + 0.5, atol=0.03)
    np.testing.assert_allclose(found.std(axis=1), 0.25, atol=0.02)


def test_progress_counts_every_step_with_a_preview(engine) -> None:
    events = list(engine.draw([FOX]))
    assert [event.step for event in events[:-1]] == [1, 2, 3, 4, 5, 6]
    assert all(isinstance(event, Progress) and event.steps == 6 for event in events[:-1])
    assert all((event.preview.shape, event.preview.dtype) == ((8, 8, 4), np.uint8) for event in events[:-1])
    # the last preview is the picture, which the tiny decoder only enlarges
    np.testing.assert_array_equal(events[-2].preview, events[-1].pixels[::32, ::32])


def test_words_style_weights_negative_and_background_all_matter(engine) -> None:
    [plain] = pictures(engine, FOX)
    others = [
        {"words": "a blue fox"},
        {"words": "a (red:1.6) fox"},
        {"style": "clay"},
        {"negative": "blue"},
        {"guidance": 3.0},
        {"background": "#00ff00"},
    ]
    for change in others:
        assert (pictures(engine, replace(FOX, **change))[0].pixels != plain.pixels).any(), change


def test_case_and_brackets_of_weight_one_do_not(engine) -> None:
    [plain], [same] = pictures(engine, FOX), pictures(engine, replace(FOX, words="A (red:1.0) FOX"))
    np.testing.assert_array_equal(plain.pixels, same.pixels)


def test_no_negative_is_the_unconditional_prompt_and_unused_without_guidance(engine, monkeypatch) -> None:
    said = []
    encode = engine._family.encode
    monkeypatch.setattr(engine._family, "encode", lambda words, style: said.append(words) or encode(words, style))
    fresh = Engine(engine._family, engine._card, engine.model)
    denoise, rows = engine._family.denoise, []
    monkeypatch.setattr(engine._family, "denoise", lambda xs, *rest: rows.append(len(xs)) or denoise(xs, *rest))
    pictures(fresh, replace(FOX, guidance=1.0, negative="blue"))
    assert said == ["a red fox"]
    assert sum(rows) == FOX.steps, "one pass a step"
    pictures(fresh, FOX, replace(FOX, seed=8))
    assert said == ["a red fox", ""], "words once encoded are remembered"
    assert sum(rows) == 5 * FOX.steps, "two pictures of two passes a step more"
    tokens, weights = engine._family._tokens("  ")
    assert not tokens.any()
    assert (weights == 1.0).all()


def test_words_longer_than_the_model_reads_are_cut(engine) -> None:
    long = " ".join(["red"] * 8)
    [cut], [short] = (
        pictures(engine, replace(FOX, words=long + " blue blue")),
        pictures(engine, replace(FOX, words=long)),
    )
    np.testing.assert_array_equal(cut.pixels, short.pixels)


def test_a_background_leaves_nothing_transparent(engine) -> None:
    [picture] = pictures(engine, replace(FOX, background="#336699"))
    assert (picture.pixels[..., 3] == 255).all()


def test_closing_the_iterator_frees_its_places(engine) -> None:
    events = engine.draw([FOX, replace(FOX, seed=8)])
    next(events)
    assert len(engine._batcher) == 2
    events.close()
    assert len(engine._batcher) == 0
    assert not engine._owners
    assert len(pictures(engine, FOX)) == 1


def test_a_picture_that_goes_wrong_fails_alone_with_its_reason(engine) -> None:
    events = []
    drawn = engine.draw([FOX, replace(FOX, words="a broken fox"), replace(FOX, seed=8)])
    with pytest.raises(Failed, match="picture 2 failed: the model answered with no number at sigma 40") as failed:
        deque(map(events.append, drawn))
    assert failed.value.reasons.keys() == {1}
    assert [event.index for event in events if isinstance(event, Picture)] == [0, 2]
    assert len(engine._batcher) == 0


def test_a_decoder_that_goes_wrong_fails_that_picture_alone(engine, monkeypatch) -> None:
    run = engine._family._decoder.run
    calls = iter([np.nan, 1.0])
    monkeypatch.setattr(
        engine._family._decoder, "run", lambda inputs: {"picture": run(inputs)["picture"] * np.float32(next(calls))}
    )
    with pytest.raises(Failed, match="picture 1 failed: the decoder"):
        list(engine.draw([FOX, replace(FOX, seed=8)]))


def test_threads_share_the_batcher_and_each_gets_its_own(engine) -> None:
    expected = {seed: pictures(engine, replace(FOX, seed=seed))[0].pixels for seed in range(6)}
    found: dict[int, list[Picture]] = {}

    def work(first: int) -> None:
        found[first] = pictures(engine, replace(FOX, seed=first), replace(FOX, seed=first + 1))

    threads = [threading.Thread(target=work, args=(first,)) for first in (0, 2, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for first, pair in found.items():
        for offset, picture in enumerate(pair):
            np.testing.assert_array_equal(picture.pixels, expected[first + offset])
    assert found.keys() == {0, 2, 4}


def test_full_strength_draws_as_if_there_were_no_picture(engine) -> None:
    [plain], [edit] = pictures(engine, FOX), pictures(engine, edited(1.0))
    np.testing.assert_array_equal(plain.pixels, edit.pixels)
    assert edit.sigma_values == plain.sigma_values


def test_a_picture_drawn_from_another_has_the_mean_and_spread_of_the_flow_between_them(engine, monkeypatch) -> None:
    """For normal data around m with spread s, the flow from z + sigma * noise ends, on average, at
    m + (z - m) s / sqrt(s^2 + sigma^2), with a spread of s sigma / sqrt(s^2 + sigma^2)."""
    ends, decode = [], engine._family.decode
    monkeypatch.setattr(engine._family, "decode", lambda x: ends.append(x) or decode(x))
    drawing = edited(0.5, steps=60, guidance=1.0, sampler="dpmpp_2m")
    sigma = curve("karras", 60, 0.02, 40.0, strength=0.5)[0]
    pictures(engine, *(replace(drawing, seed=seed) for seed in range(40)))
    plan = engine._family.encode(FOX.words, FOX.style)["plan"].reshape(4, 1, 1) / 4 + 0.5
    z = engine._family.read(pixels.premultiplied(BLUE))
    share = 0.25 / np.hypot(0.25, sigma)
    np.testing.assert_allclose(np.mean(ends, axis=0), plan + (z - plan) * share, atol=0.2)
    np.testing.assert_allclose(np.mean(ends, axis=(0, 2, 3)), (plan + (z - plan) * share).mean(axis=(1, 2)), atol=0.03)
    np.testing.assert_allclose(np.std(ends, axis=0).mean(), sigma * share, rtol=0.05)


def test_the_weaker_the_nearer_to_the_picture(engine) -> None:
    off = []
    for strength in (0.05, 0.3, 0.6, 1.0):
        [picture] = pictures(engine, edited(strength))
        off.append(np.abs(pixels.premultiplied(picture.pixels) - pixels.premultiplied(BLUE)).mean())
    assert off == sorted(off)
    assert off[0] < 0.025


def test_what_a_mask_keeps_is_the_picture_to_the_bit(engine) -> None:
    for strength in (0.5, 1.0):
        [picture] = pictures(engine, edited(strength, LEFT))
        np.testing.assert_array_equal(picture.pixels[:, 100:], BLUE[:, 100:])
        assert (picture.pixels[:, :96] != BLUE[:, :96]).any(axis=2).mean() > 0.9
    [laid] = pictures(engine, edited(1.0, LEFT, background="#ffffff"))
    over_white = pixels.to_bytes(pixels.premultiplied(BLUE), "#ffffff")
    np.testing.assert_array_equal(laid.pixels[:, 100:], over_white[:, 100:])


def test_edits_and_plain_drawings_share_a_batch_and_are_what_they_are_alone(engine) -> None:
    mixed = [FOX, edited(0.3), edited(1.0, LEFT, seed=9), edited(0.7, LEFT, sampler="heun"), replace(FOX, seed=3)]
    batched = Engine(engine._family, engine._card, engine.model, limits=Limits(rows=16))
    for together, drawing in zip(pictures(batched, *mixed), mixed, strict=True):
        np.testing.assert_array_equal(together.pixels, pictures(engine, drawing)[0].pixels)


def test_progress_counts_the_steps_that_are_walked(engine) -> None:
    events = list(engine.draw([edited(0.5)]))
    assert [(event.step, event.steps) for event in events[:-1]] == [(1, 3), (2, 3), (3, 3)]
    assert events[-1].sigma_values == curve("karras", 6, 0.02, 40.0, strength=0.5)
    assert events[-1].drawing.steps == 6


def test_the_encoder_is_opened_only_for_a_picture_and_run_once_for_all(tiny_model, monkeypatch) -> None:
    for file in ("encoder.onnx", "encoder.safetensors"):
        (tiny_model / file).rename(tiny_model / f"away-{file}")
    engine = open_engine(load(tiny_model), threads=1)
    pictures(engine, FOX)
    with pytest.raises(Damaged, match=r"encoder\.\w+: missing"):
        pictures(engine, edited(0.5))
    assert not engine._owners
    for file in ("encoder.onnx", "encoder.safetensors"):
        (tiny_model / f"away-{file}").rename(tiny_model / file)
    runs, read = [], engine._family.read
    monkeypatch.setattr(engine._family, "read", lambda painted: runs.append(1) or read(painted))
    pictures(engine, edited(0.5), edited(0.7, LEFT), edited(0.5, seed=8))
    assert len(runs) == 1


def test_a_model_without_an_encoder_says_so_before_anything_is_drawn(tiny_model) -> None:
    card = tiny_model / "card.toml"
    card.write_text("".join(line for line in card.read_text().splitlines(True) if "encoder" not in line))
    engine = open_engine(load(tiny_model), threads=1)
    assert pictures(engine, FOX)
    with pytest.raises(Invalid, match="init: tiny has no encoder"):
        engine.draw([FOX, edited(0.5)])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"edit": edited(0.0).edit}, "strength"),
        ({"edit": edited(0.5, LEFT[:9]).edit}, "mask"),
        ({"style": "flatt"}, "style: there is no 'flatt'; did you mean flat"),
        ({"sampler": "eular"}, "sampler: there is no 'eular'; did you mean euler"),
        ({"sigmas": "karas"}, "sigmas: .*did you mean karras"),
        ({"steps": 0}, "steps"),
        ({"width_px": 512}, "size: tiny draws 256x256, not 512x256"),
        ({"guidance": float("nan")}, "guidance"),
        ({"guidance": -1.0}, "guidance"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**32}, "seed"),
        ({"background": "blue"}, "background"),
    ],
)
def test_what_cannot_be_drawn_is_refused_before_anything_is(engine, change, field) -> None:
    with pytest.raises(Invalid, match=field):
        engine.draw([FOX, replace(FOX, **change)])
    assert len(engine._batcher) == 0


def test_every_sampler_and_curve_it_names_draws(engine) -> None:
    drawings = [replace(FOX, sampler=name, sigmas=sigmas) for name in engine.samplers for sigmas in engine.curves]
    assert len(pictures(engine, *drawings)) == len(drawings)


def test_a_damaged_net_is_named_before_it_is_opened(tiny_model) -> None:
    path = tiny_model / "denoiser.safetensors"
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    with pytest.raises(Damaged, match=r"denoiser\.safetensors: damaged, expected sha256 [0-9a-f]{64}, found"):
        open_engine(load(tiny_model))


@pytest.mark.parametrize(
    ("file", "instead", "complaint"),
    [
        ("decoder.onnx", b"no graph", "cannot open it"),
        ("tokenizer.json", b"{}", "is no tokenizer"),
        ("encoder.onnx", "decoder.onnx", r"encoder\.onnx: takes \('latents',\), should take \('picture',\)"),
        ("decoder.onnx", "words.onnx", r"decoder\.onnx: takes \('tokens', 'weights', 'style'\), should take"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_named(tiny_model, file, instead, complaint) -> None:
    """The card vouches for these bytes, so that only their content is wrong."""
    path, card = tiny_model / file, tiny_model / "card.toml"
    before = sha256(path)
    path.write_bytes(instead if isinstance(instead, bytes) else (tiny_model / instead).read_bytes())
    card.write_text(card.read_text().replace(before, sha256(path)))
    with pytest.raises(Damaged, match=complaint):
        pictures(open_engine(load(tiny_model)), edited(0.5))


def test_a_family_no_code_runs_is_refused(tiny_model) -> None:
    card = tiny_model / "card.toml"
    card.write_text(card.read_text().replace('family = "mini"', 'family = "midi"'))
    with pytest.raises(Unknown, match="family: there is no 'midi'; did you mean mini"):
        open_engine(load(tiny_model))
