"""Accounts, credits, and two people who never see each other's things."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from impasto.ledger.validate import validate

from .conftest import PASSWORD, client_of
from .test_jobs import ended

if TYPE_CHECKING:
    from fastapi import FastAPI

OPEN = {
    *("/api/health", "/api/accounts", "/api/session", "/api/openapi.json", "/sign-in", "/studio/sign-in", "/static"),
    "/api/transparency",
    "/v1/images/files/{account}/{picture_id}.{ending}",
}
"""routes for who is not signed in; the last one's links are signed"""


def test_signing_up_in_and_out(shared: FastAPI) -> None:
    browser = TestClient(shared, base_url="http://localhost")
    credentials = {"email": "cookie@example.org", "password": PASSWORD}
    assert browser.get("/api/me").status_code == 401
    assert browser.post("/api/accounts", json=credentials).json()["role"] == "member"
    assert browser.post("/api/accounts", json=credentials).status_code == 409
    me = browser.post("/api/session", json=credentials).json()
    assert browser.get("/api/me").json()["csrf"] == me["csrf"]
    without = browser.post("/api/jobs", json={"words": "a fox"})
    assert without.status_code == 403
    answer = browser.post("/api/jobs", json={"words": "a fox"}, headers={"X-CSRF-Token": me["csrf"]})
    assert answer.status_code == 202
    assert browser.delete("/api/session", headers={"X-CSRF-Token": me["csrf"]}).status_code == 204
    assert browser.get("/api/me").status_code == 401


def test_a_new_account_has_five_hundred_pictures_and_pays_for_what_it_gets(shared: FastAPI) -> None:
    ann = client_of(shared, "pays@example.org")
    assert ann.get("/api/balance").json() == {"available_micros": 100_000_000, "held_micros": 0}
    assert ann.post("/api/quote", json={"words": "a fox", "count": 50}).json()["credit_micros"] == 10_000_000
    ann.post("/api/draw", json={"words": "a fox", "count": 3})
    assert ann.post("/api/draw", json={"words": "broken"}).status_code == 500
    slow = ann.post("/api/jobs", json={"words": "slow fox"}).json()
    assert ann.get("/api/balance").json()["held_micros"] == 200_000
    ann.delete(f"/api/jobs/{slow['id']}")
    ended(ann, slow["id"])
    assert ann.get("/api/balance").json() == {"available_micros": 99_400_000, "held_micros": 0}
    statement = ann.get("/api/statement.csv").text
    assert "post,-600000,99400000" in statement
    with shared.state.house.database.read() as session:
        assert validate(session) == []


def test_who_cannot_pay_is_told_what_it_costs(shared: FastAPI) -> None:
    ann = client_of(shared, "poor@example.org")
    jobs = [ann.post("/api/jobs", json={"words": "slow", "count": 64}) for _ in range(9)]
    refused = jobs[-1]
    assert refused.status_code == 402
    assert "12.8 credits" in refused.json()["error"]["message"]
    for job in jobs[:-1]:
        if job.status_code == 202:
            ann.delete(f"/api/jobs/{job.json()['id']}")


def test_the_operator_gives_and_gives_back_once(shared: FastAPI) -> None:
    owner = client_of(shared, "owner@example.org", ("draw", "read", "account", "admin"))
    ann = client_of(shared, "given@example.org")
    account = ann.get("/api/me").json()["account"]
    gift = {"account": account, "micros": 5_000_000, "reason": "a bug found"}
    for _ in range(2):
        given = owner.post("/api/admin/grants", json=gift, headers={"Idempotency-Key": "gift"})
    assert given.json()["available_micros"] == 105_000_000
    job = ann.post("/api/draw", json={"words": "a fox"}).json()
    back = {"job": job["id"], "micros": 200_000, "reason": "blurred"}
    assert owner.post("/api/admin/refunds", json=back).json()["available_micros"] == 105_000_000
    assert owner.post("/api/admin/refunds", json=back).status_code == 422
    assert ann.post("/api/admin/grants", json=gift).status_code == 403
    assert owner.post("/api/admin/grants", json={**gift, "account": "nobody"}).status_code == 404


def test_a_key_does_what_it_says_and_no_more(shared: FastAPI) -> None:
    reader = client_of(shared, "reads@example.org", ("read",))
    assert reader.get("/api/pictures").status_code == 200
    for refused in (
        reader.post("/api/jobs", json={"words": "a fox"}),
        reader.get("/api/balance"),
        reader.get("/api/keys"),
        reader.post("/api/keys", json={"name": "more", "scopes": ["draw"]}),
    ):
        assert refused.status_code == 403


