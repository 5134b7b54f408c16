"""What a room says of others, of its token and of being alive; and what it takes from outside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from session_core.events import Client, Event, Outage, ParticipantView, RoomState, Session, Token, Totals
from session_core.policy import ReconnectPolicy
from session_core.room import IGNORED_WORDS_MAX, Room
from session_core.signals import (
    IceState,
    Joined,
    Leave,
    ParticipantsUpdated,
    Resynchronised,
    ServerError,
    SignalingLost,
    TokenReplaced,
)
from tests.session_core.playing import DOCUMENTED, JOINED, a_joined_room, a_room, at, participant, play, said
from tests.session_core.telling import session_id

LOST = SignalingLost()
BOB, CAROL = participant("bob"), participant("carol")
BOB_AWAY, BOB_BACK = participant("bob", "reconnecting", 2), participant("bob", "connected", 3)


# Participants


def test_an_event_about_a_participant_tells_who_what_was_and_what_is() -> None:
    room = a_joined_room(participants=[BOB, CAROL])
    assert room.receive(ParticipantsUpdated((BOB_AWAY,)), at(5)) == [
        Event(
            type="participant.reconnecting",
            at=at(5),
            session=room.session,
            state=RoomState.RECONNECTING,
            from_state=RoomState.CONNECTED,
            to_state=RoomState.RECONNECTING,
            participant=ParticipantView(sid="bob", identity="bob's identity", state=RoomState.RECONNECTING),
            participants=3,
            totals=room.totals(at(5)),
        )
    ]


def test_others_come_go_away_come_back_and_leave() -> None:
    room = a_joined_room(participants=[BOB])
    gone = participant("bob", "disconnected", 4)
    updates = [(n, ParticipantsUpdated((state,))) for n, state in enumerate((CAROL, BOB_AWAY, BOB_BACK, gone))]
    assert play(room, *updates) == [
        "0 participant.connected carol",
        "1 participant.reconnecting bob",
        "2 participant.reconnected bob",
        "3 participant.disconnected bob",
    ]
    assert list(room.participants) == ["carol"]


def test_news_that_comes_while_signaling_is_down_counts_after_the_resynchronisation_and_before_reconnected() -> None:
    room = a_joined_room(participants=[BOB, CAROL])
    play(room, (0, LOST), (10, ParticipantsUpdated((BOB_AWAY,))))
    assert room.participants["bob"].state is RoomState.CONNECTED
    assert play(room, (200, Resynchronised((BOB,)))) == [
        "200 participant.disconnected carol",
        "200 participant.reconnecting bob",
        "200 room.reconnected",
        "200 local.reconnected PA0",
    ]


def test_news_that_comes_before_the_join_counts_after_it() -> None:
    room = a_room()
    joined = Joined("RM1", "PA0", (BOB,))
    assert play(room, (-1, ParticipantsUpdated((BOB_AWAY,))), (0, joined)) == [
        "0 room.connected",
        "0 participant.reconnecting bob",
    ]


def test_what_happens_to_others_in_an_outage_carries_the_outage() -> None:
    room = a_joined_room(participants=[BOB])
    play(room, (0, LOST))
    event = room.receive(Resynchronised(()), at(200))[0]
    outage = Outage(number=1, started_at=at(0).utc, cause="signaling", signaling_down_ms=200, downtime_ms=200)
    assert (event.type, event.outage, event.participants) == ("participant.disconnected", outage, 1)


def test_an_outage_of_media_lets_news_of_others_through_and_changes_nobody() -> None:
    room = a_joined_room(participants=[BOB])
    play(room, (0, IceState("P1", "failed")))
    assert room.participants["bob"].state is RoomState.CONNECTED
    assert play(room, (1, ParticipantsUpdated((BOB_AWAY,)))) == ["1 participant.reconnecting bob"]


def test_a_room_that_is_disconnected_keeps_its_participants_as_they_were() -> None:
    room = a_joined_room(participants=[BOB])
    assert play(room, (0, Leave())) == ["0 local.disconnected PA0", "0 room.disconnected leave"]
    assert room.receive(ParticipantsUpdated((BOB_AWAY,)), at(1)) == []
    assert {sid: someone.state for sid, someone in room.participants.items()} == {"bob": RoomState.CONNECTED}


# The token


def token(expires_after_s: float, ttl_s: int = 3600) -> Token:
    return Token(expires_at=at(0).utc + timedelta(seconds=expires_after_s), ttl_s=ttl_s)


def test_an_application_hears_once_five_minutes_before_its_token_expires() -> None:
    room = a_joined_room(token=token(3600))
    assert play(room, (3_299_999, None)) == []
    assert room.advance(at(3_300_000)) == [
        Event(
            type="token.expiring",
            at=at(3_300_000),
            session=room.session,
            state=RoomState.CONNECTED,
            totals=Totals(connected_ms=3_300_000),
            token=token(3600),
        )
    ]
    assert play(room, (9_999_999, None)) == []


@pytest.mark.parametrize("left_s", [299, 0, -60])
def test_a_token_with_less_than_that_left_is_told_of_at_the_join(left_s: float) -> None:
    room = a_room(token=token(left_s))
    events = room.receive(JOINED, at(0))
    assert said(events) == ["0 room.connected", "0 token.expiring"]
    assert [event.token for event in events] == [token(left_s)] * 2


def test_another_token_is_watched_anew_and_the_same_one_is_not() -> None:
    room = a_joined_room(token=token(400))
    assert play(room, (100_000, None), (200_000, TokenReplaced(token(400)))) == ["100000 token.expiring"]
    play(room, (200_000, TokenReplaced(token(800))))
    assert play(room, (600_000, None)) == ["500000 token.expiring"]


def test_the_token_that_is_there_at_the_join_is_the_one_that_counts() -> None:
    room = a_room(token=token(100))
    assert play(room, (0, TokenReplaced(token(7200))), (1, JOINED), (2, None)) == ["1 room.connected"]


@pytest.mark.parametrize(
    ("expires_at", "told"),
    [
        (datetime(9999, 12, 31, tzinfo=UTC), datetime(2099, 12, 31, tzinfo=UTC)),
        (datetime(1, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_token_that_expires_beyond_what_stores_hold_is_told_with_the_nearest_day(
    expires_at: datetime, told: datetime
) -> None:
    room = a_room(token=Token(expires_at=expires_at, ttl_s=3600))
    assert room.receive(JOINED, at(0))[0].token == Token(expires_at=told, ttl_s=3600)


def test_a_room_that_is_over_watches_no_token() -> None:
    room = a_joined_room(token=token(3600))
    assert play(room, (0, LOST), (4_000_000, None))[-1] == "30000 room.disconnected 53002 window"


# Signs of life


def alive_at(room: Room, *times_ms: float) -> list[float]:
    return [
        event.at.steady_us / 1000 for ms in times_ms for event in room.advance(at(ms)) if event.type == "session.alive"
    ]


def test_a_session_gives_a_sign_of_life_every_thirty_seconds_connected_or_not() -> None:
    room = a_joined_room()
    assert room.deadline_us == 30_000_000
    assert alive_at(room, 29_999, 30_000, 59_999, 60_000) == [30_000, 60_000]
    room.receive(LOST, at(70_000))
    (event,) = room.advance(at(90_000))
    assert (event.type, event.state, event.at) == ("session.alive", RoomState.RECONNECTING, at(90_000))


def test_a_sign_of_life_is_about_now_however_many_were_missed() -> None:
    room = a_joined_room()
    assert alive_at(room, 200_000, 229_999, 230_000) == [200_000, 230_000]


def test_a_room_that_ended_in_its_sleep_gives_no_sign_of_life() -> None:
    room = a_joined_room()
    room.receive(LOST, at(10_000))
    assert alive_at(room, 200_000) == []


def test_a_room_that_ended_in_a_later_sleep_gives_no_sign_of_life_either() -> None:
    room = a_joined_room()
    room.receive(LOST, at(30_000))
    assert alive_at(room, 59_999, 60_000) == []


# What comes from outside


def test_words_from_outside_are_cut_to_what_the_wire_takes() -> None:
    long = "x\x00\ud800" * 200
    session = Session(session_id=session_id(), room_name=long)
    room = Room(session, policy=DOCUMENTED, client=Client(sdk=long))
    (begun,) = room.begin(at(0))
    (joined,) = room.receive(Joined(long, long, identity=long), at(1))
    cut = ("x ?" * 86)[:256]
    assert begun.client == Client(sdk=cut[:64])
    assert joined.session == Session(
        session_id=session_id(), room_name=cut, room_sid=cut, participant_sid=cut, identity=cut
    )
    error = room.receive(ServerError(2**40, long), at(2))[-1].error
    assert error is not None
    assert (error.code, error.message) == (2**31 - 1, cut)


def test_a_word_that_means_nothing_is_counted_by_its_beginning_whoever_it_is_about() -> None:
    room = a_joined_room()
    play(room, (0, IceState("P1", "w" * 65)), (1, ParticipantsUpdated((participant("bob", "asleep"),))))
    assert room.ignored == {"w" * 64: 1, "asleep": 1}


def test_words_that_mean_nothing_are_counted_up_to_a_bound() -> None:
    room = a_joined_room()
    for n in range(IGNORED_WORDS_MAX + 10):
        room.receive(IceState("P1", f"word {n}"), at(0))
        room.receive(IceState("P1", "word 0"), at(0))
    assert (len(room.ignored), room.ignored["other"]) == (IGNORED_WORDS_MAX + 1, 10)
    assert room.ignored["word 0"] == IGNORED_WORDS_MAX + 11


@pytest.mark.parametrize(
    ("policy", "told"),
    [(ReconnectPolicy.documented(), ["2 participant.connected dave"]), (ReconnectPolicy.twilio_js(), [])],
    ids=["documented", "twilio-js"],
)
def test_a_word_that_nobody_knows_means_to_the_sdks_policy_what_it_means_to_the_sdk(
    policy: ReconnectPolicy, told: list[str]
) -> None:
    dreaming, awake = participant("dave", "dreaming", 1), participant("dave", "connected", 1)
    room = a_joined_room(policy)
    room.receive(ParticipantsUpdated((dreaming,)), at(1))
    assert play(room, (2, ParticipantsUpdated((awake,)))) == told
