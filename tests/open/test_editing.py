"""Drawing from a picture with open checkpoints: what a mask keeps, and nets that were taught to fill in."""

from __future__ import annotations

import numpy as np
import pytest

from impasto.core import Edit, Init, Mask
from impasto.engine import pixels

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")
pytestmark = pytest.mark.filterwarnings("ignore:__array_:DeprecationWarning")  # diffusers' own

BETAS = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "steps_offset": 1}
CERTAIN = -30.0
"""a log of variances at which diffusers' draw of an encoder's answer is its mean, which is what we take"""


def init() -> Init:
    """32x32, opaque, smooth."""
    across, down = np.meshgrid(np.linspace(0, 255, 32), np.linspace(255, 0, 32))
    return Init(sha256="i", pixels=np.stack([across, down, across * 0 + 90, across * 0 + 255], 2).astype(np.uint8))


def left_half() -> Mask:
    mask = np.zeros((32, 32), np.uint8)
    mask[:, :16] = 255
    return Mask(sha256="m", pixels=mask)


def rgb(given: Init) -> torch.Tensor:
    """(1, 3, height, width), 0 to 1."""
    return torch.from_numpy(given.pixels[..., :3].transpose(2, 0, 1)[None].astype(np.float32) / 255)


@pytest.fixture
def filling(pair, pipelines):
    """A net of nine channels, and diffusers' pipeline for it."""
    plain = pipelines["sd"](in_channels=9)
    with torch.no_grad():
        plain.vae.quant_conv.weight[4:] = 0.0
        plain.vae.quant_conv.bias[4:] = CERTAIN
    parts = {name: part for name, part in plain.components.items() if name != "image_encoder"}
    return pair(diffusers.StableDiffusionInpaintPipeline(**parts, requires_safety_checker=False))


def test_a_picture_becomes_the_latents_that_diffusers_makes_of_it(sd) -> None:
    vae = sd.pipeline.vae
    with torch.inference_mode():
        expected = vae.encode(rgb(init()) * 2 - 1).latent_dist.mode()[0] * vae.config.scaling_factor
    read = sd.engine._family.read(pixels.premultiplied(init().pixels))
    np.testing.assert_allclose(read, expected.numpy(), atol=1e-5)


def test_what_is_transparent_is_white_to_a_net_that_knows_no_transparency(sd) -> None:
    hidden, white = init().pixels.copy(), init().pixels.copy()
    hidden[:8, :, 3], white[:8, :, :3] = 0, 255
    read = sd.engine._family.read
    np.testing.assert_allclose(read(pixels.premultiplied(hidden)), read(pixels.premultiplied(white)), atol=1e-5)


def test_a_weak_strength_sets_out_from_the_picture(sd, monkeypatch) -> None:
    decoded, decode = [], sd.engine._family.decode
    monkeypatch.setattr(sd.engine._family, "decode", lambda latents: decoded.append(latents) or decode(latents))
    for strength in (0.1, 1.0):
        edit = Edit(init=init(), mask=None, strength=strength)
        sd.ours(monkeypatch, edit=edit, steps=20, sampler="dpmpp_2m", sigmas="karras", guidance=1.0)
    near, far = (np.abs(end - sd.engine._family.read(pixels.premultiplied(init().pixels))).mean() for end in decoded)
    assert near < far / 3


def test_what_a_mask_keeps_is_the_picture_to_the_bit(sd, filling, monkeypatch) -> None:
    edit = Edit(init=init(), mask=left_half(), strength=1.0)
    for both in (sd, filling):
        drawn = both.ours(monkeypatch, edit=edit, sampler="euler")
        np.testing.assert_array_equal(drawn[:, 16:], init().pixels[:, 16:, :3])
        assert (drawn[:, :12] != init().pixels[:, :12, :3]).any(axis=2).mean() > 0.9


def test_a_net_taught_to_fill_in_is_given_what_diffusers_gives_it(filling) -> None:
    from dataclasses import dataclass

    @dataclass
    class Asked:
        edit: Edit
        width_px: int = 32
        height_px: int = 32

    drawing = Asked(Edit(init=init(), mask=left_half(), strength=1.0))
    left = filling.engine._family.given({}, drawing)["left"]
    mask = torch.from_numpy((left_half().pixels > 0)[None, None].astype(np.float32))
    kept = (rgb(init()) * 2 - 1) * (mask < 0.5)
    with torch.inference_mode():
        small, latents = filling.pipeline.prepare_mask_latents(
            mask, kept, 1, 32, 32, torch.float32, torch.device("cpu"), torch.Generator().manual_seed(0), False
        )
    np.testing.assert_allclose(left[:, :1], small.numpy())
    np.testing.assert_allclose(left[:, 1:], latents.numpy(), atol=1e-4)


def test_with_nothing_left_it_draws_as_diffusers_does(filling, same, monkeypatch) -> None:
    everything = {"image": torch.zeros(1, 3, 32, 32), "mask_image": torch.ones(1, 1, 32, 32), "strength": 1.0}
    theirs = filling.theirs(diffusers.EulerDiscreteScheduler(**BETAS), **everything)
    same(filling.ours(monkeypatch, sampler="euler"), theirs)


def test_sdxl_fills_in_too(pair, pipelines, monkeypatch) -> None:
    sdxl = pair(pipelines["sdxl"](in_channels=9))
    edit = Edit(init=init(), mask=left_half(), strength=1.0)
    drawn = sdxl.ours(monkeypatch, edit=edit, sampler="euler")
    np.testing.assert_array_equal(drawn[:, 16:], init().pixels[:, 16:, :3])
