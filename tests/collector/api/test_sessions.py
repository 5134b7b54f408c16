"""Sessions over HTTP."""

from httpx import AsyncClient
from sqlalchemy import Engine

from tests.collector.api.conftest import World
from tests.filling import fill
from tests.histories import SECOND_US, Life, session_id
from tests.pages.scene import NOW_US, ROOM_SID


async def test_a_list_has_items_next_and_completeness(api: AsyncClient) -> None:
    answer = (await api.get("/api/v1/sessions")).json()
    assert sorted(answer) == ["completeness", "items", "next"]
    assert [one["identity"] for one in answer["items"]] == ["ben", "fatima", "emre", "dora", "chen", "ben", "ana"]
    assert answer["next"] is None
    assert answer["completeness"]["share"] == 1.0


async def test_pages_hold_every_session_once_while_more_arrive(api: AsyncClient, engine: Engine) -> None:
    whole = [one["session_id"] for one in (await api.get("/api/v1/sessions")).json()["items"]]
    page = (await api.get("/api/v1/sessions", params={"limit": 3})).json()
    seen = page["items"]
    newcomer = Life(session_id(77, NOW_US - SECOND_US), NOW_US - SECOND_US).connecting()
    fill(engine, [newcomer], now_us=NOW_US)
    while page["next"] is not None:
        page = (await api.get("/api/v1/sessions", params={"limit": 3, "cursor": page["next"]})).json()
        seen += page["items"]
    assert [one["session_id"] for one in seen] == whole


async def test_a_relative_time_means_the_same_on_every_page(api: AsyncClient, world: World) -> None:
    first = (await api.get("/api/v1/sessions", params={"since": "-40m", "limit": 6})).json()
    world.now_us += 39 * 60 * SECOND_US
    rest = (await api.get("/api/v1/sessions", params={"since": "-40m", "limit": 6, "cursor": first["next"]})).json()
    assert [one["identity"] for one in rest["items"]] == ["ana"]


async def test_filters_are_joined_by_and_and_repeated_ones_by_or(api: AsyncClient) -> None:
    query = "fate=dropped&fate=abandoned&region=br1&code=53002&code=53000"
    answer = (await api.get(f"/api/v1/sessions?{query}")).json()
    assert [(one["identity"], one["ending"]["error"]["code"]) for one in answer["items"]] == [
        ("chen", 53000),
        ("ben", 53002),
    ]


async def test_a_session_is_told_with_its_outages_and_events(api: AsyncClient) -> None:
    session = (await api.get("/api/v1/sessions", params={"identity": "ben", "fate": "dropped"})).json()["items"][0]
    story = (await api.get(f"/api/v1/sessions/{session['session_id']}")).json()
    assert story["session"] == session
    assert session["room_sid"] == ROOM_SID
    assert session["ending"]["error"] == {
        "code": 53002,
        "name": "SignalingConnectionTimeoutError",
        "message": "Signaling connection timed out",
    }
    assert [(one["seq"], one["type"], one["to_state"]) for one in story["events"]] == [
        (0, "room.connecting", "connecting"),
        (1, "room.connected", "connected"),
        (2, "room.reconnecting", "reconnecting"),
        (3, "room.disconnected", "disconnected"),
    ]
    (outage,) = story["outages"]
    assert (outage["cause"], outage["outcome"], outage["attempts"], outage["downtime_ms"]) == (
        "signaling",
        "failed",
        6,
        30_000,
    )


async def test_events_come_page_by_page(api: AsyncClient) -> None:
    session = (await api.get("/api/v1/sessions", params={"identity": "chen"})).json()["items"][0]
    first = (await api.get(f"/api/v1/sessions/{session['session_id']}", params={"limit": 2})).json()
    rest = (await api.get(f"/api/v1/sessions/{session['session_id']}", params={"cursor": first["next"]})).json()
    assert [one["seq"] for one in first["events"] + rest["events"]] == [0, 1, 2, 3]
    assert rest["next"] is None


async def test_events_and_outages_of_a_session_are_lists_of_their_own(api: AsyncClient) -> None:
    emre = (await api.get("/api/v1/sessions?identity=emre")).json()["items"][0]["session_id"]
    seen: dict[str, list[int]] = {}
    for part, number in (("events", "seq"), ("outages", "number")):
        page = (await api.get(f"/api/v1/sessions/{emre}/{part}?limit=2")).json()
        rest = (await api.get(f"/api/v1/sessions/{emre}/{part}?cursor={page['next']}")).json()
        assert sorted(page) == ["completeness", "items", "next"]
        seen[part] = [one[number] for one in page["items"] + rest["items"]]
    assert seen == {"events": [0, 1, 2, 3, 4, 5, 6], "outages": [1, 2, 3]}


async def test_a_cursor_of_events_is_none_of_outages(api: AsyncClient) -> None:
    emre = (await api.get("/api/v1/sessions?identity=emre")).json()["items"][0]["session_id"]
    cursor = (await api.get(f"/api/v1/sessions/{emre}/events?limit=1")).json()["next"]
    answer = await api.get(f"/api/v1/sessions/{emre}/outages?cursor={cursor}")
    assert answer.json()["errors"][0]["why"] == (
        "is of a page of another list than outages; take `next` of a page of this one"
    )


async def test_a_rejoin_leads_to_the_session_before_and_after(api: AsyncClient) -> None:
    again, before = (await api.get("/api/v1/sessions?identity=ben")).json()["items"]
    assert again["previous_session_id"] == before["session_id"]
    story = (await api.get(f"/api/v1/sessions/{before['session_id']}")).json()
    assert story["next_session_id"] == again["session_id"]


async def test_sessions_are_found_by_ranges_of_numbers_and_times(api: AsyncClient) -> None:
    numbers = (await api.get("/api/v1/sessions?outages=1..&reconnecting_ms=..1000&reconnecting_ms=30000")).json()
    times = (await api.get("/api/v1/sessions?ended_at=..-20m&ended_at=-17m..")).json()
    local = (await api.get("/api/v1/sessions?joined_at=2025-11-24T17:17..&tz=Europe/Berlin")).json()
    assert [[one["identity"] for one in found["items"]] for found in (numbers, times, local)] == [
        ["fatima", "ben"],
        ["fatima", "chen", "ben"],
        ["ben"],
    ]


async def test_the_oldest_come_first_where_they_are_asked_for_so(api: AsyncClient) -> None:
    first = (await api.get("/api/v1/sessions?sort=started_at&limit=2")).json()
    rest = (await api.get(f"/api/v1/sessions?sort=started_at&limit=2&cursor={first['next']}")).json()
    assert [one["identity"] for one in first["items"] + rest["items"]] == ["ana", "ben", "chen", "dora"]


async def test_an_empty_code_asks_for_sessions_that_told_none(api: AsyncClient) -> None:
    without = (await api.get("/api/v1/sessions?code=&sort=started_at")).json()["items"]
    either = (await api.get("/api/v1/sessions?code=&code=53000")).json()["items"]
    every = (await api.get("/api/v1/sessions?sort=started_at")).json()["items"]
    told = [one for one in every if one["ending"] and one["ending"]["error"]]
    assert without == [one for one in every if one not in told]
    assert (len(without), len(either), len(told)) == (5, 6, 2)
