"""A room's timeline over HTTP."""

from httpx import AsyncClient

from tests.pages.scene import ROOM_NAME, ROOM_SID


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
