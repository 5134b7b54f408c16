"""What a room makes of the words of an SDK that is observed."""

from __future__ import annotations

import pytest

from session_core.errors import Origin, RoomError
from session_core.events import Event, Outage
from session_core.policy import ReconnectPolicy
from session_core.room import Room
from session_core.signals import (
    IceState,
    Joined,
    ParticipantsUpdated,
    Removed,
    Resynchronised,
    SdkDisconnected,
    SdkReconnected,
    SdkReconnecting,
    SessionLearned,
    SignalingLost,
)
from tests.session_core.playing import DOCUMENTED, a_joined_room, a_room, at, participant, play

OBSERVED = ReconnectPolicy.observed()
LOST, LOST_MEDIA, BACK = SdkReconnecting(), SdkReconnecting("media"), SdkReconnected()


def only(events: list[Event], kind: str) -> Event:
    (found,) = [event for event in events if event.type == kind]
    return found


def test_an_sdk_that_reconnects_is_one_outage_of_signaling() -> None:
    story = play(a_joined_room(OBSERVED), (100, LOST), (200, LOST), (40_000, BACK), (41_000, BACK))
    assert story == [
        "100 local.reconnecting PA0",
        "100 room.reconnecting 53001 transport",
        "40000 room.reconnected",
        "40000 local.reconnected PA0",
    ]


def test_an_sdk_that_reconnects_its_media_changes_nobodys_state_but_the_rooms() -> None:
    story = play(a_joined_room(OBSERVED), (100, LOST_MEDIA), (200, LOST_MEDIA), (300, BACK))
    assert story == ["100 room.reconnecting 53405 media", "300 room.reconnected"]


def test_both_links_that_an_sdk_loses_one_after_the_other_are_one_outage_with_the_time_of_each() -> None:
    room = a_joined_room(OBSERVED)
    room.receive(LOST_MEDIA, at(1_000))
    room.receive(LOST, at(3_000))
    back = only(room.receive(BACK, at(6_000)), "room.reconnected")
    assert back.outage == Outage(
        number=1,
        started_at=at(1_000).utc,
        cause="media",
        signaling_down_ms=3_000,
        media_down_ms=5_000,
        downtime_ms=5_000,
    )
    assert room.outage is None


@pytest.mark.parametrize("lost", [SignalingLost(), IceState("P1", "failed")], ids=["signaling", "media"])
def test_the_sdk_is_believed_that_all_is_well_whatever_was_told_of_a_link(lost: SignalingLost | IceState) -> None:
    story = play(a_joined_room(OBSERVED), (100, lost), (200, BACK), (300, None))
    assert story[-1].startswith("200 ")
    assert "200 room.reconnected" in story


def test_a_peer_connection_that_fails_after_the_sdk_said_that_all_is_well_is_a_new_outage() -> None:
    story = play(a_joined_room(OBSERVED), (100, LOST_MEDIA), (200, BACK), (300, IceState("P1", "failed")))
    assert story[-1] == "300 room.reconnecting 53405 media"


def test_before_the_join_and_after_the_end_the_word_of_the_sdk_means_nothing() -> None:
    room = a_room(OBSERVED)
    room.begin(at(0))
    assert play(room, (1, LOST), (2, LOST_MEDIA), (3, BACK)) == []
    assert play(room, (4, Joined("RM1", "PA0"))) == ["4 room.connected"]
    assert play(room, (5, Removed()))[-1] == "5 room.disconnected"
    assert play(room, (6, LOST), (7, BACK), (8, SdkDisconnected(53000))) == []


def test_a_word_before_the_join_leaves_this_side_connecting_and_what_was_told_of_its_media() -> None:
    room = a_room(OBSERVED)
    room.begin(at(0))
    room.receive(IceState("P1", "failed"), at(1))
    for word in (LOST, LOST_MEDIA, BACK):
        room.receive(word, at(2))
        assert room.local_participant.state == "connecting"
    assert play(room, (4, Joined("RM1", "PA0"))) == ["4 room.connected", "4 room.reconnecting 53405 media"]


def test_a_word_after_the_end_tells_no_news_of_others() -> None:
    room = a_joined_room(OBSERVED)
    play(room, (1, LOST), (2, ParticipantsUpdated((participant("PA1"),))), (3, Removed()))
    assert (play(room, (4, BACK)), room.participants) == ([], {})


