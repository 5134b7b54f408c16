"""A room that is told what an SDK says: it keeps the states and publishes, and decides nothing."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from session_core import wire
from session_core.clock import VirtualClock
from session_core.errors import Origin
from session_core.observer import ObservedRoom, observe
from session_core.publisher import MemorySink, Publisher
from session_core.signals import IceState, Leave, Removed, ServerError, Signal
from session_core.token import AccessToken
from session_core.wire import Data
from tests.session_core.telling import BEGIN
from tests.session_core.world import noted, turns


class Watching:
    """An observed room, the clock that it lives by, and where its telemetry goes."""

    def __init__(self, **how: Any) -> None:
        self.clock = VirtualClock(BEGIN)
        self.sink = MemorySink()
        self.publisher = Publisher(self.sink, clock=self.clock, jitter=lambda: 0)
        self.room = observe(publisher=self.publisher, room_name="daily", clock=self.clock, **how)

    async def published(self) -> list[tuple[str, Data]]:
        await self.publisher.flush()
        return [(m.type, m.data) for m in (wire.decode(record.value).message for record in self.sink.records)]

    async def told(self) -> list[str]:
        return [f"{kind} {data.error.code}" if data.error else kind for kind, data in await self.published()]


def joined(**how: Any) -> Watching:
    watching = Watching(**how)
    watching.room.joined("RM1", "PA0", identity="ada", participants=[("PA1", "bob")])
    return watching


async def test_a_session_begins_when_the_sdk_begins_and_is_known_when_it_has_joined() -> None:
    watching = joined()
    room = watching.room
    (connecting, begun), (connected, known) = await watching.published()
    assert (connecting, begun.policy, begun.room_sid) == ("room.connecting", wire.PolicyData(name="observed"), None)
    assert (connected, known.room_sid, known.room_name, known.identity) == ("room.connected", "RM1", "daily", "ada")
    assert (room.state, room.local_participant.sid, [p.identity for p in room.participants.values()]) == (
        "connected",
        "PA0",
        ["bob"],
    )


LINKS: list[tuple[str, Callable[[ObservedRoom], object], Callable[[ObservedRoom], object], int]] = [
    ("the SDK as a whole", lambda room: room.reconnecting(), lambda room: room.reconnected(), 53001),
    ("the SDK for its media", lambda room: room.reconnecting("media"), lambda room: room.reconnected(), 53405),
    ("signaling", lambda room: room.signaling_lost(), lambda room: room.signaling_back(), 53001),
    ("media", lambda room: room.media_failed(), lambda room: room.media_back(), 53405),
    ("media, told otherwise", lambda room: room.media_failed(), lambda room: room.reconnected(), 53405),
    ("signaling, told otherwise", lambda room: room.signaling_lost(), lambda room: room.reconnected(), 53001),
]


@pytest.mark.parametrize(("lose", "find", "code"), [case[1:] for case in LINKS], ids=[case[0] for case in LINKS])
async def test_what_breaks_and_comes_back_is_one_outage(
    lose: Callable[[ObservedRoom], object], find: Callable[[ObservedRoom], object], code: int
) -> None:
    watching = joined()
    notes = noted(watching.room)
    for _ in range(2):
        lose(watching.room)
    watching.clock.advance(7)
    for _ in range(2):
        find(watching.room)
    assert notes == [f"reconnecting reconnecting {code}", "reconnected connected"]
    kind, data = (await watching.published())[-1]
    assert (kind, data.outage.downtime_ms if data.outage else None) == ("room.reconnected", 7000)
    assert list(watching.room.participants) == ["PA1"]


async def test_no_window_ends_an_observed_room_and_it_gives_signs_of_life() -> None:
    watching = joined()
    watching.room.reconnecting()
    watching.clock.advance(3_600)
    assert watching.room.state == "reconnecting"
    assert (await watching.told())[-1] == "session.alive"


async def test_the_words_of_the_sdk_are_published_beside_ours() -> None:
    watching = joined()
    watching.room.reconnecting(vendor="daily", vendor_code=7)
    watching.room.disconnected(53002, origin=Origin.TRANSPORT, vendor="daily", vendor_code=8)
    errors = [data.error for _, data in await watching.published() if data.error]
    words = [(error.code, error.origin, error.vendor, error.vendor_code) for error in errors]
    assert words == [(53001, "transport", "daily", 7), (53002, "transport", "daily", 8)]


@pytest.mark.parametrize("own", [-1, 2**31])
async def test_a_code_of_the_sdk_that_the_wire_does_not_take_is_left_out(own: int) -> None:
    watching = joined()
    watching.room.disconnected(53000, vendor="x" * 100, vendor_code=own)
    _, data = (await watching.published())[-1]
    assert data.error is not None
    assert (data.error.vendor, data.error.vendor_code) == ("x" * 64, None)


async def test_an_end_without_a_code_is_a_removal_and_leaving_has_its_reason() -> None:
    removed, left = joined(), joined()
    removed.room.disconnected()
    left.room.disconnect()
    ends = [(await watching.published())[-1] for watching in (removed, left)]
    assert [(kind, data.error, data.reason) for kind, data in ends] == [
        ("room.disconnected", None, None),
        ("room.disconnected", None, "leave"),
    ]


async def test_a_join_that_fails_is_told_and_whoever_waits_for_the_room_waits_no_longer() -> None:
    watching = Watching()
    ended = asyncio.ensure_future(watching.room.closed())
    await turns()
    watching.room.disconnected(53000, origin=Origin.TRANSPORT)
    await ended
    assert await watching.told() == ["room.connecting", "room.connect_failed 53000"]


async def test_after_the_end_nothing_is_told_whatever_the_sdk_says() -> None:
    watching = joined()
    watching.room.disconnected(53118)
    before = await watching.told()
    watching.room.reconnecting()
    watching.room.reconnected()
    watching.room.participant_connected("PA2")
    watching.room.joined("RM2", "PA9")
    watching.room.disconnected(53000)
    watching.clock.advance(120)
    assert await watching.told() == before


async def test_the_others_come_and_go_in_the_order_in_which_it_is_told() -> None:
    watching = joined()
    room = watching.room
    notes = noted(room, "participant_connected", "participant_reconnecting", "participant_reconnected")
    room.participant_connected("PA2", "cid")
    room.participant_reconnecting("PA2")
    room.participant_reconnected("PA2")
    room.participant_disconnected("PA1")
    assert [note.split()[0] for note in notes] == [
        "participant_connected",
        "participant_reconnecting",
        "participant_reconnected",
    ]
    assert {sid: (p.identity, p.state.value) for sid, p in room.participants.items()} == {"PA2": ("cid", "connected")}


async def test_news_of_others_during_an_outage_counts_before_the_room_is_back() -> None:
    watching = joined()
    watching.room.reconnecting()
    watching.room.participant_connected("PA2", "cid")
    watching.room.participant_disconnected("PA1")
    watching.room.reconnected()
    assert (await watching.told())[2:] == [
        "room.reconnecting 53001",
        "participant.connected",
        "participant.disconnected",
        "room.reconnected",
    ]


async def test_who_is_missing_when_signaling_is_back_has_left() -> None:
    watching = joined()
    watching.room.signaling_lost()
    watching.room.signaling_back([("PA3", "dan")])
    assert list(watching.room.participants) == ["PA3"]


async def test_what_the_room_is_called_can_be_learned_later() -> None:
    watching = Watching()
    watching.room.joined(None, "PA0")
    watching.room.learned(room_sid="RM7", room_name="weekly")
    watching.room.disconnect()
    sids = [(data.room_sid, data.room_name) for _, data in await watching.published()]
    assert sids == [(None, "daily"), (None, "daily"), ("RM7", "weekly")]


async def test_the_warning_before_a_token_expires_comes_in_time() -> None:
    def minted(ttl_s: int) -> AccessToken:
        return AccessToken.mint("AC1", "SK1", "s" * 32, identity="ada", ttl_s=ttl_s, at=BEGIN)

    watching = joined(token=minted(600))
    heard: list[str] = []
    watching.room.on("token_expiring", lambda event: heard.append(event.type))
    watching.clock.advance(timedelta(minutes=4, seconds=59).total_seconds())
    assert (heard, watching.room.token_ttl_s) == ([], 301)
    watching.clock.advance(1)
    assert heard == ["token.expiring"]
    watching.room.token_replaced(minted(3_600))
    watching.room.token_replaced("no token at all")
    assert watching.room.token_ttl_s == 3_300


async def test_leaving_the_block_leaves_the_room_and_says_why() -> None:
    watching = joined()
    with pytest.raises(ZeroDivisionError):
        async with watching.room:
            _ = 1 // 0
    _, data = (await watching.published())[-1]
    assert (watching.room.state, data.reason) == ("disconnected", "exception")


def test_a_room_that_is_still_observed_at_the_interpreters_end_leaves() -> None:
    program = (
        "import asyncio; from session_core import observe\n"
        "async def main():\n"
        "    room = observe(); room.joined('RM1', 'PA0')\n"
        "    room.on('disconnected', lambda event: print(event.type, event.reason))\n"
        "    return room\n"
        "kept = asyncio.run(main())"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("room.disconnected exit\n", "")


async def test_a_handler_may_leave_the_room_that_it_is_called_by() -> None:
    watching = joined()
    watching.room.on("reconnecting", lambda _: watching.room.disconnect())
    watching.room.reconnecting()
    assert (await watching.told())[2:] == ["room.reconnecting 53001", "room.disconnected"]


NONSENSE: list[Any] = [None, 7, "reconnecting", ServerError, ServerError("x", 5), IceState(None, None)]  # type: ignore[arg-type]


@pytest.mark.parametrize("nonsense", NONSENSE, ids=repr)
async def test_what_is_no_signal_is_logged_and_changes_nothing(nonsense: Any, caplog: pytest.LogCaptureFixture) -> None:
    watching = joined()
    before = await watching.told()
    with caplog.at_level(logging.ERROR):
        watching.room.feed(nonsense)
        assert len(caplog.records) == 1
        watching.room.signaling_back([("only a sid",)])  # type: ignore[list-item]
    assert (await watching.told(), watching.room.state) == (before, "connected")
    watching.room.disconnect()
    assert (await watching.told())[-1] == "room.disconnected"


SAYINGS: dict[str, Callable[[ObservedRoom], object]] = {
    "joined": lambda room: room.joined("RM1", "PA0", participants=[("PA1", "bob")]),
    "reconnecting": lambda room: room.reconnecting(),
    "reconnecting, media": lambda room: room.reconnecting("media", vendor="v", vendor_code=1),
    "reconnected": lambda room: room.reconnected(),
    "signaling lost": lambda room: room.signaling_lost(),
    "signaling back": lambda room: room.signaling_back(),
    "media failed": lambda room: room.media_failed(),
    "media back": lambda room: room.media_back(),
    "one came": lambda room: room.participant_connected("PA2", "cid"),
    "one left": lambda room: room.participant_disconnected("PA1"),
    "one reconnects": lambda room: room.participant_reconnecting("PA2"),
    "learned": lambda room: room.learned(room_sid="RM2"),
}
ENDS: list[Signal] = [Removed(), Leave(), ServerError(53205)]
STEPS = {
    "room.connecting": {"connecting"},
    "room.connected": {"connecting"},
    "room.connect_failed": {"connecting"},
    "room.reconnecting": {"connected"},
    "room.reconnected": {"reconnecting"},
    "room.disconnected": {"connected", "reconnecting"},
}


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(sorted(SAYINGS)), st.integers(0, 45_000)), max_size=30), st.sampled_from(ENDS)
)
def test_whatever_an_sdk_says_what_is_published_holds_together(says: list[tuple[str, int]], end: Signal) -> None:
    async def live() -> list[tuple[str, Data]]:
        watching = Watching()
        for say, after_ms in (("joined", 0), *says):
            SAYINGS[say](watching.room)
            watching.clock.advance(after_ms / 1000)
        watching.room.feed(end)
        for saying in SAYINGS.values():
            saying(watching.room)
        watching.clock.advance(60)
        return await watching.published()

    published = asyncio.run(live())
    state = "connecting"
    for kind, data in published:
        if kind in STEPS:
            assert state in STEPS[kind]
            state = str(data.to_state)
    assert [kind for kind, _ in published][-1] == "room.disconnected"
    totals = published[-1][1].totals
    assert totals is not None
    assert totals.connected_ms + totals.reconnecting_ms == sum(after_ms for _, after_ms in says)
    assert totals.outages == [kind for kind, _ in published].count("room.reconnecting")
