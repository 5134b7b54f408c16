"""Rooms over HTTP: a list, one in numbers, and its timeline."""

from httpx import AsyncClient
from sqlalchemy import Engine

from tests.filling import fill
from tests.histories import SECOND_US, Life, session_id
from tests.pages.scene import NOW_US, ROOM_NAME, ROOM_SID


async def test_a_timeline_has_a_lane_a_participant_with_segments_and_outages(api: AsyncClient) -> None:
    room = (await api.get(f"/api/v1/rooms/{ROOM_SID}/timeline")).json()
    assert (room["room_sid"], room["room_name"], room["live"], room["truncated"]) == (ROOM_SID, ROOM_NAME, 3, False)
    assert [lane["identity"] for lane in room["participants"]] == ["ana", "ben", "chen", "dora", "emre", "fatima"]
    ben = room["participants"][1]
    assert [(one["state"], one["since"][11:19], one["until"][11:19], one["open"]) for one in ben["segments"]] == [
        ("connecting", "16:03:32", "16:03:32", False),
        ("connected", "16:03:32", "16:16:32", False),
        ("reconnecting", "16:16:32", "16:17:02", False),
        ("connecting", "16:17:11", "16:17:12", False),
        ("connected", "16:17:12", "16:37:12", True),
    ]
    assert [one["previous_session_id"] for one in ben["sessions"]] == [None, ben["sessions"][0]["session_id"]]
    assert room["completeness"]["silent_sessions"] == 1


async def test_a_room_that_nobody_told_of_is_a_problem(api: AsyncClient) -> None:
    answer = await api.get("/api/v1/rooms/RM404/timeline")
    assert answer.status_code == 404
    assert answer.json()["code"] == "room-not-found"


async def test_rooms_are_a_list_of_numbers(api: AsyncClient) -> None:
    page = (await api.get("/api/v1/rooms", params={"fate": "dropped", "outages": "1..", "since": "-2h"})).json()
    (room,) = page["items"]
    assert (room["room_name"], room["live"], room["sessions"], room["participants"]) == (ROOM_NAME, 3, 7, 6)
    assert (room["outages"], room["dropped"], room["started_at"]) == (8, 2, "2025-11-24T16:03:12Z")
    assert (page["next"], page["completeness"]["sessions"]) == (None, 7)
    assert (await api.get(f"/api/v1/rooms/{ROOM_SID}")).json()["room"] == room


async def test_pages_of_rooms_follow_each_other(engine: Engine, api: AsyncClient) -> None:
    lives = [Life(session_id(number, NOW_US), NOW_US - 60 * SECOND_US) for number in range(3)]
    for number, life in enumerate(lives):
        life.room_sid = f"RM{number}"
        life.later(number * 1000).connecting().later(10).connected()
    fill(engine, lives, now_us=NOW_US)
    seen, query = [], ""
    for _ in range(4):
        page = (await api.get(f"/api/v1/rooms?limit=1{query}")).json()
        seen += [one["room_sid"] for one in page["items"]]
        query = f"&cursor={page['next']}"
    assert (seen, page["next"]) == (["RM2", "RM1", "RM0", ROOM_SID], None)


async def test_a_room_as_text_says_what_happened_to_whom_and_where_to_look(api: AsyncClient) -> None:
    answer = await api.get(f"/rooms/{ROOM_SID}/text")
    lines = answer.text.splitlines()
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert lines[:3] == [
        f"Room biology-101 ({ROOM_SID})",
        "2025-11-24 16:03:12 to 16:37:12 UTC, still open",
        f"http://test/rooms/{ROOM_SID}",
    ]
    assert lines[4].startswith("4 of 7 sessions ended badly.")
    assert any(line.startswith("  chen: 16:03:47 to 16:17:10, dropped with 53000") for line in lines)
    assert "    16:16:49 signaling lost, gone for 21 s: did not come back" in lines
    assert lines[-1] == "100 % of the events that were sent are here (28 of 28)."


async def test_a_window_that_ends_before_it_begins_is_refused(api: AsyncClient) -> None:
    refused = await api.get(f"/rooms/{ROOM_SID}?from=-1m&to=-2m")
    assert (refused.status_code, refused.json()["errors"][0]["name"]) == (422, "from")


async def test_a_window_is_by_the_clocks_of_a_zone_and_what_says_none_is_refused(api: AsyncClient) -> None:
    berlin = await api.get(f"/rooms/{ROOM_SID}?from=2025-11-24T17:15&to=2025-11-24T17:20&tz=Europe/Berlin")
    assert f"/fragments/rooms/{ROOM_SID}?from=2025-11-24T16:15:00.000Z&amp;to=2025-11-24T16:20:00.000Z" in berlin.text
    for name in ("from", "to"):
        refused = await api.get(f"/rooms/{ROOM_SID}?{name}=2025-11-24T16:15")
        (error,) = refused.json()["errors"]
        assert (refused.status_code, error["name"]) == (422, name)
