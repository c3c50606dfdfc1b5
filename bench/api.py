"""The server: what it adds to a picture, how many requests it answers, and what Mini loses behind it.

    python bench/api.py [--jobs 200] [--requests 1000] [--clients 50] [--pictures 100]

The first two with an engine that draws nothing, over HTTP in one process of its own, in local mode: the time from
asking at POST /api/draw until the answer, one at a time; and answers a second, `--clients` at once, to asking for a
job's state and for pictures. The last: `--pictures` pictures of Mini asked for by `--clients` clients at once, each of
which waits for one before it asks for the next, against as many drawn in a plain loop, in turn, twice each.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import numpy as np

from impasto import local
from impasto.core import Drawing, ImageRequest, Picture, Progress

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from impasto.core import ModelRef

WORDS = "a red fox"


class Nothing:
    """An engine that draws one transparent picture over and over, at once."""

    samplers, curves = ("euler",), ("flow",)

    def __init__(self, model: ModelRef) -> None:
        self.model = model

    def check(self, drawing: Drawing) -> None:
        pass

    def draw(self, drawings: Sequence[Drawing]) -> Iterator[Progress | Picture]:
        for index, drawing in enumerate(drawings):
            yield Progress(index=index, step=1, steps=1)
            pixels = np.zeros((drawing.height_px, drawing.width_px, 4), np.uint8)
            yield Picture(
                pixels=pixels, drawing=drawing, model=self.model, sigma_values=(1.0, 0.0), took_s=0.0, index=index
            )

    def close(self) -> None:
        pass


def serve(data: Path, engine: str) -> None:
    """The child: serves at a port that it prints, until its standard input ends."""
    import socket
    import threading

    import uvicorn

    from impasto import app

    nothing = Nothing(local.registry().find("mini").ref)
    made = {"nothing": lambda name: nothing, "mini": app.installed_engine}[engine]
    # proto said, as asyncio sets TCP_NODELAY only then: without it each answer waits 40 ms for a delayed ACK
    at_once = socket.socket(proto=socket.IPPROTO_TCP)
    with at_once as listening, app.open_app(app.Options(data=data), engine_of=made) as web:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(web, log_level="warning"))
        threading.Thread(target=lambda: (sys.stdin.read(), setattr(server, "should_exit", True)), daemon=True).start()
        print(listening.getsockname()[1], flush=True)
        server.run(sockets=[listening])


class Server:
    """A process that serves from a folder of its own, for a with block."""

    def __init__(self, engine: str) -> None:
        self.folder = tempfile.TemporaryDirectory()
        command = [sys.executable, __file__, "--serve", self.folder.name, "--engine", engine]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> str:
        assert self.process.stdout is not None
        return f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(60)
        self.folder.cleanup()


async def draw(client: httpx.AsyncClient, seed: int) -> str:
    answer = await client.post("/api/draw", json={"words": WORDS, "seed": seed}, timeout=600)
    job = answer.raise_for_status().json()
    assert job["state"] == "done", job
    return str(job["id"])


async def crowd(
    url: str, clients: int, count: int, act: Callable[[httpx.AsyncClient, int], Awaitable[object]]
) -> float:
    """Seconds for `count` acts by `clients` at once, each doing one after another."""
    numbers = iter(range(count))

    async def one(client: httpx.AsyncClient) -> None:
        for number in numbers:
            await act(client, number)

    limits = httpx.Limits(max_connections=clients)
    async with httpx.AsyncClient(base_url=url, limits=limits, trust_env=False) as client:
        started = time.perf_counter()
        await asyncio.gather(*(one(client) for _ in range(clients)))
        return time.perf_counter() - started


async def overhead(url: str, jobs: int) -> list[float]:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        await draw(client, 0)
        took_s = []
        for seed in range(jobs):
            started = time.perf_counter()
            await draw(client, seed)
            took_s.append(time.perf_counter() - started)
        return took_s


async def answered(url: str, clients: int, requests: int, jobs: int) -> tuple[float, float]:
    """(states told a second, pictures of the null engine a second)."""
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        job_id = await draw(client, 0)

    async def look(client: httpx.AsyncClient, _: int) -> None:
        (await client.get(f"/api/jobs/{job_id}", timeout=60)).raise_for_status()

    looked_s = await crowd(url, clients, requests, look)
    return requests / looked_s, jobs / await crowd(url, clients, jobs, draw)


def plain_loop(pictures: int) -> float:
    """Seconds for Mini drawing them one by one, each encoded as the server encodes it."""
    from impasto.pictures.formats import encode

    started = time.perf_counter()
    for seed in range(pictures):
        for event in local.events(ImageRequest(words=WORDS, seed=seed)):
            if isinstance(event, Picture):
                encode(event, ".png")
    return time.perf_counter() - started


def mini(clients: int, pictures: int) -> tuple[float, float]:
    """(pictures a second in the plain loop, and behind the server), best of two each, in turn."""
    looped_s, served_s = [], []
    plain_loop(2)
    for _ in range(2):
        with Server("mini") as url:
            asyncio.run(crowd(url, 2, 2, draw))
            served_s.append(asyncio.run(crowd(url, clients, pictures, draw)))
        looped_s.append(plain_loop(pictures))
    return pictures / min(looped_s), pictures / min(served_s)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--pictures", type=int, default=100)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--engine", choices=("nothing", "mini"), help=argparse.SUPPRESS)
    said = parser.parse_args()
    if said.serve is not None:
        serve(said.serve, said.engine)
        return
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with Server("nothing") as url:
        took_ms = sorted(1000 * took_s for took_s in asyncio.run(overhead(url, said.jobs)))
        looked, drawn = asyncio.run(answered(url, said.clients, said.requests, said.jobs))
    worst = took_ms[int(0.95 * (len(took_ms) - 1))]
    print(f"overhead of a picture    {statistics.median(took_ms):8.1f} ms median, {worst:.1f} ms at 95 %")
    print(f"states told              {looked:8.0f} /s to {said.clients} clients")
    print(f"pictures of nothing      {drawn:8.1f} /s to {said.clients} clients")
    looped, served = mini(said.clients, said.pictures)
    print(f"Mini in a plain loop     {looped:8.2f} /s")
    print(f"Mini behind the server   {served:8.2f} /s to {said.clients} clients, {served / looped:.1%} of the loop")


if __name__ == "__main__":
    main()
