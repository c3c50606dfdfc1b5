"""A house under load, in a process that is killed: jobs are asked for, watched and cancelled as fast as they go."""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from impasto.core import Caller, Drawing, Failed, ImageRequest, Init, ModelRef, Picture, Progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from impasto.api.house import House

ACCOUNTS = tuple(Caller(account=name, name=name) for name in ("ann", "bob", "cy"))
MICROS = 10**12


class Quick:
    """An engine that draws one colour, in three steps of a millisecond; one picture in four fails."""

    samplers, curves = ("euler",), ("karras",)

    def __init__(self, model: ModelRef) -> None:
        self.model = model

    def check(self, drawing: Drawing) -> None:
        pass

    def draw(self, drawings: Sequence[Drawing]) -> Iterator[Progress | Picture]:
        for index, drawing in enumerate(drawings):
            for step in range(3):
                time.sleep(0.001)
                yield Progress(index=index, step=step + 1, steps=3)
            if drawing.seed % 4 == 3:
                raise Failed({index: "its numbers are not finite"})
            colour = np.random.default_rng(drawing.seed % 5).integers(0, 256, 4, np.uint8)  # some are the same file
            pixels = np.broadcast_to(colour, (16, 16, 4)).copy()
            yield Picture(
                pixels=pixels, drawing=drawing, model=self.model, sigma_values=(1.0, 0.0), took_s=0.0, index=index
            )

    def close(self) -> None:
        pass


def main(folder: Path) -> None:
    """For each line on stdin, a life: "load" asks for jobs until it is killed, "end" ends when every job has, "tidy"
    when there is no file but those of pictures.

    Told on stdout: "begun PID", "open", "job ID ACCOUNT" for each that was accepted, and how it ended, "exit STATUS".
    Everything is imported once, and each life is a fork of this process.
    """
    import dbos  # noqa: F401
    from fastapi import FastAPI  # noqa: F401

    from impasto import app, local

    model = local.registry().find("mini").ref
    for life, line in enumerate(sys.stdin):
        child = os.fork()
        if child == 0:
            options = app.Options(data=folder, accounts=True)
            with app.open_house(options, engine_of=lambda name: Quick(model)) as house:
                _live(house, life, line.strip())
            os._exit(0)
        _tell(f"begun {child}")
        _, status = os.waitpid(child, 0)
        _tell(f"exit {os.waitstatus_to_exitcode(status)}")


def _live(house: House, life: int, how: str) -> None:
    _grant(house)
    _tell("open")
    if how == "load":
        for number in range(3):
            threading.Thread(target=_ask, args=(house, life * 10 + number), daemon=True).start()
        time.sleep(600)
    while any(not one.ended for who in ACCOUNTS for one in house.desk.jobs(who, limit=200)):
        time.sleep(0.05)
    while how == "tidy" and set(house.blobs.names()) - _named(house):
        time.sleep(0.05)


def _named(house: House) -> set[str]:
    from sqlalchemy import select

    from impasto.storage.tables.gallery import PictureRow

    with house.database.read() as session:
        return set(session.scalars(select(PictureRow.sha256)))


def _tell(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def _grant(house: House) -> None:
    from impasto.ledger import book

    for who in ACCOUNTS:
        with house.database.session() as session:
            book.grant(session, who.account, MICROS, key=who.account, reason="a test", by="", at=house.clock.now())


def _ask(house: House, seed: int) -> None:
    """Asks again with the same key now and then, as a client does that has heard no answer."""
    rng = random.Random(seed)
    number = 0
    while True:
        number += 1
        who, key = rng.choice(ACCOUNTS), f"{seed}-{number}"
        request = ImageRequest(words=f"a fox {number}", seed=rng.randrange(1000), count=rng.choice((1, 1, 2, 5)))
        if rng.random() < 0.2:
            request = replace(request, init=Init(sha256="ab" * 32, pixels=np.full((32, 32, 4), number % 256, np.uint8)))
        jobs = [house.desk.submit(who, request, key=key) for _ in range(rng.choice((1, 2)))]
        assert len({job.id for job in jobs}) == 1
        _tell(f"job {jobs[0].id} {who.account}")
        if rng.random() < 0.3:
            house.desk.cancel(who, jobs[0].id)
        time.sleep(rng.random() * 0.02)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
