"""Impasto's own dialect: asking, watching, cancelling, waiting."""

from __future__ import annotations

import io
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

if TYPE_CHECKING:
    from starlette.testclient import TestClient


def ended(client: TestClient, job_id: str) -> dict[str, Any]:
    for _ in range(600):
        job = client.get(f"/api/jobs/{job_id}").json()
        if job["ended_at"]:
            return job
        time.sleep(0.02)
    raise AssertionError(f"it did not end: {job}")


def png(width: int = 8, height: int = 8) -> bytes:
    out = io.BytesIO()
    Image.new("RGBA", (width, height), "red").save(out, "PNG")
    return out.getvalue()


def test_a_job_is_asked_for_found_and_its_picture_read(client: TestClient) -> None:
    answer = client.post("/api/jobs", json={"words": "a red fox", "count": 2, "seed": 7})
    assert answer.status_code == 202
    job = ended(client, answer.headers["location"].rsplit("/", 1)[-1])
    assert (job["state"], job["count"], [picture["seed"] for picture in job["pictures"]]) == ("done", 2, [7, 8])
    file = client.get(job["pictures"][1]["url"])
    assert file.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(file.content)) as image:
        assert image.getpixel((0, 0)) == (8, 8, 8, 8)
        assert json.loads(image.text["impasto"])["seed"] == 8
    assert client.get("/api/jobs", params={"limit": 1}).json()[0]["id"] == job["id"]


def test_a_waiting_ask_is_answered_with_the_picture_itself(client: TestClient) -> None:
    answer = client.post("/api/draw", json={"words": "a fox", "seed": 3}, headers={"Accept": "image/png"})
    assert (answer.headers["content-type"], answer.headers["x-seed"]) == ("image/png", "3")
    assert client.post("/api/draw", json={"words": "a fox"}).json()["state"] == "done"


def test_events_tell_every_step_and_end_with_the_job(client: TestClient) -> None:
    job = client.post("/api/jobs", json={"words": "slow fox", "steps": 4}).json()
    with client.stream("GET", f"/api/jobs/{job['id']}/events") as stream:
        client.delete(f"/api/jobs/{job['id']}")
        events = [line.removeprefix("event: ") for line in stream.iter_lines() if line.startswith("event: ")]
    assert events[-1] == "ended"
    assert set(events) <= {"job", "progress", "picture", "ended"}


def test_a_cancelled_job_ends_soon_and_stays_cancelled(client: TestClient) -> None:
    job = client.post("/api/jobs", json={"words": "slow fox", "count": 3}).json()
    waiting = client.post("/api/jobs", json={"words": "slow cat"}).json()
    assert client.delete(f"/api/jobs/{waiting['id']}").status_code == 200
    client.delete(f"/api/jobs/{job['id']}")
    for one in (job, waiting):
        assert ended(client, one["id"])["state"] == "cancelled"
    assert client.delete(f"/api/jobs/{job['id']}").json()["state"] == "cancelled"


def test_the_same_key_is_the_same_job(client: TestClient) -> None:
    headers = {"Idempotency-Key": "once"}
    first, again = (client.post("/api/jobs", json={"words": "a fox"}, headers=headers).json() for _ in range(2))
    assert first["id"] == again["id"]
    other = client.post("/api/jobs", json={"words": "a cat"}, headers=headers)
    assert (other.status_code, other.json()["error"]["field"]) == (409, "Idempotency-Key")


