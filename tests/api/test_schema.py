"""Whatever is sent to a documented route, it answers as documented and never with a fault of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from fastapi import FastAPI

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def schema(alone: FastAPI) -> schemathesis.BaseSchema:
    loaded = schemathesis.openapi.from_asgi("/api/openapi.json", alone, base_url="http://localhost")
    return loaded.exclude(path_regex="^/(v1|sdapi)/|events$")


lazy = schemathesis.pytest.from_fixture("schema")


@lazy.parametrize()
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_no_fault(case: schemathesis.Case) -> None:
    answer = case.call(headers={"Host": "localhost"})
    assert answer.status_code < 500, answer.text
