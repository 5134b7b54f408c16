"""Incidents over HTTP: who may tell of them, and what is answered."""

import json
from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import Engine

from collector.api.alertmanager import BODY_BYTES_MAX
from tests.collector.api.conftest import World, client_of
from tests.collector.api.test_alertmanager import FIRING, told

TOLD = "/api/v1/incidents/alertmanager"
TOKEN = {"Authorization": "Bearer open sesame"}
ID = "4f8a2c91d03be657-1764001200123456"


async def tell(api: AsyncClient, body: bytes) -> None:
    answer = await api.post(TOLD, content=body, headers=TOKEN)
    assert (answer.status_code, answer.json()) == (200, {"alerts": 1})


async def listed(api: AsyncClient, **params: Any) -> list[str]:
    answer = await api.get("/api/v1/incidents", params=params)
    return [one["incident_id"] for one in answer.json()["items"]]


async def test_what_alertmanager_tells_is_listed_and_told_with_whom_it_hit(api: AsyncClient) -> None:
    await tell(api, json.dumps(FIRING).encode())
    assert await listed(api) == [ID]
    story = (await api.get(f"/api/v1/incidents/{ID}")).json()
    assert story["incident"]["alertname"] == "RtcFailureSpike"
    assert (story["incident"]["started_at"], story["incident"]["ended_at"]) == ("2025-11-24T16:20:00.123456Z", None)
    # Of ben and chen, who were dropped, chen was so with this code.
    assert [one["identity"] for one in story["blast"]["hit"]] == ["chen"]
    assert story["blast"]["by"]["region"][0]["value"] == "br1"
    assert story["completeness"]["share"] == 1.0


async def test_its_end_is_told_too(api: AsyncClient) -> None:
    await tell(api, told())
    assert await listed(api, open="true") == [ID]
    await tell(api, told(status="resolved", endsAt="2025-11-24T16:30:00Z"))
    assert await listed(api, open="true") == []
    assert await listed(api, open="false") == [ID]


async def test_pages_of_incidents_go_on_where_the_one_before_ended(api: AsyncClient) -> None:
    for number in range(3):
        await tell(api, told(fingerprint=f"{number}"))
    first = (await api.get("/api/v1/incidents", params={"limit": 2})).json()
    second = (await api.get("/api/v1/incidents", params={"limit": 2, "cursor": first["next"]})).json()
    assert [one["incident_id"][0] for page in (first, second) for one in page["items"]] == ["2", "1", "0"]
    assert second["next"] is None


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer sesame"}, {"Authorization": "Basic open sesame"}])
async def test_who_does_not_show_the_token_is_refused(api: AsyncClient, headers: dict[str, str]) -> None:
    answer = await api.post(TOLD, content=told(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "not-allowed")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "sesame" not in answer.text
    assert await listed(api) == []


@pytest.mark.parametrize("headers", [TOKEN, {"Authorization": "Bearer "}, {"Authorization": "Bearer None"}])
async def test_without_a_token_that_is_set_nobody_may_tell(
    engine: Engine, world: World, headers: dict[str, str]
) -> None:
    world.alertmanager_token = None
    answer = await client_of(engine, world).post(TOLD, content=told(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "not-allowed")


async def test_what_cannot_be_read_is_refused_with_its_place(api: AsyncClient) -> None:
    answer = await api.post(TOLD, content=told(status="pending"), headers=TOKEN)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad-body")
    assert "$.alerts[0].status" in answer.json()["detail"]


async def test_a_body_without_end_is_not_read_to_its_end(api: AsyncClient) -> None:
    answer = await api.post(TOLD, content=b" " * (BODY_BYTES_MAX + 1), headers=TOKEN)
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")


@pytest.mark.parametrize("named", ["4f8a2c91d03be657-1764000000000000", "nonsense", "4F-1", "4f-99999999999999999"])
async def test_an_incident_that_is_not_there_is_said_so(api: AsyncClient, named: str) -> None:
    answer = await api.get(f"/api/v1/incidents/{named}")
    assert (answer.status_code, answer.json()["code"]) == (404, "incident-not-found")


async def test_a_cursor_of_sessions_is_none_of_incidents(api: AsyncClient) -> None:
    sessions = (await api.get("/api/v1/sessions", params={"limit": 1, "since": "-2h"})).json()
    answer = await api.get("/api/v1/incidents", params={"cursor": sessions["next"]})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad-filter")


async def test_days_of_incidents_are_those_of_the_zone_that_is_told(api: AsyncClient) -> None:
    await tell(api, told(endsAt="2025-11-24T16:30:00Z", status="resolved"))
    assert await listed(api, since="2025-11-24T17:25", tz="Europe/Berlin") == [ID]
    assert await listed(api, since="2025-11-24T17:35", tz="Europe/Berlin") == []


async def test_an_empty_severity_asks_for_incidents_that_told_none(api: AsyncClient) -> None:
    await tell(api, told(fingerprint="a1", labels={"alertname": "Other"}))
    await tell(api, json.dumps(FIRING).encode())
    assert [one[:2] for one in await listed(api, severity="")] == ["a1"]
    assert len(await listed(api, severity=["", FIRING["alerts"][0]["labels"]["severity"]])) == 2
