"""Every door that lets pictures out: none goes unmarked."""

from __future__ import annotations

import base64
import io
import zipfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.testclient import TestClient


@pytest.fixture
def marked(alone: FastAPI):
    def check(content: bytes) -> None:
        found = alone.state.house.marker.read(content)
        assert (found.state, found.made_by_machine) == ("trusted", True)
        assert found.model is not None
        assert found.model["name"] == "mini"

    return check


def native(client: TestClient):
    [picture] = client.post("/api/draw", json={"words": "a fox"}).json()["pictures"]
    for ending in ("png", "webp", "jpg", "svg"):
        yield client.get(picture["url"], params={"format": ending}).content
    archive = client.post("/api/pictures/export", json={"ids": [picture["id"]]})
    with zipfile.ZipFile(io.BytesIO(archive.content)) as opened:
        yield from (opened.read(name) for name in opened.namelist())


def openai(client: TestClient):
    asked = {"model": "mini", "prompt": "a fox", "response_format": "b64_json"}
    for more in ({}, {"output_format": "webp"}, {"output_format": "jpeg", "output_compression": 60}):
        answer = client.post("/v1/images/generations", json=asked | more)
        yield base64.b64decode(answer.json()["data"][0]["b64_json"])
    linked = client.post(
        "/v1/images/generations", json={"model": "dall-e-2", "prompt": "a fox", "response_format": "url"}
    )
    yield client.get(linked.json()["data"][0]["url"]).content


def a1111(client: TestClient):
    for size in (256, 512):
        answer = client.post("/sdapi/v1/txt2img", json={"prompt": "a fox", "width": size, "height": size})
        yield from (base64.b64decode(one) for one in answer.json()["images"])


@pytest.mark.parametrize("door", [native, openai, a1111], ids=lambda door: door.__name__)
def test_every_door_marks_every_picture(client, marked, door):
    files = list(door(client))
    assert len(files) >= 2
    for content in files:
        marked(content)


def test_anyone_may_ask_who_made_a_picture(client):
    [picture] = client.post("/api/draw", json={"words": "a fox"}).json()["pictures"]
    content = client.get(picture["url"]).content
    answer = client.post("/api/verify", files={"file": ("x.png", content)}).json()
    assert answer["origin"] == "machine"
    assert {one["how"] for one in answer["findings"]} == {"proven", "said"}
    assert "unknowable" in answer
    refused = client.post("/api/verify", files={"file": ("x.png", b"no picture")})
    assert (refused.status_code, "file" in refused.text) == (422, True)
