"""The composition root of the server: settings -> a house -> a web application. `impasto serve` runs it."""

from __future__ import annotations

import secrets
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from impasto import local
from impasto.settings import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fastapi import FastAPI

    from impasto.api.house import House
    from impasto.models.cards import Card
    from impasto.ports import Engine


class SystemClock:
    """ports.Clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a server is told when it is started."""

    data: Path
    accounts: bool = False
    """many people, each with an account and credits; else one person, who is here"""
    hosts: frozenset[str] = frozenset()
    """names of this machine besides localhost"""


@contextmanager
def open_app(options: Options, *, engine_of: Callable[[str], Engine] | None = None) -> Iterator[FastAPI]:
    """The application with its worker running, until the block is left. `engine_of` opens a model's engine."""
    from impasto.api.web import make_app

    with open_house(options, engine_of=engine_of or installed_engine) as house:
        yield make_app(house)


@contextmanager
def open_house(options: Options, *, engine_of: Callable[[str], Engine]) -> Iterator[House]:
    from impasto.accounts.limits import Limiter
    from impasto.accounts.people import People
    from impasto.api.house import House
    from impasto.jobs.durable import Durable
    from impasto.jobs.easel import Easel
    from impasto.jobs.hub import Hub
    from impasto.ledger.prices import Free, listed
    from impasto.storage.blobs import FolderBlobs
    from impasto.storage.database import open_database
    from impasto.workflows import job
    from impasto.workflows.desk import Desk
    from impasto.workflows.gallery import Gallery
    from impasto.workflows.twins import Permissive, Unmarked

    options.data.mkdir(parents=True, exist_ok=True)
    clock, blobs = SystemClock(), FolderBlobs(options.data / "files")
    database = open_database(f"sqlite:///{options.data / 'impasto.db'}")
    prices = listed() if options.accounts else Free()
    easel = Easel(engine_of)
    shop = job.Shop(
        database=database,
        blobs=blobs,
        prices=prices,
        easel=easel,
        hub=Hub(),
        clock=clock,
        card_of=lambda name: local.registry().find(name).card,
        words_judge=Permissive(),
        pixels_judge=Permissive(),
        marker=Unmarked(),
        wildcards=settings().wildcards_folder,
    )
    durable = Durable(database_url=f"sqlite:///{options.data / 'jobs.db'}", run=lambda job_id: job.run(shop, job_id))
    easel.start()
    durable.start(job.unfinished(shop))
    try:
        yield House(
            desk=Desk(shop, cards=installed_cards, enqueue=durable.enqueue),
            gallery=Gallery(database, blobs, clock),
            database=database,
            blobs=blobs,
            clock=clock,
            people=People(database, clock, welcome_micros=prices.welcome_micros) if options.accounts else None,
            limiter=Limiter(clock=time.monotonic),
            hosts=House.__dataclass_fields__["hosts"].default | options.hosts,
            secret=secret_of(options.data),
        )
    finally:
        easel.close()
        durable.close()
        database.close()


def installed_engine(name: str) -> Engine:
    return local.engine_of(local.registry().find(name))


def installed_cards() -> list[Card]:
    """The default model's first."""
    cards = [model.card for model in local.registry().all()]
    return sorted(cards, key=lambda card: card.model.name != settings().model)


def secret_of(data: Path) -> bytes:
    """The house's own secret, made the first time and kept beside the data, readable by its owner alone."""
    path = data / "secret"
    if not path.exists():
        part = data / f".secret.{secrets.token_hex(4)}"
        part.touch(mode=0o600)
        part.write_bytes(secrets.token_bytes(32))
        try:
            path.hardlink_to(part)
        except FileExistsError:
            pass
        finally:
            part.unlink()
    return path.read_bytes()
