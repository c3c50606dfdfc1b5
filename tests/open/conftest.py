"""Tiny pipelines of diffusers' own classes, random and the same each time, saved as people find them."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING

import numpy as np
import pytest

from impasto.core import Drawing

os.environ.setdefault("HF_HUB_OFFLINE", "1")
torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("transformers")

if TYPE_CHECKING:
    from pathlib import Path

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789!,.'"
PAIRS = [("r", "e"), ("re", "d</w>"), ("f", "o"), ("fo", "x</w>"), ("i", "n"), ("in", "k</w>")]


def vocabulary() -> dict[str, int]:
    tokens = ["<|startoftext|>", "<|endoftext|>", *LETTERS, *(f"{letter}</w>" for letter in LETTERS)]
    tokens += ["".join(pair) for pair in PAIRS]
    return {token: place for place, token in enumerate(tokens)}


def clip_tokenizer(**options):
    from transformers import CLIPTokenizer

    return CLIPTokenizer(vocab=vocabulary(), merges=PAIRS, model_max_length=77, **options)


def clip_config(width: int = 32, layers: int = 3, **options):
    from transformers import CLIPTextConfig

    given = {
        "vocab_size": len(vocabulary()),
        "hidden_size": width,
        "intermediate_size": 37,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
        "projection_dim": width,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "pad_token_id": 1,
    }
    return CLIPTextConfig(**(given | options))


def autoencoder(channels: int = 4, **options):
    from diffusers import AutoencoderKL

    net = AutoencoderKL(
        block_out_channels=(32, 64),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=channels,
        **options,
    )
    louder(net.decoder.conv_out, 2.0)
    return net


def unet(**options):
    from diffusers import UNet2DConditionModel

    given = {
        "block_out_channels": (32, 64),
        "layers_per_block": 1,
        "sample_size": 16,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "attention_head_dim": 4,
        "cross_attention_dim": 32,
        "norm_num_groups": 8,
    }
    net = UNet2DConditionModel(**(given | options))
    louder(net.conv_out)
    return net


def louder(layer, factor: float = 8.0) -> None:
    """So that what a random net answers can be seen in the picture."""
    with torch.no_grad():
        layer.weight.mul_(factor)


def sd_betas(**options):
    return {
        "beta_schedule": "scaled_linear",
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "num_train_timesteps": 1000,
        "steps_offset": 1,
    } | options


def sd_pipeline(prediction: str = "epsilon", in_channels: int = 4, words: dict | None = None, **betas):
    from diffusers import EulerDiscreteScheduler, StableDiffusionPipeline
    from transformers import CLIPTextModel

    torch.manual_seed(0)
    return StableDiffusionPipeline(
        vae=autoencoder(),
        text_encoder=CLIPTextModel(clip_config(**(words or {}))).eval(),
        tokenizer=clip_tokenizer(),
        unet=unet(in_channels=in_channels),
        scheduler=EulerDiscreteScheduler(**sd_betas(prediction_type=prediction, **betas)),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def sdxl_pipeline(in_channels: int = 4, **options):
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    torch.manual_seed(1)
    return StableDiffusionXLPipeline(
        vae=autoencoder(),
        text_encoder=CLIPTextModel(clip_config()).eval(),
        text_encoder_2=CLIPTextModelWithProjection(clip_config()).eval(),
        tokenizer=clip_tokenizer(),
        tokenizer_2=clip_tokenizer(pad_token="!"),
        unet=unet(
            in_channels=in_channels,
            cross_attention_dim=64,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=6 * 8 + 32,
            use_linear_projection=True,
        ),
        scheduler=EulerDiscreteScheduler(**sd_betas()),
        add_watermarker=False,
        **options,
    )


def t5():
    """A tokenizer and an encoder."""
    from transformers import T5Config, T5EncoderModel, T5Tokenizer

    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    pieces += [(letter, -3.0) for letter in LETTERS] + [("▁red", -1.0), ("▁fox", -1.0), ("in", -2.0), ("k", -2.0)]
    tokenizer = T5Tokenizer(vocab=pieces, extra_ids=0, model_max_length=512)
    config = T5Config(
        vocab_size=len(pieces), d_model=32, d_ff=37, d_kv=8, num_layers=2, num_heads=4, decoder_start_token_id=0
    )
    return tokenizer, T5EncoderModel(config).eval()


def sd3_pipeline(long: bool = True, shift: float = 3.0):
    from diffusers import FlowMatchEulerDiscreteScheduler, SD3Transformer2DModel, StableDiffusion3Pipeline
    from transformers import CLIPTextModelWithProjection

    torch.manual_seed(2)
    net = SD3Transformer2DModel(
        sample_size=16,
        patch_size=2,
        in_channels=8,
        out_channels=8,
        num_layers=2,
        attention_head_dim=8,
        num_attention_heads=4,
        joint_attention_dim=80,
        caption_projection_dim=32,
        pooled_projection_dim=64,
        pos_embed_max_size=32,
    )
    louder(net.proj_out)
    tokenizer, encoder = t5()
    if long:
        encoder = wide(encoder, 80)
    return StableDiffusion3Pipeline(
        vae=autoencoder(8, use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.06),
        text_encoder=CLIPTextModelWithProjection(clip_config()).eval(),
        text_encoder_2=CLIPTextModelWithProjection(clip_config()).eval(),
        text_encoder_3=encoder if long else None,
        tokenizer=clip_tokenizer(),
        tokenizer_2=clip_tokenizer(pad_token="!"),
        tokenizer_3=tokenizer if long else None,
        transformer=net,
        scheduler=FlowMatchEulerDiscreteScheduler(shift=shift),
    )


def wide(encoder, width: int):
    """As the encoder, of another width."""
    from transformers import T5Config, T5EncoderModel

    return T5EncoderModel(T5Config(**{**encoder.config.to_dict(), "d_model": width})).eval()


def flux_pipeline(distilled: bool = True):
    from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel
    from transformers import CLIPTextModel

    torch.manual_seed(3)
    net = FluxTransformer2DModel(
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        pooled_projection_dim=32,
        axes_dims_rope=(4, 4, 8),
        guidance_embeds=distilled,
    )
    louder(net.proj_out)
    tokenizer, encoder = t5()
    dynamic = {"use_dynamic_shifting": True} if distilled else {"shift": 1.0}
    return FluxPipeline(
        vae=autoencoder(4, use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.1),
        text_encoder=CLIPTextModel(clip_config()).eval(),
        text_encoder_2=encoder,
        tokenizer=clip_tokenizer(),
        tokenizer_2=tokenizer,
        transformer=net,
        scheduler=FlowMatchEulerDiscreteScheduler(**dynamic),
    )


def pixart_pipeline(kind: str = "PixArtSigmaPipeline"):
    import diffusers

    torch.manual_seed(4)
    net = diffusers.PixArtTransformer2DModel(
        sample_size=16,
        num_layers=2,
        patch_size=2,
        attention_head_dim=8,
        num_attention_heads=4,
        cross_attention_dim=32,
        caption_channels=32,
        in_channels=4,
        out_channels=8,
    )
    louder(net.proj_out)
    tokenizer, encoder = t5()
    betas = {"beta_schedule": "linear", "beta_start": 0.0001, "beta_end": 0.02}
    return getattr(diffusers, kind)(
        vae=autoencoder(),
        text_encoder=encoder,
        tokenizer=tokenizer,
        transformer=net,
        scheduler=diffusers.DPMSolverMultistepScheduler(**betas, timestep_spacing="trailing"),
    )


class Pair:
    """A pipeline of diffusers, and the engine over what was added from its folder."""

    def __init__(self, pipeline, folder: Path, added: Path | None = None) -> None:
        """`added` is the folder that is added in the place of what the pipeline saves."""
        from impasto.engine.engine import open_engine
        from impasto.models.importing import add

        self.source = added or folder / "source"
        if added is None:
            pipeline.save_pretrained(self.source)
        (folder / "models").mkdir()
        pipeline.set_progress_bar_config(disable=True)
        self.pipeline, self.model = pipeline, add(self.source, folder / "models", "tiny")
        self.engine = open_engine(self.model, threads=1)
        self.size_px = self.model.card.picture.sizes[0]

    def ours(self, monkeypatch, **said) -> np.ndarray:
        """(height, width, 3) uint8; noise comes from torch, so that diffusers can draw the same."""
        generator = torch.Generator().manual_seed(1)
        card = self.model.card

        def noise(seed: int, size_px: tuple[int, int]):
            shape = (1, *card.picture.latent_of(size_px))
            return lambda: torch.randn(shape, generator=generator)[0].numpy()

        monkeypatch.setattr(self.engine._family, "noise", noise)
        width, height = self.size_px
        given = {
            "words": "a red fox",
            "negative": "",
            "style": "",
            "width_px": width,
            "height_px": height,
            "steps": 5,
            "guidance": 3.0,
            "sampler": card.defaults.sampler,
            "sigmas": "model",
            "seed": 1,
            "background": "transparent",
        }
        *_, picture = self.engine.draw([Drawing(**(given | said))])
        self.levels = picture.sigma_values
        return picture.pixels[..., :3]

    def theirs(self, scheduler=None, start: float = 1.0, **said) -> np.ndarray:
        """(height, width, 3) float32, 0..255. `start` scales the noise that is set out from."""
        if scheduler is not None:
            self.pipeline.scheduler = scheduler
        generator = torch.Generator().manual_seed(1)
        width, height = self.size_px
        shape = (1, *self.model.card.picture.latent_of((width, height)))
        latents = torch.randn(shape, generator=generator) * start
        if hasattr(self.pipeline, "_pack_latents"):
            latents = self.pipeline._pack_latents(latents, *shape)
        given = {
            "prompt": "a red fox",
            "width": width,
            "height": height,
            "num_inference_steps": 5,
            "guidance_scale": 3.0,
            "latents": latents,
            "generator": generator,
            "output_type": "np",
        }
        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # theirs
            return self.pipeline(**(given | said)).images[0] * 255


def same(ours: np.ndarray, theirs: np.ndarray) -> None:
    """Less than two levels of 255 apart anywhere, in a picture in which there is something to see."""
    assert theirs.std() > 10
    assert (theirs % 255 > 0).mean() > 0.7
    assert np.abs(ours - theirs).max() < 2


@pytest.fixture(scope="module")
def sd(tmp_path_factory) -> Pair:
    return Pair(sd_pipeline(), tmp_path_factory.mktemp("sd"))


@pytest.fixture(scope="module")
def sdxl(tmp_path_factory) -> Pair:
    return Pair(sdxl_pipeline(), tmp_path_factory.mktemp("sdxl"))


@pytest.fixture(name="same")
def _same():
    return same


@pytest.fixture(scope="session")
def pipelines():
    """By the family's name, the function that makes one."""
    return {
        "sd": sd_pipeline,
        "sdxl": sdxl_pipeline,
        "sd3": sd3_pipeline,
        "flux": flux_pipeline,
        "pixart": pixart_pipeline,
    }


@pytest.fixture
def pair(tmp_path_factory):
    return lambda pipeline, added=None: Pair(pipeline, tmp_path_factory.mktemp("pair"), added)
