"""When a room gives up: its window, its attempts, and what other policies make of them."""

from __future__ import annotations

import pytest

from session_core.events import RoomState, Session, Totals
from session_core.policy import ReconnectPolicy, WindowCode
from session_core.room import Room
from session_core.signals import (
    AttemptRefused,
    AttemptStarted,
    AttemptUnreached,
    IceState,
    Resynchronised,
    ServerError,
    Signal,
    SignalingGivenUp,
    SignalingLost,
)
from tests.session_core.playing import DOCUMENTED, JOINED, a_joined_room, a_room, at, play
from tests.session_core.telling import session_id

LOST = SignalingLost("remote")
BACK = Resynchronised(())
FAILED, CHECKING = IceState("P1", "failed"), IceState("P1", "checking")


def test_a_room_that_stays_away_past_its_window_is_disconnected_with_53002() -> None:
    room = a_joined_room()
    assert play(room, (1000, LOST), (30_999, None), (31_000, None))[2:] == [
        "31000 local.disconnected PA0",
        "31000 room.disconnected 53002 window",
    ]


@pytest.mark.parametrize(
    ("story", "says"),
    [
        ([(0, FAILED)], "53405 window"),
        ([(0, FAILED), (29_999, LOST)], "53002 window"),
        ([(0, LOST), (10, FAILED), (29_999, BACK)], "53405 window"),
        ([(0, FAILED), (10, CHECKING)], "53405 window"),
    ],
)
def test_the_window_ends_a_room_by_what_is_down_then(story: list[tuple[float, Signal]], says: str) -> None:
    room = a_joined_room()
    play(room, *story)
    assert play(room, (30_000, None))[-1] == f"30000 room.disconnected {says}"


@pytest.mark.parametrize(("first", "second", "code"), [(LOST, FAILED, 53001), (FAILED, LOST, 53405)])
def test_a_policy_may_end_the_window_with_the_code_it_began_with(first: Signal, second: Signal, code: int) -> None:
    room = a_joined_room(ReconnectPolicy(name="keeps", window_code=WindowCode.CAUSE))
    play(room, (0, first), (10, second))
    assert play(room, (30_000, None))[-1] == f"30000 room.disconnected {code} window"


def test_a_window_is_over_when_it_is_over_however_late_somebody_looks() -> None:
    room = a_joined_room()
    play(room, (0, LOST))
    assert play(room, (47_000, BACK)) == ["30000 local.disconnected PA0", "30000 room.disconnected 53002 window"]
    assert room.totals(at(50_000)) == Totals(outages=1, reconnecting_ms=30_000, connected_ms=0)


def test_the_server_may_set_the_window() -> None:
    room = a_joined_room(session_timeout_ms=5_000)
    play(room, (0, LOST), (1, Resynchronised((), session_timeout_ms=7_000)), (10, LOST))
    assert room.deadline_us == at(7_010).steady_us
    room = a_joined_room(session_timeout_ms=0)
    assert play(room, (0, LOST))[1:] == [
        "0 room.reconnecting 53001 transport",
        "0 local.disconnected PA0",
        "0 room.disconnected 53002 window",
    ]


def test_a_window_below_0_is_none_and_changes_nothing() -> None:
    room = a_joined_room(session_timeout_ms=-1)
    play(room, (0, LOST))
    assert (room.deadline_us, room.ignored) == (at(30_000).steady_us, {"a window that is none": 1})


def test_no_server_sets_a_window_longer_than_a_day() -> None:
    room = a_joined_room(session_timeout_ms=10**12)
    play(room, (0, LOST))
    states = [room.state for at_ms in (86_399_999, 86_400_000) if play(room, (at_ms, None)) is not None]
    assert states == [RoomState.RECONNECTING, RoomState.DISCONNECTED]


def test_a_window_that_the_server_sets_meanwhile_is_for_the_next_outage() -> None:
    room = a_joined_room()
    play(room, (0, LOST), (10, FAILED), (20, Resynchronised((), session_timeout_ms=60_000)))
    assert play(room, (30_000, None))[-1] == "30000 room.disconnected 53405 window"


