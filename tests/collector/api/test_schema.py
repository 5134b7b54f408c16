"""The description of the API is true: whatever it allows is answered as it says, whatever it forbids is refused.

Every operation that the description lists is called by schemathesis with all of its checks; no list of them is here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck
from schemathesis import Case
from schemathesis.specs.openapi.checks import positive_data_acceptance, response_schema_conformance

from collector.store.engine import make_engine, migrate
from tests.collector.api.conftest import World, app_of
from tests.filling import fill
from tests.pages.scene import NOW_US, room_of_the_story

IN_PROSE = {
    "since", "until", "joined_at", "ended_at", "compare_since", "compare_until",  # which words are times, in what order
    "compare",  # that it and compare_since exclude each other
    "tz",  # which zones there are
    "cursor",  # that it is one of ours
    "bucket",  # how many of them a range has
    "fields",  # which names an answer has
}  # fmt: skip
"""What no schema can say."""
IN_WORDS = ("ends before it begins", "is a filter of outages", "needs beside")
"""Nor this, of any range, of any rows that are exported, and of some of whom a session is compared with."""

# Operations are listed when tests are collected; the store is filled when the first of them runs.
STORE = make_engine("sqlite://")
DESCRIBED = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app_of(STORE, World()))


@pytest.fixture(scope="module", autouse=True)
def _filled() -> Iterator[None]:
    migrate(STORE)
    fill(STORE, room_of_the_story(), now_us=NOW_US)
    yield
    STORE.dispose()


@DESCRIBED.parametrize()
@hypothesis.settings(
    max_examples=8, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
def test_what_the_description_allows_is_answered_as_it_says_and_the_rest_refused(case: Case[Any]) -> None:
    answer = case.call()
    errors = answer.json()["errors"] if answer.status_code == 422 else []
    told_in_prose = errors and all(
        one["name"] in IN_PROSE or any(said in one["why"] for said in IN_WORDS) for one in errors
    )
    beyond_schemas: list[Any] = [positive_data_acceptance] if told_in_prose else []
    query = dict(case.query or {})
    if "fields" in query and answer.status_code == 200 and "json" in answer.headers["content-type"][0]:
        # Cut as it was asked to be, it is not what a schema says of the whole: so that is asked for too, and compared.
        beyond_schemas.append(response_schema_conformance)
        del query["fields"]
        case.query = query
        whole = case.call()
        case.validate_response(whole)
        assert _holds(whole.json(), answer.json())
    case.validate_response(answer, excluded_checks=beyond_schemas)
    assert answer.status_code != 500


def _holds(whole: Any, part: Any) -> bool:
    if isinstance(part, dict):
        return all(name in whole and _holds(whole[name], value) for name, value in part.items())
    if isinstance(part, list):
        return len(part) == len(whole) and all(map(_holds, whole, part))
    return bool(whole == part)