def test_a_picture_that_cannot_be_drawn_says_why(client: TestClient) -> None:
    answer = client.post("/api/draw", json={"words": "broken"})
    assert answer.status_code == 500
    assert "not finite" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("ask", "field"),
    [
        ({}, "words"),
        ({"words": ""}, "words"),
        ({"words": "x" * 2001}, "words"),
        ({"words": "a fox", "colour": "red"}, "colour"),
        ({"words": "a fox", "style": "baroque"}, "style"),
        ({"words": "a fox", "model": "minni"}, "model"),
        ({"words": "a fox", "count": 0}, "count"),
        ({"words": "a fox", "count": 65}, "count"),
        ({"words": "a fox", "seed": -1}, "seed"),
        ({"words": "a fox", "steps": 0}, "steps"),
        ({"words": "a fox", "guidance": 31}, "guidance"),
        ({"words": "a fox", "width_px": 256}, "height_px"),
        ({"words": "a fox", "width_px": 100, "height_px": 100}, "size"),
        ({"words": "a fox", "background": "blue"}, "background"),
        ({"words": "a fox", "sampler": "eular"}, "sampler"),
        ({"words": "a fox", "sigmas": "straight"}, "sigmas"),
        ({"words": "a fox", "priority": 11}, "priority"),
        ({"words": "a fox", "strength": 0.5}, "strength"),
        ({"words": "a fox", "init": "!!"}, "init"),
        ({"words": "a fox", "init": "https://example.org/x.png"}, "init"),
        ({"words": {"a": 1}}, "words"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_begun(client: TestClient, ask: dict[str, Any], field: str) -> None:
    before = len(client.get("/api/jobs", params={"limit": 200}).json())
    answer = client.post("/api/jobs", json=ask)
    assert answer.status_code in (404, 422)
    assert answer.json()["error"]["field"] == field
    assert len(client.get("/api/jobs", params={"limit": 200}).json()) == before


@pytest.mark.parametrize("body", ["", "[]", "{", "[" * 100_000])
def test_a_body_that_is_no_object_is_refused(client: TestClient, body: str) -> None:
    answer = client.post("/api/jobs", content=body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "body")


@pytest.mark.parametrize(
    "content",
    [b"", b"not a picture", png()[:40], b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.4", png(5000, 4000)],
    ids=["empty", "text", "cut", "svg", "pdf", "large"],
)
def test_a_file_that_is_no_good_picture_is_refused(client: TestClient, content: bytes) -> None:
    answer = client.post("/api/jobs", data={"words": "a fox"}, files={"init": ("x.png", content)})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "init")


def test_drawn_from_a_file(client: TestClient) -> None:
    files = {"init": ("x.png", png(300, 200)), "mask": ("m.png", png(300, 200))}
    job = client.post("/api/draw", data={"words": "a fox", "strength": "0.5"}, files=files).json()
    assert (job["kind"], job["state"]) == ("edit", "done")
    wrong = client.post("/api/draw", data={"words": "a fox"}, files={"init": png(8, 8), "mask": png(9, 9)})
    assert wrong.json()["error"]["field"] == "mask"


def test_too_large_a_body_is_refused_before_it_is_read(client: TestClient) -> None:
    answer = client.post("/api/jobs", content=b"x" * (21 * 2**20))
    assert answer.status_code == 413


def test_a_quote_begins_nothing(client: TestClient) -> None:
    assert client.post("/api/quote", json={"words": "a fox", "count": 3}).json()["count"] == 3
    assert client.post("/api/quote", json={"words": "a fox", "style": "none"}).json()["error"]["field"] == "style"


def test_models_say_what_an_ask_gets(client: TestClient) -> None:
    (mini,) = [model for model in client.get("/api/models").json() if model["name"] == "mini"]
    assert mini["style"] in [style["name"] for style in mini["styles"]]


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Host": "evil.example:8420"}])
def test_another_name_for_this_machine_is_not_answered(client: TestClient, headers: dict[str, str]) -> None:
    assert client.get("/api/models", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://localhost:9"}]
)
def test_a_page_from_elsewhere_cannot_ask(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/api/jobs", json={"words": "a fox"}, headers=headers).status_code == 403


def test_every_answer_is_guarded(client: TestClient) -> None:
    for path in ("/api/health", "/nowhere", "/", "/api/openapi.json"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-request-id"]
