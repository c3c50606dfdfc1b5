"""`impasto serve` as a process: asked over HTTP, watched, cancelled, killed, begun again, and ended."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.enable_socket

LONG = {"words": "a red fox", "steps": 150, "count": 64}
"""goes on for a while"""


@pytest.fixture
def port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture(autouse=True)
def tiny(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_MODELS_FOLDER", str(tiny_model.parent))
    monkeypatch.setenv("IMPASTO_MODEL", "tiny")


def begin(port: int, data: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "impasto", "serve", "--port", str(port), "--data", str(data), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@contextmanager
def serving(port: int, data: Path, *more: str) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    process = begin(port, data, *more)
    try:
        with httpx.Client(base_url=f"http://localhost:{port}", timeout=60, trust_env=False) as client:
            for _ in range(600):
                if process.poll() is not None:
                    raise AssertionError(process.communicate())
                try:
                    client.get("/api/health").raise_for_status()
                    break
                except httpx.ConnectError:
                    time.sleep(0.05)
            yield process, client
    finally:
        process.kill()
        process.communicate()


def ended(client: httpx.Client, job_id: str) -> dict:
    for _ in range(1200):
        job = client.get(f"/api/jobs/{job_id}").json()
        if job["ended_at"]:
            return job
        time.sleep(0.05)
    raise AssertionError(job)


def events(client: httpx.Client, job_id: str) -> Iterator[tuple[str, dict]]:
    with client.stream("GET", f"/api/jobs/{job_id}/events") as stream:
        name = ""
        for line in stream.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                yield name, json.loads(line.removeprefix("data: "))


def test_the_whole_road(tmp_path, port):
    data = tmp_path / "data"
    with serving(port, data) as (process, client):
        asked = client.post("/api/jobs", json={"words": "a red fox", "steps": 20, "count": 2, "seed": 7})
        assert asked.status_code == 202
        heard = list(events(client, asked.json()["id"]))
        assert [event["index"] for name, event in heard if name == "picture"] == [0, 1]
        assert any(name == "progress" for name, _ in heard)
        name, job = heard[-1]
        assert (name, job["state"]) == ("ended", "done")
        file = client.get(job["pictures"][0]["url"])
        assert file.content.startswith(b"\x89PNG")

        drawn = client.post("/api/draw", json={"words": "a red fox", "seed": 9}, headers={"Accept": "image/png"})
        assert (drawn.status_code, drawn.headers["X-Seed"]) == (200, "9")

        long = client.post("/api/jobs", json=LONG).json()["id"]
        assert client.delete(f"/api/jobs/{long}").status_code == 200
        assert ended(client, long)["state"] == "cancelled"

        cut_off = client.post("/api/jobs", json={**LONG, "count": 8}).json()["id"]
        process.send_signal(signal.SIGKILL)
        process.wait()

    with serving(port, data) as (process, client):
        again = ended(client, cut_off)
        assert (again["state"], len(again["pictures"])) == ("done", 8)
        assert client.get(job["pictures"][0]["url"]).content == file.content

        begun = client.post("/api/jobs", json=LONG).json()["id"]
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert "Traceback" not in errors

    with serving(port, data) as (_, client):
        assert client.get(f"/api/jobs/{begun}").json()["ended_at"] is None, "it goes on where it was"
        assert client.delete(f"/api/jobs/{begun}").status_code == 200


def test_one_folder_is_served_by_one_process(tmp_path, port):
    with serving(port, tmp_path / "data"):
        second = begin(port, tmp_path / "data")
        _, errors = second.communicate(timeout=60)
    assert second.returncode != 0
    assert "serves from" in errors
    assert "Traceback" not in errors


def test_who_is_alone_is_not_open_to_others(tmp_path, port):
    process = begin(port, tmp_path / "data", "--host", "0.0.0.0")
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "--accounts" in errors


def test_with_accounts_pictures_are_paid_for(tmp_path, port):
    with serving(port, tmp_path / "data", "--accounts") as (_, client):
        assert client.post("/api/draw", json={"words": "a red fox"}).status_code == 401
        person = {"email": "ann@example.org", "password": "a quite good one"}
        client.post("/api/accounts", json=person).raise_for_status()
        token = client.post("/api/session", json=person).raise_for_status().json()
        client.headers["X-CSRF-Token"] = token["csrf"]
        job = client.post("/api/draw", json={"words": "a red fox", "count": 2}).raise_for_status().json()
        assert job["charged_micros"] == 400_000
        assert client.get("/api/balance").json() == {"available_micros": 99_600_000, "held_micros": 0}
