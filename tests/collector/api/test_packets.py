"""The packet of a room over HTTP."""

import logging
import re
from datetime import datetime, timedelta
from operator import itemgetter

import pytest
from httpx import AsyncClient
from sqlalchemy import Engine

from collector.api.packet_contents import EVENTS_MAX, Contents, Maker, contents, cut, data_of
from collector.api.packets import fitting
from collector.api.verdicts import room_verdict
from collector.packets import FORMAT, Finding, canonical, check, fingerprint
from collector.packets import data_of as data_in
from collector.store.reader import Reader
from session_core.instants import utc_from_us
from tests.collector.api.conftest import KEY, World, client_of
from tests.collector.api.doors import House, bearer
from tests.pages.scene import NOW_US, ROOM_NAME, ROOM_SID

PATH = f"/api/v1/rooms/{ROOM_SID}/packet"
OURS = fingerprint(KEY.public_key())
NOW = utc_from_us(NOW_US)
IDENTITIES = ("ana", "ben", "chen", "dora", "emre", "fatima")


async def test_a_packet_is_a_file_that_we_signed_and_that_expires(api: AsyncClient) -> None:
    answer = await api.get(PATH, params={"days": 7})
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert re.fullmatch(
        rf'attachment; filename="roomwatch-packet-{ROOM_SID}-\d{{8}}T\d{{6}}Z\.html"',
        answer.headers["content-disposition"],
    )
    found = check(answer.content, NOW, {OURS})
    assert (found.finding, found.room_sid) == (Finding.VALID, ROOM_SID)
    assert check(answer.content, NOW + timedelta(days=7), {OURS}).finding == Finding.EXPIRED


async def test_its_data_says_what_the_api_says(api: AsyncClient) -> None:
    data = data_in((await api.get(PATH, params={"identities": "shown"})).content)
    timeline = (await api.get(f"/api/v1/rooms/{ROOM_SID}/timeline")).json()
    verdict = (await api.get(f"/api/v1/rooms/{ROOM_SID}/verdict")).json()
    events = [
        {"session_id": one["session_id"], **event}
        for lane in timeline["participants"]
        for one in lane["sessions"]
        for event in (await api.get(f"/api/v1/sessions/{one['session_id']}")).json()["events"]
    ]
    assert data["completeness"] == timeline.pop("completeness")
    del verdict["completeness"]
    assert (data["timeline"], data["verdict"]) == (timeline, verdict)
    assert sorted(data["events"], key=itemgetter("session_id", "seq")) == sorted(
        events, key=itemgetter("session_id", "seq")
    )
    assert data["runs_on"] == [
        {
            **dict.fromkeys(("network_type", "region", "media_region")),
            "sdk": "twilio-video.js",
            "sdk_version": "2.35.0",
            "app_version": "5.12.1",
            "platform": "web",
            "sessions": 7,
        }
    ]
    assert (data["format"], data["made_by"]) == (FORMAT, {"roomwatch": "9.9.9", "key": OURS})
    assert datetime.fromisoformat(data["expires_at"]) - datetime.fromisoformat(data["made_at"]) == timedelta(days=30)
    assert not data["truncated"]


async def test_names_are_left_out_unless_they_are_asked_for(api: AsyncClient) -> None:
    hidden = (await api.get(PATH)).text
    shown = (await api.get(PATH, params={"identities": "shown"})).text
    assert [name for name in (*IDENTITIES, ROOM_NAME) if re.search(rf"\b{name}\b", hidden)] == []
    assert [name for name in (*IDENTITIES, ROOM_NAME) if re.search(rf"\b{name}\b", shown)] == [*IDENTITIES, ROOM_NAME]
    timeline = data_in(hidden.encode())["timeline"]
    assert [one["identity"] for one in timeline["participants"]] == [f"participant {number}" for number in range(1, 7)]
    assert {one["extra"] and 1 for one in data_in(hidden.encode())["events"]} == {None}


async def test_a_packet_asks_nothing_of_anybody_and_runs_nothing(api: AsyncClient) -> None:
    page = (await api.get(PATH)).text
    assert re.findall(r"<script|<link|<img|<iframe|src=|href=|url\(|@import|https?:", page) == []
    assert "default-src 'none'; style-src 'sha256-" in page


