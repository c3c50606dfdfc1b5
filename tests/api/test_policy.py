"""Refused, told why, appealed, decided and counted."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from sqlalchemy import func, select

from impasto.core import Verdict
from impasto.storage.tables.safety import VerdictRow
from impasto.storage.tables.work import JobRow

from .conftest import PASSWORD, client_of

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.testclient import TestClient

NUDE = "a nude woman"


def png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 64), "pink").save(out, "PNG")
    return out.getvalue()


def doors(client: TestClient, words: str):
    """The same words by every door that draws."""
    text = {"prompt": words, "size": "256x256"}
    image = base64.b64encode(png()).decode()
    yield client.post("/api/jobs", json={"words": words})
    yield client.post("/api/draw", json={"words": words})
    yield client.post("/v1/images/generations", json=text)
    yield client.post("/v1/images/edits", data=text, files={"image": ("a.png", png(), "image/png")})
    yield client.post("/sdapi/v1/txt2img", json={"prompt": words})
    yield client.post("/sdapi/v1/img2img", json={"prompt": words, "init_images": [image]})


def rows(app: FastAPI, table: type) -> int:
    with app.state.house.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


@pytest.mark.parametrize("words", [NUDE, "n.u.d.e", "{nu|nu}de", "a sexy little girl", "裸体"])
def test_no_door_draws_what_the_policy_refuses(alone, client, words):
    before, jobs = rows(alone, VerdictRow), rows(alone, JobRow)
    answers = list(doors(client, words))
    assert {answer.status_code for answer in answers} <= {400, 403}
    assert all("refused" in answer.text or "policy" in answer.text for answer in answers)
    assert (rows(alone, VerdictRow), rows(alone, JobRow)) == (before + len(answers), jobs)


def test_a_refusal_says_what_fired_by_which_policy_and_that_nothing_was_charged(client):
    said = client.post("/api/jobs", json={"words": NUDE}).json()["error"]
    assert said["code"] == "refused"
    for part in ("explicit", "“nude”", "score 1", "the limit is 0.8", "policy standard 1", "nothing was charged"):
        assert part in said["message"]


def test_negative_words_are_not_judged(client):
    assert client.post("/api/draw", json={"words": "a woman", "negative": "nude"}).status_code == 200


def test_what_is_brought_along_is_judged_too(alone, client, monkeypatch):
    seen = []

    def judge(self, pixels, model, stage):
        seen.append(stage)
        return Verdict(code="explicit", rule="something sexual", does="refuse", score=0.9, stage=stage, policy="x 1")

    monkeypatch.setattr("impasto.safety.pixels.NsfwJudge.judge", judge)
    answer = client.post("/api/jobs", data={"words": "a fox"}, files={"init": ("a.png", png(), "image/png")})
    assert answer.status_code == 403
    assert "the picture it starts from looks like something sexual" in answer.text
    assert seen == ["init"]


def test_who_wins_an_appeal_may_use_those_words_and_nobody_else(shared):
    ann, ben = client_of(shared, "appeals@example.org"), client_of(shared, "watches@example.org")
    owner = client_of(shared, "owner@example.org")
    assert ann.post("/api/jobs", json={"words": NUDE}).status_code == 403
    [verdict] = ann.get("/api/verdicts").json()
    assert (verdict["category"], verdict["appeal"]) == ("explicit", "")
    assert NUDE not in str(verdict)
    asked = {"verdict": verdict["id"], "words": NUDE, "says": "it is a study of Renoir"}
    assert ben.post("/api/appeals", json=asked).status_code == 404
    assert ann.post("/api/appeals", json=asked | {"words": "other"}).json()["error"]["field"] == "words"
    made = ann.post("/api/appeals", json=asked)
    assert made.status_code == 201
    assert ann.post("/api/appeals", json=asked).status_code == 409
    assert ann.get("/api/review/appeals").status_code == 403
    [waiting] = owner.get("/api/review/appeals").json()
    assert (waiting["words"], waiting["category"]) == (NUDE, "explicit")
    decision = {"overturn": True, "reason": "art"}
    assert owner.post(f"/api/review/appeals/{waiting['id']}", json=decision).json()["state"] == "overturned"
    assert owner.post(f"/api/review/appeals/{waiting['id']}", json=decision).status_code == 409
    assert ann.post("/api/draw", json={"words": NUDE}).status_code == 200
    assert ann.post("/api/draw", json={"words": "a naked woman"}).status_code == 403
    assert ben.post("/api/draw", json={"words": NUDE}).status_code == 403
    numbers = owner.get("/api/transparency").json()
    assert (numbers["appealed"], numbers["overturned"]) == (1, 1)
    assert numbers["refused"]["explicit"] >= 3


def test_about_children_two_reviewers_must_agree(shared):
    ann, owner = client_of(shared, "hard@example.org"), client_of(shared, "owner@example.org")
    words = "children who learn about sex"
    assert ann.post("/api/jobs", json={"words": words}).status_code == 403
    [verdict] = ann.get("/api/verdicts").json()
    made = ann.post("/api/appeals", json={"verdict": verdict["id"], "words": words, "says": "for a school"}).json()
    path, yes = f"/api/review/appeals/{made['id']}", {"overturn": True, "reason": "it is a school"}
    assert owner.post(path, json=yes).json()["state"] == "second"
    assert owner.post(path, json=yes).status_code == 403
    people = shared.state.house.people
    key = client_of(shared, "second@example.org")
    second = people.find_email("second@example.org")
    caller = people.sign_in("owner@example.org", PASSWORD, source="roles").caller
    people.set_role(caller, second.id, "reviewer")
    assert key.post(path, json=yes).json()["state"] == "overturned"
    assert ann.post("/api/draw", json={"words": words}).status_code == 200
