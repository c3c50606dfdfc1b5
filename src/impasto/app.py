"""The composition root of the server: settings -> a house -> a web application. `impasto serve` runs it."""

from __future__ import annotations

import secrets
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from impasto import local
from impasto.core import Busy
from impasto.settings import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fastapi import FastAPI

    from impasto.api.house import House
    from impasto.jobs.durable import Durable
    from impasto.jobs.rounds import Chore
    from impasto.models.cards import Card
    from impasto.ports import Engine, Marker
    from impasto.storage.database import Database
    from impasto.workflows.job import Shop


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
    from impasto.studio.mount import mount

    with open_house(options, engine_of=engine_of or installed_engine) as house:
        app = make_app(house)
        mount(app)
        yield app


@contextmanager
def open_house(options: Options, *, engine_of: Callable[[str], Engine]) -> Iterator[House]:
    """Everything behind the doors, at work. Raises Busy if another process serves from the same folder."""
    from impasto.accounts.limits import Limiter
    from impasto.accounts.people import People
    from impasto.api.house import HERE, House
    from impasto.safety.credentials import Signing
    from impasto.storage.database import open_database
    from impasto.workflows.desk import Desk
    from impasto.workflows.gallery import Gallery

    options.data.mkdir(parents=True, exist_ok=True)
    with only_one(options.data), closing(open_database(f"sqlite:///{options.data / 'impasto.db'}")) as database:
        signing = Signing(options.data / "credentials")
        shop = shop_of(options, database, engine_of, signing)
        tries = Limiter(clock=time.monotonic, limit=10, window_s=60)
        people = People(database, shop.clock, welcome_micros=shop.prices.welcome_micros, tries=tries)
        with at_work(shop, options.data / "jobs.db") as durable:
            yield House(
                desk=Desk(shop, cards=installed_cards, enqueue=durable.enqueue),
                gallery=Gallery(database, shop.blobs, shop.clock),
                database=database,
                blobs=shop.blobs,
                clock=shop.clock,
                people=people if options.accounts else None,
                limiter=Limiter(clock=time.monotonic),
                hosts=HERE | options.hosts,
                secret=secret_of(options.data),
                marker=signing,
            )


def shop_of(options: Options, database: Database, engine_of: Callable[[str], Engine], marker: Marker) -> Shop:
    from impasto.jobs.easel import Easel
    from impasto.jobs.hub import Hub
    from impasto.ledger.prices import Free, listed
    from impasto.safety.pixels import NsfwJudge
    from impasto.safety.policy import Policies
    from impasto.safety.words import ListJudge
    from impasto.storage.blobs import FolderBlobs
    from impasto.workflows.job import Shop

    def card_of(name: str) -> Card:
        return local.registry().find(name).card

    policies = Policies(lambda name: local.registry().find(name).folder, options.data / "exceptions.toml")
    return Shop(
        database=database,
        blobs=FolderBlobs(options.data / "files"),
        prices=listed() if options.accounts else Free(),
        easel=Easel(engine_of),
        hub=Hub(),
        clock=SystemClock(),
        card_of=card_of,
        words_judge=ListJudge(policies.of),
        pixels_judge=NsfwJudge(policies.of, lambda name: card_of(name).model.family == "mini"),
        marker=marker,
        wildcards=settings().wildcards_folder,
    )


@contextmanager
def at_work(shop: Shop, file: Path) -> Iterator[Durable]:
    """Jobs are walked, and the rounds made, until the block is left."""
    from impasto.jobs.durable import Durable
    from impasto.jobs.rounds import Rounds
    from impasto.workflows import job

    durable = Durable(file=file, run=lambda job_id: job.run(shop, job_id))
    rounds = Rounds(chores(shop, durable))
    shop.easel.start()
    durable.start()
    rounds.start()
    try:
        yield durable
    finally:
        rounds.close()
        shop.easel.close()
        durable.close()


def chores(shop: Shop, durable: Durable) -> list[Chore]:
    from impasto.jobs.rounds import Chore
    from impasto.workflows import housekeeping, job

    opened_at, hour = shop.clock.now(), timedelta(hours=1)
    return [
        Chore(every_s=60, do=lambda: durable.hand_over(job.unfinished(shop))),
        Chore(every_s=60, do=lambda: housekeeping.expire(shop)),
        Chore(every_s=600, do=lambda: durable.forget(shop.clock.now() - housekeeping.KEPT_FOR)),
        Chore(every_s=3600, do=lambda: housekeeping.drop_orphans(shop, max(opened_at, shop.clock.now() - hour))),
    ]


@contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Two processes over one folder would both do the same work. The lock goes with the process that holds it."""
    from filelock import FileLock, Timeout

    lock = FileLock(data / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise Busy(f"another Impasto serves from {data} already", retry_after_s=60) from error
    try:
        yield
    finally:
        lock.release()


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
