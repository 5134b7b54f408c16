"""Outages over HTTP."""

from typing import Any

import pytest
from httpx import AsyncClient, Response

from tests.collector.api.conftest import World
from tests.histories import SECOND_US
from tests.pages.scene import ROOM_SID


def told(answer: Response) -> list[tuple[str, str, int]]:
    return [(one["identity"], one["outcome"], one["downtime_ms"]) for one in answer.json()["items"]]


async def test_a_list_has_items_next_and_completeness(api: AsyncClient) -> None:
    answer = await api.get("/api/v1/outages")
    assert sorted(answer.json()) == ["completeness", "items", "next"]
    assert [one for one, *_ in told(answer)] == ["ana", "emre", "emre", "fatima", "emre", "dora", "chen", "ben"]
    assert answer.json()["items"][0]["client"]["region"] == "br1"
    assert answer.json()["completeness"]["sessions"] == 6


async def test_filters_and_ranges_are_joined(api: AsyncClient) -> None:
    answer = await api.get("/api/v1/outages?cause=signaling&outcome=failed&outcome=open&downtime_ms=4000..21000")
    assert told(answer) == [("emre", "open", 4000), ("chen", "failed", 21000)]


async def test_the_longest_come_first_where_they_are_asked_for_so_on_every_page(api: AsyncClient) -> None:
    first = await api.get("/api/v1/outages?sort=-downtime_ms&limit=3")
    rest = await api.get(f"/api/v1/outages?sort=-downtime_ms&limit=3&cursor={first.json()['next']}")
    assert [ms for *_, ms in told(first) + told(rest)] == [30000, 21000, 10998, 6400, 4200, 4000]


async def test_a_relative_time_means_the_same_on_every_page(api: AsyncClient, world: World) -> None:
    first = await api.get("/api/v1/outages?since=-21m&limit=7")
    world.now_us += 60 * SECOND_US
    rest = await api.get(f"/api/v1/outages?since=-21m&cursor={first.json()['next']}")
    assert told(rest) == [("ben", "failed", 30000)]


async def test_a_cursor_of_another_order_or_list_is_refused(api: AsyncClient) -> None:
    cursor = (await api.get("/api/v1/outages?limit=1")).json()["next"]
    other = (await api.get("/api/v1/sessions?limit=1")).json()["next"]
    answers = [
        await api.get(f"/api/v1/outages?sort=-downtime_ms&cursor={cursor}"),
        await api.get(f"/api/v1/outages?cursor={other}"),
        await api.get(f"/api/v1/rooms?cursor={other}"),
        await api.get(f"/api/v1/sessions?sort=started_at&cursor={other}"),
    ]
    assert [one.status_code for one in answers] == [422] * 4
    assert {one.json()["errors"][0]["name"] for one in answers} == {"cursor"}


async def test_one_outage_is_told_by_its_session_and_number(api: AsyncClient) -> None:
    one = (await api.get("/api/v1/outages?code=53002")).json()["items"][0]
    answer = (await api.get(f"/api/v1/outages/{one['session_id']}/{one['number']}")).json()
    assert answer["outage"] == one
    assert (one["room_sid"], one["fate"], one["ending"]["origin"]) == (ROOM_SID, "dropped", "window")


async def test_an_outage_that_nobody_told_of_is_a_problem(api: AsyncClient) -> None:
    answer = await api.get("/api/v1/outages/019ab0c1-0000-7000-8000-000000000000/1")
    assert (answer.status_code, answer.json()["code"]) == (404, "outage-not-found")


@pytest.mark.parametrize(
    ("query", "name", "why"),
    [
        ("downtime_ms=5s", "downtime_ms", "take 3, 3.., ..7 or 3..7"),
        ("downtime_ms=9..3", "downtime_ms", "ends before it begins"),
        ("downtime_ms=", "downtime_ms", "take 3, 3.., ..7 or 3..7"),
        ("since=2026-11-24T12:00", "since", "says no time zone"),
        ("since=2026-03-29T02:30&tz=Europe/Berlin", "since", "was never shown by clocks in Europe/Berlin"),
        ("tz=Berlin", "tz", "take a name such as Europe/Berlin"),
        ("tz=../etc/passwd", "tz", "take a name such as Europe/Berlin"),
        ("until=-30h", "since", "is not before until"),
        ("sort=downtime_ms", "sort", "is not one of the words allowed here"),
    ],
)
async def test_a_bad_value_says_what_is_wrong_and_what_to_do(api: AsyncClient, query: str, name: str, why: str) -> None:
    answer = await api.get(f"/api/v1/outages?{query}")
    assert answer.status_code == 422
    errors: list[dict[str, Any]] = answer.json()["errors"]
    assert [(one["name"], why in one["why"]) for one in errors] == [(name, True)]


async def test_completeness_is_told_of_a_range_and_of_whoever_is_asked_for(api: AsyncClient) -> None:
    answer = (await api.get("/api/v1/completeness?since=today&tz=UTC&fate=dropped")).json()
    assert (answer["since"], answer["until"]) == ("2025-11-24T00:00:00Z", "2025-11-24T16:37:12Z")
    assert (answer["completeness"]["sessions"], answer["completeness"]["share"]) == (2, 1.0)


async def test_completeness_of_more_than_a_month_is_too_much_at_once(api: AsyncClient) -> None:
    answer = await api.get("/api/v1/completeness?since=-32d")
    assert (answer.status_code, answer.json()["code"]) == (422, "bad-filter")


async def test_an_empty_value_asks_for_outages_that_told_none(api: AsyncClient) -> None:
    every = (await api.get("/api/v1/outages")).json()["items"]
    without = (await api.get("/api/v1/outages?code=")).json()["items"]
    untold = (await api.get("/api/v1/outages?cause=")).json()["items"]
    assert without == [one for one in every if not (one["ending"] and one["ending"]["error"])]
    assert (untold, 0 < len(without) < len(every)) == ([], True)