async def test_the_same_question_at_the_same_time_has_the_same_bytes(api: AsyncClient) -> None:
    assert (await api.get(PATH)).content == (await api.get(PATH)).content


@pytest.mark.parametrize("query", ["days=0", "days=366", "identities=some", "names=1"])
async def test_what_a_packet_is_not_asked_with_is_refused(api: AsyncClient, query: str) -> None:
    answer = await api.get(f"{PATH}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "bad-filter")


async def test_without_a_key_it_is_said_how_to_make_one(engine: Engine, world: World) -> None:
    world.packet_key = None
    api = client_of(engine, world)
    answer = await api.get(PATH)
    assert (answer.status_code, answer.json()["code"]) == (503, "packet-key-missing")
    assert "roomwatch packet-key FILE" in answer.json()["detail"]
    page = await api.get(f"/rooms/{ROOM_SID}/packet", headers={"accept": "text/html"})
    assert (page.status_code, page.headers["content-type"]) == (503, "text/html; charset=utf-8")


async def test_a_room_that_nobody_told_of_has_no_packet(empty_api: AsyncClient) -> None:
    answer = await empty_api.get(PATH)
    assert (answer.status_code, answer.json()["code"]) == (404, "room-not-found")


async def test_the_page_of_a_room_leads_to_both_kinds(api: AsyncClient) -> None:
    links = re.findall(r'href="(/rooms/[^"]+/packet[^"]*)"', (await api.get(f"/rooms/{ROOM_SID}")).text)
    kinds = [data_in((await api.get(link)).content)["identities"] for link in links]
    assert kinds == ["hidden", "shown"]


@pytest.mark.parametrize("path", [PATH, f"/rooms/{ROOM_SID}/packet"])
async def test_a_packet_with_identities_is_audited_and_one_without_is_not(
    engine: Engine, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    house = House(engine)
    token = house.token("read")
    caplog.set_level(logging.INFO, "collector.audit")
    async with house.client(**bearer(token)) as client:
        for asked in ("days=7", "days=7&identities=shown", "identities=shown&days=0"):
            await client.get(f"{path}?{asked}")
        await client.get(f"{path.replace(ROOM_SID, 'RM404')}?identities=shown")
    house.access.flush()
    rows = [(one.event, one.actor, one.facts) for one in house.audit.newest(9) if one.event == "packet"]
    assert rows == [("packet", f"token {token.split('_')[1]}", {"room_sid": ROOM_SID, "days": 7})]
    assert [vars(one)["facts"] for one in caplog.records if vars(one)["event"] == "packet"] == [rows[0][2]]


async def test_where_nobody_is_asked_who_they_are_a_packet_is_audited_by_address(engine: Engine) -> None:
    house = House(engine, asks=False)
    async with house.client(address="127.0.0.1") as client:
        await client.get(f"{PATH}?identities=shown")
    house.access.flush()
    assert [(one.event, one.actor) for one in house.audit.newest(9)] == [("packet", "address 127.0.0.1")]


def test_a_packet_that_would_be_too_large_holds_less_and_says_so(engine: Engine) -> None:
    reader = Reader(engine)
    room = reader.room_timeline(ROOM_SID, now_us=NOW_US)
    told = reader.room_events(ROOM_SID, limit=EVENTS_MAX, newest=True)
    whole = contents(Maker("1", OURS, NOW, NOW), "hidden", room, room_verdict(reader, room, NOW_US), told)
    least = cut(whole, 10_000)
    assert not whole.truncated
    assert cut(whole, 1) == whole
    assert len(whole.room.participants) == 6
    data = data_of(least)
    assert data["truncated"]
    (lane,) = data["timeline"]["participants"]
    assert [len(data["events"]), len(data["verdict"]["sessions"]), len(lane["sessions"]), len(lane["outages"])] == [
        1
    ] * 4
    assert least.events == whole.events[-1:]
    assert len(fitting(whole, _as_data, 20_000)) <= 20_000 < len(_as_data(whole)) == len(fitting(whole, _as_data))


def _as_data(what: Contents) -> bytes:
    return canonical(data_of(what)).encode()
