"""Refusals: always problem+json with a code that stays, never a trace."""

import logging

import pytest
from httpx import AsyncClient
from sqlalchemy import Engine, text

from collector.api.problems import PROBLEM_JSON
from tests.collector.api.conftest import World, client_of

UNKNOWN = "019ab0c1-0000-7000-8000-000000000000"


async def test_a_session_that_is_not_there_is_a_problem(api: AsyncClient) -> None:
    answer = await api.get(f"/api/v1/sessions/{UNKNOWN}")
    assert answer.headers["content-type"] == PROBLEM_JSON
    assert answer.json() == {
        "type": "urn:roomwatch:problem:session-not-found",
        "title": "No such session",
        "status": 404,
        "code": "session-not-found",
        "detail": f"no event of session {UNKNOWN} has reached the store. "
        "Check the id; a session's first event is stored seconds after it was sent.",
        "instance": f"/api/v1/sessions/{UNKNOWN}",
    }


@pytest.mark.parametrize(
    ("path", "name", "value", "why"),
    [
        ("/api/v1/sessions?fate=gone", "fate", "gone", "is not one of the words allowed here"),
        ("/api/v1/sessions?limit=501", "limit", "501", "Input should be less than or equal to 500"),
        ("/api/v1/sessions?limit=0", "limit", "0", "Input should be greater than or equal to 1"),
        ("/api/v1/sessions?since=tomorrow", "since", "tomorrow", "is not a time: take ISO 8601"),
        ("/api/v1/sessions?since=2026-11-24T10:00", "since", "2026-11-24T10:00", "says no time zone"),
        ("/api/v1/sessions?since=-1h&until=-2h", "since", "-1h", "is not before until (-2h)"),
        ("/api/v1/sessions?cursor=abc", "cursor", "abc", "is no cursor of this API"),
        ("/api/v1/sessions?code=x", "code", "x", "Input should be a valid integer"),
        ("/api/v1/sessions?code=-1", "code", "-1", "Input should be greater than or equal to 0"),
        ("/api/v1/sessions?identity=%00", "identity", "\x00", "holds a null character"),
        ("/api/v1/sessions?regoin=ie1", "regoin", "ie1", "is not a parameter here; these are: among, app_version"),
        ("/api/v1/sessions?limit=1&limit=2", "limit", "2", "is given more than once"),
        ("/api/v1/sessions/x", "session_id", "x", "Input should be a valid UUID"),
        ("/api/v1/kpis?fate=live", "fate", "live", "is not a parameter here; these are: app_version, compare"),
        ("/api/v1/kpis?since=-32d", "since", "-32d", "the range is longer than 31 days"),
        ("/api/v1/breakdowns/failure-codes?by=room_sid", "by", "room_sid", "is not one of the words allowed here"),
        ("/api/v1/breakdowns/failure-codes?since=-7d&bucket=1m", "bucket", "1m", "makes more than 1000 buckets"),
        ("/api/v1/breakdowns/affected", "by", "", "Field required"),
        ("/api/v1/rooms/RM1/timeline?x=1", "x", "1", "is not a parameter here; these are: fields"),
        ("/api/v1/codes?x=1", "x", "1", "is not a parameter here; these are: fields"),
    ],
)
async def test_a_bad_parameter_names_itself_its_value_and_what_is_allowed(
    api: AsyncClient, path: str, name: str, value: str, why: str
) -> None:
    answer = await api.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM_JSON)
    problem = answer.json()
    assert problem["code"] == "bad-filter"
    (error,) = problem["errors"]
    assert error["name"] == name
    if value:
        assert error["value"] == value
    assert error["why"].startswith(why)
    assert name in problem["detail"]


async def test_a_closed_list_of_words_is_told(api: AsyncClient) -> None:
    (error,) = (await api.get("/api/v1/breakdowns/failure-codes?phase=all")).json()["errors"]
    assert error["allowed"] == ["join", "session"]


async def test_too_many_values_of_a_filter_are_refused(api: AsyncClient) -> None:
    answer = await api.get("/api/v1/sessions", params=[("region", f"r{n}") for n in range(21)])
    assert (answer.status_code, answer.json()["errors"][0]["name"]) == (422, "region")


async def test_an_address_that_is_not_there_is_a_problem(api: AsyncClient) -> None:
    answer = await api.get("/api/v1/nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_questions_are_asked_with_get(api: AsyncClient, method: str) -> None:
    answer = await api.request(method, "/api/v1/sessions")
    assert (answer.status_code, answer.json()["code"], answer.headers["allow"]) == (405, "method-not-allowed", "GET")


async def test_a_fault_of_ours_is_told_without_its_trace(
    engine: Engine, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE sessions SET fate = 'a fate that no view knows'"))
    with caplog.at_level(logging.CRITICAL):
        answer = await client_of(engine, world).get("/api/v1/sessions")
    assert (answer.status_code, answer.headers["content-type"]) == (500, PROBLEM_JSON)
    assert (answer.json()["code"], answer.headers["x-frame-options"]) == ("internal", "DENY")
    assert "a fate" not in answer.text
    assert "Traceback" not in answer.text


async def test_a_store_that_is_not_migrated_is_told_with_what_mends_it(
    empty_engine: Engine, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with empty_engine.begin() as connection:
        connection.execute(text("DROP TABLE sessions"))
    with caplog.at_level(logging.CRITICAL):
        api = client_of(empty_engine, world)
        answer = await api.get("/api/v1/sessions")
    assert (answer.status_code, answer.json()["code"]) == (503, "schema-mismatch")
    assert "roomwatch migrate" in answer.json()["detail"]


async def test_people_get_a_page_where_programs_get_json(api: AsyncClient) -> None:
    page = await api.get("/rooms/RM404", headers={"accept": "text/html"})
    program = await api.get("/rooms/RM404", headers={"accept": "application/json"})
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "No such room" in page.text
    assert program.json()["code"] == "room-not-found"


async def test_what_a_caller_wrote_is_escaped_on_the_page(api: AsyncClient) -> None:
    page = await api.get("/rooms/%3Cscript%3Ealert(1)%3C%2Fscript%3E", headers={"accept": "text/html"})
    found = await api.get("/search", params={"q": "<script>alert(1)</script>"})
    assert "<script>alert" not in page.text + found.text
