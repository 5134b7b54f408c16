"""What a room says to what it is told: joining, losing its links, coming back, ending."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from session_core.causes import ENDINGS, Ending
from session_core.errors import CATALOGUE, Origin, RoomError
from session_core.events import Client, Event, Outage, ParticipantView, Policy, RoomState, Session, Totals
from session_core.policy import ReconnectPolicy
from session_core.room import Room
from session_core.signals import (
    SIGNALS,
    AttemptStarted,
    AttemptUnreached,
    ConnectCancelled,
    ConnectRefused,
    ConnectUnanswered,
    DtlsFailed,
    IceState,
    Leave,
    PeerClosed,
    Removed,
    Resynchronised,
    RoomCompleted,
    ServerError,
    Signal,
    SignalingLost,
)
from tests.session_core.playing import DOCUMENTED, JOINED, a_joined_room, a_room, at, play, said
from tests.session_core.telling import session_id

LOST = SignalingLost("remote")
BACK = Resynchronised(())
FAILED, CHECKING, WELL = (IceState("P1", state) for state in ("failed", "checking", "connected"))


def test_every_signal_has_its_entry() -> None:
    assert set(Room.HANDLERS) == set(SIGNALS)
    assert set(ENDINGS) == set(get_args(Ending))


# Joining


def test_a_room_begins_by_saying_what_it_is_and_how_it_will_reconnect() -> None:
    client = Client(sdk="roomwatch", region="de1")
    room = a_room(client=client)
    assert room.begin(at(0)) == [
        Event(
            type="room.connecting",
            at=at(0),
            session=Session(session_id=session_id(), room_name="standup"),
            state=RoomState.CONNECTING,
            to_state=RoomState.CONNECTING,
            policy=DOCUMENTED.facts(),
            client=client,
        )
    ]
    assert room.begin(at(1)) == []


@pytest.mark.parametrize("first", [JOINED, Removed(), Leave()])
def test_a_room_that_is_joined_or_over_does_not_begin_any_more(first: Signal) -> None:
    room = a_room()
    room.receive(first, at(0))
    assert room.begin(at(1)) == []


@pytest.mark.parametrize(("signal", "reason"), [(Leave, "leave"), (ConnectCancelled, "cancelled")])
def test_a_reason_that_the_wire_does_not_know_is_told_as_the_plain_one(signal: Any, reason: str) -> None:
    room = a_room()
    assert room.receive(signal("fed up"), at(0))[-1].reason == reason
    assert room.ignored == {"fed up": 1}


def test_a_room_that_is_joined_says_who_we_are_there() -> None:
    room = a_room()
    room.begin(at(-100))
    assert room.receive(JOINED, at(0)) == [
        Event(
            type="room.connected",
            at=at(0),
            session=Session(
                session_id=session_id(),
                room_name="standup",
                room_sid="RM1",
                participant_sid="PA0",
                identity="ada",
            ),
            state=RoomState.CONNECTED,
            from_state=RoomState.CONNECTING,
            to_state=RoomState.CONNECTED,
        )
    ]
    assert room.local_participant.view() == ParticipantView(sid="PA0", identity="ada", state=RoomState.CONNECTED)


@pytest.mark.parametrize(
    ("signal", "says"),
    [
        (ConnectRefused(20104, "whatever"), "0 room.connect_failed 20104 server"),
        (ConnectRefused(53006), "0 room.connect_failed 53006 server"),
        (ConnectRefused(49999, "no such plan"), "0 room.connect_failed 49999 server 'no such plan'"),
        (ServerError(53105), "0 room.connect_failed 53105 server"),
        (ConnectUnanswered(), "0 room.connect_failed 53000 transport"),
        (SignalingLost(), "0 room.connect_failed 53000 transport"),
        (RoomCompleted(), "0 room.connect_failed 53118 server"),
        (Removed(), "0 room.connect_failed 53001 server"),
        (ConnectCancelled(), "0 room.connect_failed cancelled"),
        (Leave("signal"), "0 room.connect_failed signal"),
    ],
)
def test_a_join_that_fails_is_not_tried_again(signal: Signal, says: str) -> None:
    room = a_room()
    room.begin(at(-100))
    assert play(room, (0, signal), (1, JOINED), (90_000, None)) == [says]
    assert (room.state, room.deadline_us, room.attempt_at_us) == (RoomState.DISCONNECTED, None, None)


def test_a_room_that_is_not_joined_knows_of_us_what_it_was_given() -> None:
    room = Room(Session(session_id=session_id(), identity="ada"), policy=DOCUMENTED)
    assert room.local_participant.view() == ParticipantView(sid="", identity="ada", state=RoomState.CONNECTING)


def test_media_that_failed_before_the_join_is_an_outage_from_the_join_on() -> None:
    room = a_room()
    assert play(room, (-10, FAILED), (0, JOINED)) == ["0 room.connected", "0 room.reconnecting 53405 media"]


# Losing and coming back


def test_signaling_that_is_lost_and_comes_back_is_one_outage() -> None:
    room = a_joined_room()
    assert play(room, (1000, LOST), (1100, LOST), (1200, BACK), (1300, BACK)) == [
        "1000 local.reconnecting PA0",
        "1000 room.reconnecting 53001 transport",
        "1200 room.reconnected",
        "1200 local.reconnected PA0",
    ]


def test_an_event_is_complete_as_of_its_transition() -> None:
    room = a_joined_room()
    room.receive(LOST, at(1000))
    room.receive(AttemptStarted(), at(1080))
    (event, _) = room.receive(BACK, at(1200.4))
    outage = Outage(
        number=1, started_at=at(1000).utc, cause="signaling", attempts=1, signaling_down_ms=200, downtime_ms=200
    )
    assert event == Event(
        type="room.reconnected",
        at=at(1200.4),
        session=room.session,
        state=RoomState.CONNECTED,
        from_state=RoomState.RECONNECTING,
        to_state=RoomState.CONNECTED,
        outage=outage,
        totals=Totals(outages=1, reconnecting_ms=200, connected_ms=1000),
    )
    assert room.outage is None


def test_a_room_that_is_back_waits_for_the_end_of_no_window() -> None:
    room = a_joined_room(ReconnectPolicy.documented(window_ms=5_000))
    play(room, (0, LOST))
    assert room.deadline_us == 5_000_000
    play(room, (100, BACK))
    assert room.deadline_us == 30_000_000


def test_what_is_an_answer_to_nothing_changes_nothing() -> None:
    room = a_room()
    assert play(room, (0, BACK), (1, AttemptUnreached())) == []
    assert (room.state, room.attempt_at_us) == (RoomState.CONNECTING, None)
    room = a_joined_room()
    assert play(room, (1, JOINED), (2, AttemptUnreached())) == []
    assert (room.state, room.attempt_at_us) == (RoomState.CONNECTED, None)


def test_media_that_fails_and_recovers_touches_nobodys_state_but_the_rooms() -> None:
    room = a_joined_room()
    assert play(room, (10, FAILED), (110, CHECKING)) == ["10 room.reconnecting 53405 media"]
    assert room.local_participant.state is RoomState.CONNECTED
    assert play(room, (210, WELL)) == ["210 room.reconnected"]


def test_a_peer_connection_that_is_merely_disconnected_is_no_outage() -> None:
    assert play(a_joined_room(), (0, IceState("P1", "disconnected")), (5000, None)) == []


def test_one_good_peer_connection_is_enough() -> None:
    room = a_joined_room()
    assert play(room, (0, IceState("P2", "connected")), (10, FAILED)) == []
    assert play(room, (20, PeerClosed("P2"))) == ["20 room.reconnecting 53405 media"]
    assert play(room, (30, PeerClosed("P1"))) == []
    assert play(room, (40, WELL)) == ["40 room.reconnected"]


def test_what_breaks_second_is_no_second_outage_and_both_must_be_well() -> None:
    room = a_joined_room()
    assert play(room, (0, FAILED), (100, LOST), (300, WELL), (400, BACK)) == [
        "0 room.reconnecting 53405 media",
        "100 local.reconnecting PA0",
        "400 room.reconnected",
        "400 local.reconnected PA0",
    ]


def test_an_outage_tells_how_long_each_link_was_down() -> None:
    room = a_joined_room()
    play(room, (0, FAILED), (100, LOST), (250, CHECKING), (300, WELL))
    (event, _) = room.receive(BACK, at(400))
    assert event.outage == Outage(
        number=1, started_at=at(0).utc, cause="media", signaling_down_ms=300, media_down_ms=300, downtime_ms=400
    )


def test_media_that_failed_behind_lost_signaling_must_be_well_again_too() -> None:
    room = a_joined_room()
    assert play(room, (0, LOST), (10, FAILED), (20, CHECKING), (100, BACK), (200, WELL)) == [
        "0 local.reconnecting PA0",
        "0 room.reconnecting 53001 transport",
        "100 local.reconnected PA0",
        "200 room.reconnected",
    ]


def test_a_policy_may_let_media_that_failed_unseen_be_on_its_way() -> None:
    room = a_joined_room(ReconnectPolicy(name="forgets", remembers_hidden_failure=False))
    play(room, (0, LOST), (10, FAILED), (20, CHECKING))
    assert play(room, (100, BACK), (60_000, None)) == ["100 room.reconnected", "100 local.reconnected PA0"]


def test_media_that_is_not_there_yet_holds_nobody_up() -> None:
    room = a_joined_room()
    play(room, (0, PeerClosed("P1")), (10, LOST))
    assert play(room, (100, BACK), (60_000, None)) == ["100 room.reconnected", "100 local.reconnected PA0"]
    assert room.state is RoomState.CONNECTED


def test_the_next_outage_is_another_one_with_a_full_window() -> None:
    room = a_joined_room()
    play(room, (0, LOST), (20_000, BACK), (25_000, LOST))
    assert room.outage == Outage(number=2, started_at=at(25_000).utc, cause="signaling", since_previous_ms=5_000)
    assert play(room, (54_999, None)) == []
    assert play(room, (55_000, None)) == ["55000 local.disconnected PA0", "55000 room.disconnected 53002 window"]


# The end


@pytest.mark.parametrize("reconnecting", [False, True])
@pytest.mark.parametrize(
    ("signal", "says"),
    [
        (Leave(), "leave"),
        (Leave("exit"), "exit"),
        (ServerError(20104, "whatever"), "20104 server"),
        (ServerError(53204), "53204 server"),
        (ServerError(53205), "53205 server"),
        (ServerError(59999, "new here"), "59999 server 'new here'"),
        (ServerError(-1, ""), "0 server 'Unknown error'"),
        (RoomCompleted(), "53118 server"),
        (Removed(), ""),
        (DtlsFailed("P1"), "53407 media"),
    ],
)
def test_a_room_is_disconnected_at_once_and_for_good(signal: Signal, says: str, *, reconnecting: bool) -> None:
    room = a_joined_room()
    if reconnecting:
        play(room, (0, LOST))
    ends = ["10 local.disconnected PA0", f"10 room.disconnected {says}".rstrip()]
    assert play(room, (10, signal)) == ends
    afterwards: list[tuple[float, Signal | None]] = [
        (20 + n, late) for n, late in enumerate((signal, JOINED, LOST, BACK))
    ]
    assert play(room, *afterwards, (99_000, None)) == []
    assert (room.state, room.deadline_us, room.attempt_at_us) == (RoomState.DISCONNECTED, None, None)


def test_the_end_of_a_room_closes_the_outage_that_was_open() -> None:
    room = a_joined_room()
    play(room, (1000, LOST))
    event = room.receive(Leave(), at(1020))[-1]
    assert (event.from_state, event.to_state) == (RoomState.RECONNECTING, RoomState.DISCONNECTED)
    assert event.outage == Outage(
        number=1, started_at=at(1000).utc, cause="signaling", signaling_down_ms=20, downtime_ms=20
    )
    assert event.totals == room.totals(at(9999)) == Totals(outages=1, reconnecting_ms=20, connected_ms=1000)


@pytest.mark.parametrize("state", ["failed", "disconnected"])
def test_a_peer_connection_that_fails_as_its_ice_did_is_not_the_end(state: str) -> None:
    room = a_joined_room()
    play(room, (0, IceState("P1", state)))
    assert play(room, (1, DtlsFailed("P1"))) == []


def test_every_code_of_the_catalogue_ends_a_room_by_its_name() -> None:
    for row in CATALOGUE.values():
        event = a_joined_room().receive(ServerError(row.code, "the server's words"), at(0))[-1]
        assert event.error == RoomError(code=row.code, name=row.name, message=row.message, origin=Origin.SERVER)


def test_the_policy_that_is_told_is_the_one_that_runs() -> None:
    (event,) = a_room(ReconnectPolicy.documented(window_ms=5_000, attempts_max=3)).begin(at(0))
    assert event.policy is not None
    assert event.policy == Policy(
        name="documented",
        window_ms=5_000,
        attempts_max=3,
        delay_first_ms=80,
        delay_factor=1.5,
        delay_max_ms=10_000,
        jitter=0.2,
    )


def test_a_clock_that_goes_back_stands_still() -> None:
    room = a_joined_room()
    room.receive(LOST, at(1000))
    assert said(room.receive(BACK, at(400)))[0] == "1000 room.reconnected"


def test_what_is_no_signal_and_a_moment_that_is_none_change_nothing_and_are_counted() -> None:
    room = a_joined_room()
    nothing: Any = None
    assert room.receive(nothing, at(1)) == []
    assert room.advance(nothing) == []
    assert (room.state, room.ignored) == (
        "connected",
        {"NoneType of a wrong shape": 1, "a moment of a wrong shape": 1},
    )
