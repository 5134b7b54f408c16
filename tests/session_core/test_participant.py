"""Who is in the room, as the server tells and as signaling gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest

from session_core import participant
from session_core.events import EventType, ParticipantView, RoomState
from session_core.participant import Change, LocalParticipant, Roster
from session_core.signals import ParticipantState
from session_core.transitions import Signaling

CONNECTED, RECONNECTING = RoomState.CONNECTED, RoomState.RECONNECTING
DISCONNECTED, CONNECTING = RoomState.DISCONNECTED, RoomState.CONNECTING


def a_roster(*present: ParticipantState) -> tuple[Roster, Counter[str]]:
    ignored: Counter[str] = Counter()
    roster = Roster(lambda word: ignored.update([word]))
    roster.own_sid = "PA0"
    roster.fill(present)
    return roster, ignored


def bob(state: str, revision: int) -> ParticipantState:
    return ParticipantState("bob", "Bob", state, revision)


def told(changes: Iterable[Change]) -> list[str]:
    return [f"{change.participant.sid} {change.emits.partition('.')[2]}" for change in changes]


def present(roster: Roster) -> dict[str, tuple[RoomState, int]]:
    return {sid: (someone.state, someone.revision) for sid, someone in roster.present.items()}


def test_who_was_there_before_us_is_no_news() -> None:
    roster, _ = a_roster(bob("connected", 4), ParticipantState("eve", None, "reconnecting", 1))
    assert present(roster) == {"bob": (CONNECTED, 4), "eve": (RECONNECTING, 1)}


def test_a_change_tells_what_was_and_what_is() -> None:
    roster, _ = a_roster(bob("connected", 1))
    view = ParticipantView(sid="bob", identity="Bob", state=RECONNECTING)
    assert list(roster.update([bob("reconnecting", 2)])) == [Change("participant.reconnecting", CONNECTED, view)]


def test_a_participant_comes_goes_away_comes_back_and_leaves() -> None:
    roster, _ = a_roster()
    words = ["connected", "reconnecting", "connected", "disconnected"]
    story = [bob(word, revision) for revision, word in enumerate(words)]
    assert told(roster.update(story)) == ["bob connected", "bob reconnecting", "bob reconnected", "bob disconnected"]
    assert present(roster) == {}


def test_who_is_back_is_connected_and_a_word_once_more_is_no_news() -> None:
    roster, _ = a_roster(bob("connected", 1))
    found = []
    for revision, word in enumerate(("reconnecting", "reconnecting", "connected", "connected"), start=2):
        changes = told(roster.update([bob(word, revision)]))
        found.append((changes, present(roster)["bob"]))
    assert found == [
        (["bob reconnecting"], (RECONNECTING, 2)),
        ([], (RECONNECTING, 3)),
        (["bob reconnected"], (CONNECTED, 4)),
        ([], (CONNECTED, 5)),
    ]


def test_revisions_count_from_nought() -> None:
    roster, _ = a_roster()
    assert told(roster.update([bob("connected", -1)])) == []
    assert told(roster.update([bob("connected", 0)])) == ["bob connected"]


@pytest.mark.parametrize("revision", [0, 6, 7])
def test_a_revision_that_is_not_above_the_last_one_is_old_news(revision: int) -> None:
    roster, _ = a_roster(bob("connected", 7))
    assert told(roster.update([bob("disconnected", revision)])) == []
    assert present(roster) == {"bob": (CONNECTED, 7)}


@pytest.mark.parametrize("word", ["connected", "reconnecting", "disconnected"])
def test_old_news_of_any_kind_moves_nobody(word: str) -> None:
    roster, _ = a_roster(bob("connected", 7), ParticipantState("eve", None, "reconnecting", 7))
    assert told(roster.update([bob(word, 7), ParticipantState("eve", None, word, 7)])) == []
    assert present(roster) == {"bob": (CONNECTED, 7), "eve": (RECONNECTING, 7)}


def test_after_somebody_left_old_news_stays_old_and_new_news_makes_a_new_participant() -> None:
    roster, _ = a_roster(bob("connected", 1))
    before = roster.present["bob"]
    assert told(roster.update([bob("disconnected", 5), bob("connected", 5), bob("connected", 6)])) == [
        "bob disconnected",
        "bob connected",
    ]
    assert (before.state, roster.present["bob"] is before) == (DISCONNECTED, False)


def test_a_word_on_somebody_who_left_is_remembered_by_its_revision() -> None:
    roster, _ = a_roster()
    assert told(roster.update([bob("disconnected", 3), bob("connected", 2)])) == []
    assert told(roster.update([bob("connected", 4)])) == ["bob connected"]


def test_somebody_who_came_back_and_left_again_is_the_youngest_of_the_departed() -> None:
    roster, _ = a_roster()
    most = participant.PARTICIPANTS_MAX
    roster.fill([bob("disconnected", 1), bob("connected", 2)])
    roster.fill(ParticipantState(f"p{n}", None, "disconnected", 1) for n in range(most - 2))
    roster.fill([bob("disconnected", 3), *(ParticipantState(sid, None, "disconnected", 1) for sid in ("q", "r"))])
    assert told(roster.update([bob("connected", 3)])) == []


def test_a_newcomer_who_is_reconnecting_already_is_only_a_newcomer() -> None:
    roster, _ = a_roster()
    assert told(roster.update([bob("reconnecting", 1)])) == ["bob connected"]
    assert told(roster.update([bob("connected", 2)])) == ["bob reconnected"]


def test_in_an_update_who_is_missing_stays_and_in_a_resynchronisation_has_left() -> None:
    roster, _ = a_roster(bob("connected", 1), *(ParticipantState(sid, None, "connected", 1) for sid in "cde"))
    assert told(roster.update([bob("connected", 2)])) == []
    assert told(roster.resynchronise([bob("reconnecting", 3)])) == [
        "bob reconnecting",
        "c disconnected",
        "d disconnected",
        "e disconnected",
    ]


def test_who_was_missing_comes_back_by_a_greater_revision_only() -> None:
    roster, _ = a_roster(bob("connected", 4))
    assert told(roster.resynchronise([])) == ["bob disconnected"]
    assert told(roster.update([bob("connected", 4)])) == []
    assert told(roster.update([bob("connected", 5)])) == ["bob connected"]


def test_what_waited_counts_after_the_resynchronisation() -> None:
    roster, _ = a_roster(bob("connected", 1))
    roster.hold([bob("reconnecting", 2), bob("disconnected", 3), bob("connected", 2)])
    assert present(roster) == {"bob": (CONNECTED, 1)}
    assert told(roster.resynchronise([bob("connected", 1)])) == ["bob reconnecting", "bob disconnected"]
    assert told(roster.release()) == []


def test_what_waits_is_none_the_less_for_a_word_that_means_nothing_among_it() -> None:
    roster, _ = a_roster()
    roster.hold([bob("dreaming", 1), bob("connected", 1)])
    assert told(roster.release()) == ["bob connected"]


def test_of_two_words_of_one_revision_that_wait_the_first_counts() -> None:
    roster, _ = a_roster()
    roster.hold([bob("connected", 2), bob("disconnected", 2)])
    assert told(roster.release()) == ["bob connected"]


def test_unknown_words_are_ignored_and_counted_and_their_revision_too() -> None:
    roster, ignored = a_roster(bob("connected", 1))
    roster.hold([bob("dreaming", 9)])
    assert told(roster.update([bob("asleep", 8)])) == []
    assert told(roster.resynchronise([bob("asleep", 8)])) == []
    assert (present(roster), ignored) == ({"bob": (CONNECTED, 1)}, {"dreaming": 1, "asleep": 2})


def test_before_the_join_nobody_is_taken_for_us() -> None:
    assert Roster(lambda _: None).own_sid == ""
    assert LocalParticipant("ada").view() == ParticipantView(sid="", identity="ada", state=CONNECTING)


def test_we_are_not_among_the_others_even_where_the_server_says_so() -> None:
    roster, ignored = a_roster(ParticipantState("PA0", "us", "connected", 1))
    assert told(roster.update([ParticipantState("PA0", "us", "reconnecting", 2)])) == []
    assert (present(roster), ignored) == ({}, {})


def test_names_from_outside_are_cut_to_size() -> None:
    roster, _ = a_roster()
    (change,) = roster.update([ParticipantState("s" * 300, "i\x00" * 300, "connected", 1)])
    assert (len(change.participant.sid), len(change.participant.identity or "")) == (256, 256)
    assert "\x00" not in (change.participant.identity or "")


def test_a_crowd_is_bounded_and_the_oldest_departed_are_forgotten_first() -> None:
    roster, ignored = a_roster()
    most = participant.PARTICIPANTS_MAX
    crowd = [ParticipantState(f"p{n}", None, "connected", 1) for n in range(most + 1)]
    assert len(told(roster.update(crowd))) == most
    assert ignored == {"one participant too many": 1}
    list(roster.resynchronise([]))
    roster.fill([ParticipantState(f"q{n}", None, "connected", 1) for n in range(2)])
    assert told(roster.update([crowd[0], crowd[9]])) == ["p0 connected"]


def test_what_waits_for_the_resynchronisation_is_bounded_and_known_ones_go_on_counting() -> None:
    roster, ignored = a_roster()
    most = participant.PARTICIPANTS_MAX
    roster.hold(ParticipantState(f"p{n}", None, "connected", 1) for n in range(most + 1))
    roster.hold([ParticipantState("p0", None, "disconnected", 2)])
    assert (len(told(roster.release())), ignored) == (most - 1, {"one participant too many": 1})


def test_up_to_the_bound_every_word_that_waits_is_told() -> None:
    roster, _ = a_roster()
    others = (ParticipantState(f"p{n}", None, "connected", 1) for n in range(participant.PARTICIPANTS_MAX - 2))
    roster.hold([bob("reconnecting", 2), bob("connected", 3), *others])
    assert told(roster.release())[:2] == ["bob connected", "bob reconnected"]


def test_of_what_waits_beyond_the_bound_the_newest_word_on_each_is_kept() -> None:
    roster, ignored = a_roster()
    most = participant.PARTICIPANTS_MAX
    roster.hold([bob("connected", 2), bob("disconnected", 1), bob("disconnected", 2)])
    roster.hold(ParticipantState(f"p{n}", None, "connected", 1) for n in range(most - 1))
    came = told(roster.release())
    assert (len(came), came[0], ignored) == (most, "bob connected", {})


@pytest.mark.parametrize(
    ("before", "signaling", "room_over", "after", "emits"),
    [
        (CONNECTING, Signaling.UP, False, CONNECTED, None),
        (CONNECTED, Signaling.DOWN, False, RECONNECTING, "local.reconnecting"),
        (RECONNECTING, Signaling.DOWN, False, RECONNECTING, None),
        (RECONNECTING, Signaling.UP, False, CONNECTED, "local.reconnected"),
        (RECONNECTING, Signaling.DOWN, True, DISCONNECTED, "local.disconnected"),
        (CONNECTING, Signaling.DOWN, True, DISCONNECTED, None),
        (CONNECTING, Signaling.DOWN, False, CONNECTING, None),
        (CONNECTED, Signaling.UP, False, CONNECTED, None),
        (CONNECTED, Signaling.UP, True, DISCONNECTED, "local.disconnected"),
        (DISCONNECTED, Signaling.UP, False, DISCONNECTED, None),
        (DISCONNECTED, Signaling.DOWN, True, DISCONNECTED, None),
    ],
)
def test_the_local_participant_follows_signaling(
    before: RoomState, signaling: Signaling, after: RoomState, emits: EventType | None, *, room_over: bool
) -> None:
    local = LocalParticipant("ada")
    local.state = before
    view = ParticipantView(sid="", identity="ada", state=after)
    change = local.follow(signaling, room_over=room_over)
    assert (local.view(), change) == (view, Change(emits, before, view) if emits else None)
