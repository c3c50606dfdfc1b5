"""Clients that others wrote, unmodified, at a port of this machine."""

from __future__ import annotations

import base64
import io
import threading
import time
from typing import TYPE_CHECKING

import openai
import pytest
import webuiapi
from PIL import Image

from .conftest import listening

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

pytestmark = pytest.mark.enable_socket


@pytest.fixture(scope="module")
def port(alone: FastAPI) -> Iterator[int]:
    with listening(alone) as port:
        yield port


@pytest.fixture
def oai(port: int) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"http://localhost:{port}/v1", api_key="none", max_retries=0) as client:
        yield client


@pytest.fixture
def webui(port: int) -> Iterator[webuiapi.WebUIApi]:
    client = webuiapi.WebUIApi(host="localhost", port=port)
    yield client
    client.session.close()


def opened(b64_json: str | None) -> Image.Image:
    assert b64_json
    return Image.open(io.BytesIO(base64.b64decode(b64_json)))


def file(size_px: tuple[int, int] = (256, 256)) -> io.BytesIO:
    out = io.BytesIO()
    Image.new("RGBA", size_px, "red").save(out, "PNG")
    out.name = "x.png"
    out.seek(0)
    return out


def test_openai_draws_at_the_size_and_in_the_format_asked(oai: openai.OpenAI) -> None:
    answer = oai.images.generate(prompt="a fox", n=2, size="512x512", model="dall-e-2", output_format="webp")
    assert (answer.size, answer.output_format, len(answer.data or [])) == ("512x512", "webp", 2)
    for datum in answer.data or []:
        with opened(datum.b64_json) as image:
            assert (image.format, image.size) == ("WEBP", (512, 512))


def test_openai_links_are_followed(oai: openai.OpenAI) -> None:
    import httpx

    answer = oai.images.generate(prompt="a fox", response_format="url")
    datum = (answer.data or [])[0]
    assert datum.b64_json is None
    assert httpx.get(str(datum.url)).headers["content-type"] == "image/png"


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # what OpenAI thinks of its variations
def test_openai_edits_and_varies(oai: openai.OpenAI) -> None:
    assert oai.images.edit(image=[file(), file()], mask=file(), prompt="a blue fox").data
    made = oai.images.generate(prompt="a fox", response_format="b64_json")
    drawn = io.BytesIO(base64.b64decode((made.data or [])[0].b64_json or ""))
    assert oai.images.create_variation(image=("fox.png", drawn), n=2).data
    with pytest.raises(openai.UnprocessableEntityError) as refused:
        oai.images.create_variation(image=file())  # it carries no words
    assert refused.value.param == "image"


def test_openai_streams_partial_pictures(oai: openai.OpenAI) -> None:
    events = list(oai.images.generate(prompt="a fox", stream=True, partial_images=1, size="256x256"))
    assert [event.type for event in events] == ["image_generation.partial_image", "image_generation.completed"]
    for event in events:
        assert opened(event.b64_json).size == (256, 256)


def test_openai_lists_models_and_reads_errors(oai: openai.OpenAI) -> None:
    assert "mini" in [model.id for model in oai.models.list()]
    assert oai.models.retrieve("mini").id == "mini"
    with pytest.raises(openai.NotFoundError) as unknown:
        oai.images.generate(prompt="a fox", model="nothing")
    assert (unknown.value.code, unknown.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.UnprocessableEntityError) as wrong:
        oai.images.generate(prompt="a fox", n=11)
    assert wrong.value.param == "n"
    with pytest.raises(openai.UnprocessableEntityError) as extra:
        oai.images.generate(prompt="a fox", extra_body={"colour": "red"})
    assert extra.value.param == "colour"


def test_a1111_draws_and_edits(webui: webuiapi.WebUIApi) -> None:
    drawn = webui.txt2img(prompt="a fox", seed=7, batch_size=2, sampler_name="Heun")
    assert [image.size for image in drawn.images] == [(512, 512)] * 2
    assert drawn.info["all_seeds"] == [7, 8]
    assert "Sampler: Heun" in drawn.info["infotexts"][0]
    red = Image.new("RGBA", (64, 64), "red")
    edited = webui.img2img(
        images=[red], prompt="a cat", denoising_strength=0.5, mask_image=Image.new("L", (64, 64), 255)
    )
    assert edited.image
    assert webui.png_info(drawn.image).info.startswith("a fox\n")
    assert webui.extra_single_image(red, upscaler_1="Lanczos", upscaling_resize=2).image.size == (128, 128)


def test_a1111_reads_what_there_is(webui: webuiapi.WebUIApi) -> None:
    assert webui.util_get_model_names() == sorted(webui.util_get_model_names())
    webui.util_set_model("mini")
    assert webui.util_get_current_model() == "mini"
    assert "Euler" in webui.util_get_sampler_names()
    assert "karras" in webui.util_get_scheduler_names()
    for nothing in (webui.get_loras(), webui.get_sd_vae(), webui.get_hypernetworks(), webui.get_face_restorers()):
        assert nothing == []
    for something in (webui.get_upscalers(), webui.get_options(), webui.get_memory(), webui.get_scripts()):
        assert something
    webui.refresh_checkpoints()


def test_a1111_interrupts_its_own_job(webui: webuiapi.WebUIApi) -> None:
    answers: list[webuiapi.WebUIApiResult] = []
    asking = threading.Thread(target=lambda: answers.append(webui.txt2img(prompt="slow fox")))
    asking.start()
    other = webuiapi.WebUIApi(host="localhost", baseurl=webui.baseurl)
    while not 0 < other.get_progress()["progress"] < 1:
        time.sleep(0.05)
    assert other.get_progress()["state"]["job_count"] == 1
    other.interrupt()
    asking.join(20)
    assert answers[0].images == []
    other.session.close()


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"enable_hr": True}, "enable_hr"),
        ({"sampler_name": "PLMS"}, "sampler_name"),
        ({"scheduler": "Polyexponential"}, "scheduler"),
        ({"tiling": True}, "tiling"),
        ({"width": 8}, "width"),
    ],
)
def test_a1111_is_told_what_cannot_be_had(webui: webuiapi.WebUIApi, said: dict, field: str) -> None:
    with pytest.raises(RuntimeError, match=field):
        webui.txt2img(prompt="a fox", **said)
