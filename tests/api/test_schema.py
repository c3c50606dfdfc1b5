"""Whatever is sent to a documented route, it answers without a fault of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings

if TYPE_CHECKING:
    from fastapi import FastAPI

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.filterwarnings("ignore")]


def test_no_route_has_a_fault_of_its_own(alone: FastAPI) -> None:
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", alone).exclude(path_regex="^/(v1|sdapi)/|events$")
    seen = 0
    for found in schema.get_all_operations():
        operation = found.ok()

        @given(case=operation.as_strategy())
        @settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        def check(case: schemathesis.Case) -> None:
            answer = case.call(headers={"Host": "localhost"})
            assert answer.status_code < 500, f"{case.method} {case.path}: {answer.text}"

        check()
        seen += 1
    assert seen > 30