def test_an_sdk_that_loses_media_while_signaling_is_down_does_not_bring_signaling_back() -> None:
    room = a_joined_room(DOCUMENTED)
    story = play(room, (0, LOST), (10, LOST_MEDIA), (20, LOST_MEDIA), (30_000, None))
    assert story == [
        "0 local.reconnecting PA0",
        "0 room.reconnecting 53001 transport",
        "30000 local.disconnected PA0",
        "30000 room.disconnected 53002 window",
    ]


def test_an_sdk_that_loses_signaling_says_nothing_of_media() -> None:
    room = a_joined_room(OBSERVED)
    lost = (100, LOST), (200, IceState("P1", "failed")), (300, IceState("P1", "connected")), (400, LOST)
    play(room, *lost)
    events = room.receive(Resynchronised(()), at(1_000))
    assert (only(events, "room.reconnected").outage, room.state) == (
        Outage(
            number=1,
            started_at=at(100).utc,
            cause="signaling",
            signaling_down_ms=900,
            media_down_ms=100,
            downtime_ms=900,
        ),
        "connected",
    )


def test_what_was_told_of_others_meanwhile_counts_before_the_room_is_back() -> None:
    story = play(a_joined_room(OBSERVED), (100, LOST), (150, ParticipantsUpdated((participant("PA1"),))), (200, BACK))
    assert story[2:] == ["200 participant.connected PA1", "200 room.reconnected", "200 local.reconnected PA0"]


def test_the_words_of_the_sdk_stand_beside_our_code() -> None:
    room = a_joined_room(OBSERVED)
    began = only(room.receive(SdkReconnecting("signaling", "ours", 4), at(1)), "room.reconnecting")
    assert began.error == RoomError(
        code=53001,
        name="SignalingConnectionDisconnectedError",
        message="Signaling connection disconnected",
        origin=Origin.TRANSPORT,
        vendor="ours",
        vendor_code=4,
    )


@pytest.mark.parametrize("origin", [Origin.MEDIA, Origin.SERVER])
@pytest.mark.parametrize("state", ["connecting", "connected", "reconnecting"])
def test_the_sdk_ends_a_room_in_any_state_with_its_code_and_who_decided(state: str, origin: Origin) -> None:
    room = a_room(OBSERVED) if state == "connecting" else a_joined_room(OBSERVED)
    if state == "connecting":
        room.begin(at(0))
    elif state == "reconnecting":
        room.receive(LOST, at(1))
    told = SdkDisconnected(99, "gone", origin, "ours", 5)
    end = room.receive(told, at(2))[-1]
    assert (end.type, end.from_state) == (
        f"room.{'connect_failed' if state == 'connecting' else 'disconnected'}",
        state,
    )
    assert end.error == RoomError(
        code=99, name="RoomError", message="gone", origin=origin, vendor="ours", vendor_code=5
    )
    assert room.state == "disconnected"


def test_a_room_that_drives_itself_makes_attempts_until_the_sdk_says_that_all_is_well() -> None:
    room = a_joined_room(DOCUMENTED)
    room.receive(LOST, at(0))
    wanted = [room.attempt_at_us]
    room.receive(BACK, at(50))
    wanted.append(room.attempt_at_us)
    assert (wanted, room.state) == ([at(80).steady_us, None], "connected")


def learned(signal: SessionLearned) -> Room:
    room = a_joined_room(OBSERVED)
    room.receive(signal, at(1))
    return room


def test_what_is_learned_of_the_room_is_known_from_then_on_and_the_rest_stays() -> None:
    renamed, numbered = learned(SessionLearned(room_name="weekly")), learned(SessionLearned(room_sid="RM9"))
    assert [(room.session.room_sid, room.session.room_name) for room in (renamed, numbered)] == [
        ("RM1", "weekly"),
        ("RM9", "standup"),
    ]
    assert (renamed.session.participant_sid, renamed.local_participant.sid) == ("PA0", "PA0")


def test_what_is_learned_before_the_join_gives_this_side_no_sid() -> None:
    room = a_room(policy=OBSERVED)
    room.begin(at(0))
    play(room, (1, SessionLearned(room_name="weekly")))
    assert (room.session.room_name, room.local_participant.sid) == ("weekly", "")
