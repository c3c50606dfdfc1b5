"""The real application over a folder of its own, with an engine that draws one colour at once."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest
from starlette.testclient import TestClient

from impasto import local
from impasto.app import Options, open_app
from impasto.core import Drawing, Failed, NotFound, Picture, Progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fastapi import FastAPI

    from impasto.core import ModelRef

PASSWORD = "a quite good one"


class Quick:
    """Draws the words "slow …" in a hundred steps of 20 ms, anything else in two at once; "broken" it cannot draw."""

    samplers, curves = ("euler", "heun", "dpmpp_2m"), ("flow", "karras")

    def __init__(self, model: ModelRef) -> None:
        self.model = model

    def check(self, drawing: Drawing) -> None:
        pass

    def draw(self, drawings: Sequence[Drawing]) -> Iterator[Progress | Picture]:
        for index, drawing in enumerate(drawings):
            steps, pause_s = (100, 0.02) if drawing.words.startswith("slow") else (2, 0.0)
            for step in range(1, steps + 1):
                time.sleep(pause_s)
                yield Progress(index=index, step=step, steps=steps, preview=np.full((16, 16, 4), 200, np.uint8))
            if drawing.words == "broken":
                raise Failed({index: "its numbers are not finite"})
            pixels = np.full((drawing.height_px, drawing.width_px, 4), drawing.seed % 256, np.uint8)
            yield Picture(
                pixels=pixels, drawing=drawing, model=self.model, sigma_values=(1.0, 0.0), took_s=0.0, index=index
            )

    def close(self) -> None:
        pass


def quick(name: str) -> Quick:
    return Quick(local.registry().find(name).ref)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """One person, on their own machine."""
    with open_app(Options(data=tmp_path_factory.mktemp("alone")), engine_of=quick) as app:
        yield app


@pytest.fixture
def client(alone: FastAPI) -> TestClient:
    return TestClient(alone, base_url="http://localhost", raise_server_exceptions=False)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """Many people; the first to come, owner@example.org, owns the house."""
    with open_app(Options(data=tmp_path_factory.mktemp("shared"), accounts=True), engine_of=quick) as app:
        app.state.house.people.sign_up("owner@example.org", PASSWORD)
        yield app


def key_of(app: FastAPI, email: str, scopes: tuple[str, ...] = ("draw", "read", "account")) -> str:
    """A key of someone who signs up now, or has before."""
    people = app.state.house.people
    try:
        person = people.find_email(email)
    except NotFound:
        person = people.sign_up(email, PASSWORD)
    caller = people.sign_in(email, PASSWORD, source=f"{email} {time.monotonic()}").caller
    assert caller.account == person.id
    return people.new_key(caller, "test", scopes).secret


def client_of(app: FastAPI, email: str, scopes: tuple[str, ...] = ("draw", "read", "account")) -> TestClient:
    headers = {"Authorization": f"Bearer {key_of(app, email, scopes)}"}
    return TestClient(app, base_url="http://localhost", headers=headers, raise_server_exceptions=False)


@contextmanager
def listening(app: FastAPI) -> Iterator[int]:
    """The application at a port of this machine, for clients that speak HTTP themselves."""
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(10)
