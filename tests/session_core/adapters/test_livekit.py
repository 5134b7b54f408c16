"""A LiveKit room, observed: the real package's Room hears real events, and our room says what they mean."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator

import pytest
from livekit import rtc

from session_core import wire
from session_core.adapters.livekit import observe_livekit
from session_core.clock import VirtualClock
from session_core.observer import ObservedRoom
from session_core.publisher import MemorySink, Publisher
from session_core.wire import Data
from tests.session_core.livekit_room import LiveKitRoom, livekit_room, somebody
from tests.session_core.telling import BEGIN
from tests.session_core.world import noted, turns


class Watching:
    """A LiveKit room and telemetry of it."""

    def __init__(self, livekit: LiveKitRoom) -> None:
        self.livekit = livekit
        self.clock = VirtualClock(BEGIN)
        self.sink = MemorySink()
        self.publisher = Publisher(self.sink, clock=self.clock, jitter=lambda: 0)

    def observe(self) -> ObservedRoom:
        return observe_livekit(self.livekit.room, publisher=self.publisher, clock=self.clock)

    async def published(self) -> list[tuple[str, Data]]:
        await self.publisher.flush()
        return [(m.type, m.data) for m in (wire.decode(record.value).message for record in self.sink.records)]


@pytest.fixture
async def watching() -> AsyncIterator[Watching]:
    async with livekit_room() as livekit:
        yield Watching(livekit)


@pytest.mark.parametrize("when", ["before it connects", "while it is connected"])
async def test_a_room_is_observed_whenever_it_is_asked_for(watching: Watching, when: str) -> None:
    if when == "before it connects":
        seen = watching.observe()
        await watching.livekit.connect(somebody("PA_bob", "bob"))
    else:
        await watching.livekit.connect(somebody("PA_bob", "bob"))
        seen = watching.observe()
    (_, begun), (kind, known) = await watching.published()
    assert (kind, known.room_sid, known.room_name) == ("room.connected", "RM_1", "standup")
    assert (known.participant_sid, known.identity) == ("PA_ada", "ada")
    assert begun.client == wire.ClientData(sdk="livekit", sdk_version=rtc.__version__)
    assert {sid: (p.identity, p.state) for sid, p in seen.participants.items()} == {"PA_bob": ("bob", "connected")}


async def test_livekit_reconnects_and_our_room_says_so_once(watching: Watching) -> None:
    seen = watching.observe()
    await watching.livekit.connect()
    notes = noted(seen)
    await watching.livekit.reconnecting()
    watching.clock.advance(45)
    await watching.livekit.reconnected()
    assert notes == ["reconnecting reconnecting 53001", "reconnected connected"]
    events = [(kind, data) for kind, data in await watching.published() if kind.startswith("room.re")]
    assert [(data.error.vendor if data.error else None) for _, data in events] == ["livekit", None]
    assert [(data.outage.downtime_ms if data.outage else None) for _, data in events] == [0, 45_000]


async def test_a_room_that_is_reconnecting_when_it_is_first_observed_is_in_an_outage(watching: Watching) -> None:
    await watching.livekit.connect()
    await watching.livekit.reconnecting()
    assert watching.observe().state == "reconnecting"


async def test_who_comes_and_goes_is_told(watching: Watching) -> None:
    seen = watching.observe()
    await watching.livekit.connect(somebody("PA_bob", "bob"))
    notes = noted(seen, "participant_connected", "participant_disconnected")
    await watching.livekit.say(participant_connected={"info": somebody("PA_cid", "cid")})
    await watching.livekit.say(participant_disconnected={"participant_identity": "bob"})
    assert notes == ["participant_connected connected", "participant_disconnected connected"]
    assert list(seen.participants) == ["PA_cid"]


async def test_a_sid_that_the_server_tells_late_is_learned(watching: Watching) -> None:
    seen = watching.observe()
    await watching.livekit.connect(sid="")
    assert seen.session.room_sid is None
    await watching.livekit.say(room_sid_changed={"sid": "RM_late"})
    await turns()
    assert seen.session.room_sid == "RM_late"


async def test_a_room_that_ends_before_its_sid_was_told_leaves_nothing_running(watching: Watching) -> None:
    seen = watching.observe()
    await watching.livekit.connect(sid="")
    await watching.livekit.disconnected(rtc.DisconnectReason.ROOM_DELETED)
    await turns()
    assert (seen.state, seen.session.room_sid) == ("disconnected", None)


async def test_a_room_that_falls_silent_before_its_sid_was_told_is_observed_without(watching: Watching) -> None:
    seen = watching.observe()
    await watching.livekit.connect(sid="")
    await watching.livekit.close()
    await turns()
    assert (seen.state, seen.session.room_sid) == ("connected", None)


async def test_an_event_that_cannot_be_taken_is_logged_and_the_other_handlers_of_the_room_hear_it(
    watching: Watching, caplog: pytest.LogCaptureFixture
) -> None:
    seen = watching.observe()
    heard: list[str] = []
    watching.livekit.room.on("participant_connected", heard.append)
    await watching.livekit.connect()
    watching.livekit.room.emit("participant_connected", "no participant")
    assert (heard, len(seen.participants), len(caplog.records)) == (["no participant"], 0, 1)


async def test_a_room_that_is_renamed_or_moved_to_is_called_by_its_name(watching: Watching) -> None:
    seen = watching.observe()
    await watching.livekit.connect()
    await watching.livekit.say(moved={"sid": "RM_1", "name": "breakout"})
    assert seen.session.room_name == "breakout"


async def test_livekit_gives_up_and_its_own_reason_is_kept(watching: Watching) -> None:
    seen = watching.observe()
    await watching.livekit.connect()
    await watching.livekit.reconnecting()
    await watching.livekit.disconnected(rtc.DisconnectReason.STATE_MISMATCH)
    await seen.closed()
    kind, data = (await watching.published())[-1]
    assert data.error is not None
    assert (kind, data.error.code, data.error.origin) == ("room.disconnected", 53204, "server")
    assert (data.error.vendor, data.error.vendor_code) == ("livekit", rtc.DisconnectReason.STATE_MISMATCH)


@pytest.mark.parametrize(("reason", "why"), [("CLIENT_INITIATED", "leave"), ("PARTICIPANT_REMOVED", None)])
async def test_leaving_and_removal_have_no_error(watching: Watching, reason: str, why: str | None) -> None:
    watching.observe()
    await watching.livekit.connect()
    await watching.livekit.disconnected(rtc.DisconnectReason.Value(reason))
    kind, data = (await watching.published())[-1]
    assert (kind, data.error, data.reason) == ("room.disconnected", None, why)


async def test_a_real_connect_that_fails_is_told_by_the_application() -> None:
    room, clock = rtc.Room(), VirtualClock(BEGIN)
    seen = observe_livekit(room, clock=clock)
    with pytest.raises(rtc.ConnectError):
        await room.connect("ws://127.0.0.1:9", "no token", rtc.RoomOptions(connect_timeout=1.0))
    seen.disconnected(53000)
    assert seen.state == "disconnected"


def test_without_the_package_the_extra_is_named() -> None:
    program = (
        "import sys; sys.modules['livekit'] = None\n"
        "try:\n    import session_core.adapters.livekit\nexcept ImportError as error:\n    print(error)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said == "livekit is not installed; run: pip install 'roomwatch[livekit]'\n"
