"""Killed at any moment under load, nothing is lost, doubled, or left lying about."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from impasto.ledger.validate import validate
from impasto.storage.blobs import FolderBlobs
from impasto.storage.database import open_database

HERE = Path(__file__).parent


class Mother:
    """Begins lives in a folder, one after another, and hears what they tell."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, str(HERE / "crashing.py"), str(folder)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.accepted: set[str] = set()

    def begin(self, what: str) -> int:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()
        return int(self.hear("begun"))

    def hear(self, what: str) -> str:
        """What comes after the next such word."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            word, _, rest = line.strip().partition(" ")
            if word == "job":
                self.accepted.add(rest.split()[0])
            if word == what:
                return rest
        raise AssertionError(f"it ended without telling {what}")

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()


@pytest.mark.parametrize("kills", [10, pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])])
def test_killed_at_random_moments_every_job_ends_once(tmp_path, kills):
    rng, mother = random.Random(kills), Mother(tmp_path)
    for _ in range(kills):
        life = mother.begin("load")
        if rng.random() < 0.9:  # else it is killed while it opens
            mother.hear("open")
        time.sleep(rng.random())
        os.kill(life, signal.SIGKILL)
        assert mother.hear("exit") == str(-signal.SIGKILL), "it ended by itself"
    for last in ("end", "tidy"):
        mother.begin(last)
        assert mother.hear("exit") == "0"
    mother.close()
    assert len(mother.accepted) > kills, "it was hardly under load"
    print(f"{kills} kills, {len(mother.accepted)} jobs")
    check_jobs(tmp_path, mother.accepted)
    check_money(tmp_path)
    check_files(tmp_path)


def rows(folder: Path, query: str, file: str = "impasto.db") -> list[tuple]:
    with closing(sqlite3.connect(folder / file)) as database:
        return database.execute(query).fetchall()


def check_jobs(folder: Path, accepted: set[str]) -> None:
    """Each is there, has ended, and has just the pictures it was charged for."""
    jobs = rows(folder, "SELECT id, state, ended_at, count, made, charged_micros, picture_micros FROM jobs")
    assert accepted <= {job[0] for job in jobs}
    pictures = rows(folder, 'SELECT job_id, "index" FROM pictures')
    assert len(pictures) == len(set(pictures))
    for job_id, state, ended_at, count, made, charged, price in jobs:
        assert ended_at is not None
        indices = sorted(index for job, index in pictures if job == job_id)
        assert indices == sorted(json.loads(made))
        assert charged == len(indices) * price
        assert state in {"done", "failed", "cancelled"}
        assert state != "failed" or not indices
        assert len(indices) <= count
    assert "done" in {state for _, state, *_ in jobs}
    walked = dict(rows(folder, "SELECT workflow_uuid, status FROM workflow_status", "jobs.db"))
    assert {walked.get(job[0], "SUCCESS") for job in jobs} == {"SUCCESS"}


def check_money(folder: Path) -> None:
    """The book is whole, every hold was ended once, and what was taken is what the jobs were charged."""
    database = open_database(f"sqlite:///{folder / 'impasto.db'}")
    with database.read() as session:
        assert validate(session) == []
    database.close()
    holds = rows(folder, "SELECT job_id FROM ledger_transactions WHERE kind = 'hold'")
    ends = rows(folder, "SELECT job_id FROM ledger_transactions WHERE kind IN ('post', 'void')")
    assert sorted(holds) == sorted(ends) == sorted(rows(folder, "SELECT id FROM jobs"))


def check_files(folder: Path) -> None:
    """Each picture's file is whole, and there is no other."""
    files = FolderBlobs(folder / "files")
    named = {sha256 for (sha256,) in rows(folder, "SELECT sha256 FROM pictures")}
    for sha256 in named:
        files.get(sha256)
    assert {path.name for path in files.folder.glob("??/??/*")} == named
