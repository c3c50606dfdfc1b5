"""Refused, told why, appealed, decided, counted: by every door."""

from __future__ import annotations

import base64

import pytest
from sqlalchemy import select

from impasto.storage.tables.safety import VerdictRow

NUDE = "a nude woman"


def asked(doors, words: str = NUDE):
    return doors.client.post("/api/jobs", json={"words": words})