def test_an_observed_room_never_gives_up_by_itself_and_wants_no_attempts() -> None:
    room = a_joined_room(ReconnectPolicy.observed(), session_timeout_ms=1_000)
    play(room, (0, LOST), (100_000, None))
    assert (room.state, room.attempt_at_us) == (RoomState.RECONNECTING, None)
    assert play(room, (200_000, ServerError(53002)))[-1] == "200000 room.disconnected 53002 server"


# Attempts


def test_attempts_are_wanted_after_growing_delays_and_none_while_one_is_in_flight() -> None:
    room = a_joined_room()

    def wanted_ms(*story: tuple[float, Signal | None]) -> float | None:
        play(room, *story)
        return None if room.attempt_at_us is None else room.attempt_at_us / 1000

    assert wanted_ms() is None
    assert wanted_ms((0, LOST)) == 80
    assert wanted_ms((80, AttemptStarted())) is None
    assert wanted_ms((100, AttemptUnreached())) == 220
    assert wanted_ms((220, AttemptStarted()), (230, AttemptRefused())) == 410
    assert wanted_ms((300, BACK)) is None


def test_without_jitter_a_delay_is_as_long_as_the_policy_says() -> None:
    room = Room(Session(session_id=session_id()), policy=DOCUMENTED)
    play(room, (0, JOINED), (10, LOST))
    assert room.attempt_at_us == at(90).steady_us


def test_an_attempt_counts_once_and_only_while_signaling_is_down() -> None:
    room = a_joined_room()
    play(room, (0, FAILED), (1, AttemptStarted()))
    assert (room.outage and room.outage.attempts) == 0
    play(room, (10, LOST), (20, AttemptStarted()), (21, AttemptStarted()))
    assert (room.outage and room.outage.attempts) == 1


def attempts(room: Room, outcome: Signal, count: int, from_ms: float) -> list[str]:
    lines = []
    for n in range(count):
        lines += play(room, (from_ms + 2 * n, AttemptStarted()), (from_ms + 2 * n + 1, outcome))
    return lines


def test_a_room_that_is_refused_until_its_attempts_are_used_up_is_disconnected_with_53000() -> None:
    room = a_joined_room()
    play(room, (0, LOST))
    assert attempts(room, AttemptRefused(), 11, 10) == []
    assert room.outage is not None
    assert room.outage.attempts == 11
    assert attempts(room, AttemptRefused(), 1, 100) == [
        "101 local.disconnected PA0",
        "101 room.disconnected 53000 attempts",
    ]


def test_attempts_that_reach_nobody_do_not_count() -> None:
    room = a_joined_room()
    play(room, (0, LOST))
    assert attempts(room, AttemptUnreached(), 50, 10) == []
    assert play(room, (30_000, None))[-1] == "30000 room.disconnected 53002 window"


def test_only_a_resynchronisation_sets_the_count_back_and_the_outage_keeps_its_own() -> None:
    room = a_joined_room()
    play(room, (0, LOST), (1, FAILED))
    attempts(room, AttemptRefused(), 11, 10)
    assert play(room, (50, BACK), (51, LOST)) == ["50 local.reconnected PA0", "51 local.reconnecting PA0"]
    assert attempts(room, AttemptRefused(), 11, 60) == []
    assert room.outage is not None
    assert room.outage.attempts == 22
    assert room.state is RoomState.RECONNECTING


def test_an_answer_to_an_attempt_that_nobody_made_means_nothing() -> None:
    room = a_joined_room()
    stray: list[tuple[float, Signal]] = [(0, AttemptStarted()), (1, AttemptRefused()), (2, LOST), (3, AttemptRefused())]
    play(room, *stray)
    assert room.attempt_at_us == at(82).steady_us


def test_a_transport_that_gives_signaling_up_ends_the_room_with_53000_or_its_own_code() -> None:
    assert play(a_joined_room(), (10, SignalingGivenUp())) == [
        "10 local.disconnected PA0",
        "10 room.disconnected 53000 transport",
    ]
    assert play(a_joined_room(), (0, LOST), (10, SignalingGivenUp(53006)), (20, SignalingGivenUp()))[-1] == (
        "10 room.disconnected 53006 transport"
    )


def test_a_transport_that_gives_the_join_up_has_failed_to_connect() -> None:
    room = a_room()
    room.begin(at(0))
    assert play(room, (10, SignalingGivenUp(53006))) == ["10 room.connect_failed 53006 transport"]
    assert room.state is RoomState.DISCONNECTED