def test_who_asks_too_fast_is_told_when_to_ask_again(shared: FastAPI) -> None:
    fast = client_of(shared, "fast@example.org")
    first = fast.get("/api/me").headers
    assert (first["ratelimit-limit"], first["ratelimit-remaining"]) == ("150", "149")
    answers = [fast.get("/api/me") for _ in range(160)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert 1 <= int(refused[0].headers["retry-after"]) <= 10


def every_route(app: FastAPI) -> list[tuple[str, str]]:
    """(method, path) of every route, also of those that no document tells of."""
    found = []

    def walk(routes: list, prefix: str = "") -> None:
        for route in routes:
            path = prefix + getattr(route, "path", "")
            if getattr(route, "methods", None):
                found.extend((method, path) for method in sorted(route.methods - {"HEAD", "OPTIONS"}))
            elif getattr(route, "routes", None):
                walk(route.routes, path)
            elif hasattr(route, "original_router"):
                walk(route.original_router.routes, prefix)

    walk(app.routes)
    return found


def test_every_route_asks_who_is_there(shared: FastAPI) -> None:
    nobody = TestClient(shared, base_url="http://localhost", follow_redirects=False, raise_server_exceptions=False)
    routes = every_route(shared)
    assert len(routes) > 70
    for method, path in routes:
        if path in OPEN:
            continue
        answer = nobody.request(method, re.sub(r"{\w+}", "x", path), json={})
        assert answer.status_code in (303, 401, 422), (method, path, answer.status_code)
        if answer.status_code == 303:
            assert answer.headers["location"] == "/sign-in"
        if answer.status_code == 422:  # the body is read first; with a good one it would be 401
            assert method in ("POST", "PATCH")


def test_nobody_gets_at_anothers_things_by_any_route(shared: FastAPI) -> None:
    ann, eve = client_of(shared, "ann@example.org"), client_of(shared, "eve@example.org")
    job = ann.post("/api/draw", json={"words": "a secret fox"}).json()
    album = ann.post("/api/albums", json={"name": "mine"}).json()
    key = ann.post("/api/keys", json={"name": "mine"}).json()
    picture = job["pictures"][0]["id"]
    ann.post("/api/jobs", json={"words": "a secret nude"})
    verdict = ann.get("/api/verdicts").json()[0]["id"]
    appeal = ann.post("/api/appeals", json={"verdict": verdict, "words": "a secret nude", "says": "why"}).json()
    ids = {"job_id": job["id"], "picture_id": picture, "album_id": album["id"], "key_id": key["id"]}
    ids["appeal_id"] = appeal["id"]
    bodies = {
        "/api/review/appeals/{appeal_id}": {"overturn": True, "reason": "hers"},
        "/api/albums/{album_id}": {"name": "hers"},
        "/api/albums/{album_id}/pictures": {"ids": [picture]},
        "/api/albums/{album_id}/pictures/remove": {"ids": [picture]},
    }
    others = {"account", "name", "ending"}  # ids that are no person's own, or stand in a signed link
    for method, path in every_route(shared):
        named = set(re.findall(r"{(\w+)}", path))
        if not named or named <= others or "images/files" in path:
            continue
        assert named <= ids.keys(), f"say here whose {named - ids.keys()} is: {path}"
        answer = eve.request(method, path.format(**ids), json=bodies.get(path))
        no = (403,) if path.startswith("/api/review/") else (404, 422)
        assert answer.status_code in no, (method, path, answer.status_code)
        assert "secret" not in answer.text
    for path in ("/api/pictures/mark", "/api/pictures/delete", "/api/pictures/export"):
        body = {"ids": [picture], **({"favourite": True} if path.endswith("mark") else {})}
        assert eve.post(path, json=body).status_code == 404
    assert eve.get("/api/pictures", params={"words": "secret"}).json()["pictures"] == []
    assert eve.get("/api/jobs").json() == []
    assert ann.get(f"/api/pictures/{picture}/file").status_code == 200
    assert [kept["id"] for kept in ann.get("/api/keys").json()].count(key["id"]) == 1


@pytest.mark.parametrize("field", ["until", "size", "sign"])
def test_a_link_works_as_it_was_given_and_not_otherwise(shared: FastAPI, field: str) -> None:
    ann = client_of(shared, "links@example.org")
    answer = ann.post("/v1/images/generations", json={"prompt": "a fox", "response_format": "url"})
    link = answer.json()["data"][0]["url"]
    nobody = TestClient(shared, base_url="http://localhost")
    assert nobody.get(link).headers["content-type"] == "image/png"
    changed = re.sub(rf"{field}=(\w)", lambda found: f"{field}={'2' if found[1] == '1' else '1'}", link)
    assert nobody.get(changed).status_code == 404
