"""Verdicts over HTTP."""

from httpx import AsyncClient

from tests.pages.scene import ROOM_SID


async def test_a_room_gathers_the_verdicts_on_its_sessions_that_ended_badly(api: AsyncClient) -> None:
    told = (await api.get(f"/api/v1/rooms/{ROOM_SID}/verdict")).json()
    assert told["sentence"] == (
        "4 of 7 sessions ended badly. 3 of them: their own network: "
        "none of 3 others who were connected lost connection at the same time."
    )
    assert [(one["identity"], one["rule"]) for one in told["sessions"]] == [
        ("fatima", "own-network"),
        ("dora", "room"),
        ("chen", "own-network"),
        ("ben", "own-network"),
    ]
    assert not told["truncated"]


async def test_a_session_has_the_verdict_that_its_room_tells(api: AsyncClient) -> None:
    room = (await api.get(f"/api/v1/rooms/{ROOM_SID}/verdict")).json()
    for one in room["sessions"]:
        assert (await api.get(f"/api/v1/sessions/{one['session_id']}/verdict")).json() == one


async def test_what_to_do_goes_by_whose_fault_it_was(api: AsyncClient) -> None:
    (chen,) = [
        one
        for one in (await api.get(f"/api/v1/rooms/{ROOM_SID}/verdict")).json()["sessions"]
        if one["identity"] == "chen"
    ]
    assert chen["what_to_do"].startswith("Nothing on your side")


async def test_a_session_or_room_that_nobody_told_of_is_not_found(empty_api: AsyncClient) -> None:
    session = await empty_api.get("/api/v1/sessions/019ab0c1-0000-7000-8000-000000000000/verdict")
    room = await empty_api.get(f"/api/v1/rooms/{ROOM_SID}/verdict")
    assert (session.status_code, session.json()["code"]) == (404, "session-not-found")
    assert (room.status_code, room.json()["code"]) == (404, "room-not-found")
