"""The gallery over HTTP: files, formats, thumbnails, zips, and that deleted is gone."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import pytest
from PIL import Image

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.testclient import TestClient


def draw(client: TestClient, words: str, count: int = 1) -> list[dict]:
    return client.post("/api/draw", json={"words": words, "count": count}).json()["pictures"]


@pytest.mark.parametrize("ending", ["png", "webp", "jpg", "svg"])
def test_a_picture_in_every_format_with_what_made_it(client: TestClient, ending: str) -> None:
    (picture,) = draw(client, "a fox")
    answer = client.get(picture["url"], params={"format": ending, "download": "true"})
    assert answer.headers["content-disposition"] == f'attachment; filename="a-fox-{picture["seed"]}.{ending}"'
    assert b"a fox" in answer.content or ending == "jpg"  # UTF-16 in a JPEG
    again = client.get(picture["url"], params={"format": ending}, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


def test_an_svg_is_never_shown_in_place(client: TestClient) -> None:
    (picture,) = draw(client, "a fox")
    answer = client.get(picture["url"], params={"format": "svg"})
    assert answer.headers["content-disposition"].startswith("attachment")


def test_a_thumbnail_is_small(client: TestClient) -> None:
    (picture,) = draw(client, "a fox")
    answer = client.get(f"/api/pictures/{picture['id']}/thumb")
    with Image.open(io.BytesIO(answer.content)) as image:
        assert (image.format, max(image.size)) == ("WEBP", 256)


def test_a_zip_holds_each_picture_whole(client: TestClient) -> None:
    pictures = draw(client, "a fox", 3)
    answer = client.post("/api/pictures/export", json={"ids": [picture["id"] for picture in pictures]})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == 3
        first = archive.read(archive.namelist()[0])
    assert first == client.get(pictures[0]["url"]).content


def test_search_albums_favourites_and_deleting(client: TestClient, alone: FastAPI) -> None:
    one, two = draw(client, "a singular heron", 2)
    assert len(client.get("/api/pictures", params={"words": "singul her"}).json()["pictures"]) == 2
    client.post("/api/pictures/mark", json={"ids": [one["id"]], "favourite": True})
    found = client.get("/api/pictures", params={"words": "heron", "favourite": True}).json()["pictures"]
    assert [kept["id"] for kept in found] == [one["id"]]
    album = client.post("/api/albums", json={"name": "birds"}).json()["id"]
    assert client.post("/api/albums", json={"name": "birds"}).json()["error"]["field"] == "name"
    client.post(f"/api/albums/{album}/pictures", json={"ids": [one["id"], two["id"]]})
    client.post(f"/api/albums/{album}/pictures/remove", json={"ids": [two["id"]]})
    assert client.get("/api/pictures", params={"album": album}).json()["pictures"][0]["id"] == one["id"]
    assert client.post("/api/pictures/delete", json={"ids": [one["id"], two["id"]]}).status_code == 204
    assert client.get(one["url"]).status_code == 404
    assert client.get("/api/pictures", params={"words": "heron"}).json()["pictures"] == []
    assert one["sha256"] not in set(alone.state.house.blobs.names())
    assert client.delete(f"/api/albums/{album}").status_code == 204


def test_the_studio_draws_shows_and_reads(client: TestClient) -> None:
    card = client.post("/studio/jobs", data={"words": "a <i>fox</i>", "count": "2"}, headers={"HX-Request": "true"})
    assert "sse-connect" in card.text
    assert "<i>" not in card.text
    refused = client.post("/studio/jobs", data={"words": "", "count": "2"}, headers={"HX-Request": "true"})
    assert (refused.status_code, refused.headers["hx-retarget"]) == (422, "#composer-error")
    job = client.get("/api/jobs", params={"limit": 1}).json()[0]
    with client.stream("GET", f"/studio/jobs/{job['id']}/events") as stream:
        told = "\n".join(stream.iter_lines())
    assert "event: ended" in told
    picture = client.get(f"/api/jobs/{job['id']}").json()["pictures"][0]
    for path in ("/", "/pictures", "/pictures?words=fox", f"/pictures/{picture['id']}", "/read", "/?words=hello"):
        page = client.get(path, headers={"Accept": "text/html", "Accept-Language": "zh"})
        assert page.status_code == 200, path
        assert 'lang="zh"' in page.text
    content = client.get(picture["url"]).content
    assert "a &lt;i&gt;fox" in client.post("/studio/read", files={"file": ("x.png", content)}).text
    assert "sse-connect" in client.post(f"/studio/pictures/{picture['id']}/vary").text
    assert "★" in client.post(f"/studio/pictures/{picture['id']}/favourite").text
    assert client.delete(f"/studio/pictures/{picture['id']}").headers["hx-location"] == "/pictures"
    lost = client.get("/pictures/nothing", headers={"Accept": "text/html"})
    assert (lost.status_code, "<h1>" in lost.text) == (404, True)
    assert "Free" in client.post("/studio/cost", data={"words": "a fox", "count": "1"}).text
