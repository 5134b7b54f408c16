"""What every event carries as of the moment it tells of."""

from __future__ import annotations

import pytest

from session_core.errors import Origin, room_error
from session_core.events import Client, Event, Outage, ParticipantView, RoomState, Session, Token, Totals
from session_core.journal import Journal
from session_core.ledger import Ledger
from session_core.participant import Change, Roster
from session_core.policy import ReconnectPolicy
from session_core.signals import ParticipantState
from tests.session_core.telling import BEGIN, moment, session_id

CONNECTED, RECONNECTING = RoomState.CONNECTED, RoomState.RECONNECTING
SESSION = Session(session_id=session_id(), room_name="standup")
CLIENT = Client(sdk="roomwatch")
ERROR = room_error(53001, Origin.TRANSPORT)


def a_journal() -> tuple[Journal, Ledger]:
    """One participant beside us; joined at 0 s, in an outage since 1 s."""
    ledger, roster = Ledger(), Roster(lambda _: None)
    roster.fill([ParticipantState("bob", "Bob", "connected", 1)])
    ledger.joined(moment(0))
    ledger.open_outage(moment(1), "signaling")
    return Journal(SESSION, CLIENT, ledger, roster), ledger


OUTAGE = Outage(number=1, started_at=moment(1).utc, cause="signaling", downtime_ms=2_000)
TOTALS = Totals(outages=1, reconnecting_ms=2_000, connected_ms=1_000)


def test_an_event_of_the_room_says_what_it_became_and_what_it_runs_on() -> None:
    journal, _ = a_journal()
    policy = ReconnectPolicy.observed().facts()
    token = Token(expires_at=BEGIN, ttl_s=60)
    journal.tell(
        "room.reconnecting",
        moment(3),
        RECONNECTING,
        before=CONNECTED,
        error=ERROR,
        reason="exit",
        token=token,
        policy=policy,
    )
    assert journal.take() == [
        Event(
            type="room.reconnecting",
            at=moment(3),
            session=SESSION,
            state=RECONNECTING,
            from_state=CONNECTED,
            to_state=RECONNECTING,
            participants=2,
            error=ERROR,
            reason="exit",
            outage=OUTAGE,
            totals=TOTALS,
            token=token,
            policy=policy,
            client=CLIENT,
        )
    ]


@pytest.mark.parametrize("kind", ["session.alive", "token.expiring"])
def test_what_is_no_transition_of_the_room_says_its_state_and_not_what_it_runs_on(kind: str) -> None:
    journal, _ = a_journal()
    journal.tell(kind, moment(3), RECONNECTING)  # type: ignore[arg-type]
    assert journal.take() == [
        Event(
            type=kind,  # type: ignore[arg-type]
            at=moment(3),
            session=SESSION,
            state=RECONNECTING,
            participants=2,
            outage=OUTAGE,
            totals=TOTALS,
        )
    ]


def test_an_event_of_a_participant_says_what_it_was_and_is() -> None:
    journal, _ = a_journal()
    bob = ParticipantView(sid="bob", identity="Bob", state=RECONNECTING)
    journal.tell_of(Change("participant.reconnecting", CONNECTED, bob), moment(3))
    assert journal.take() == [
        Event(
            type="participant.reconnecting",
            at=moment(3),
            session=SESSION,
            state=RECONNECTING,
            from_state=CONNECTED,
            to_state=RECONNECTING,
            participant=bob,
            participants=2,
            outage=OUTAGE,
            totals=TOTALS,
        )
    ]


def test_events_are_taken_once_and_in_order() -> None:
    journal, ledger = a_journal()
    ledger.close_outage(moment(2))
    journal.tell("room.reconnected", moment(2), CONNECTED)
    journal.session = Session(session_id=session_id(2))
    journal.tell("session.alive", moment(3), CONNECTED)
    assert [(event.type, event.session, event.outage) for event in journal.take()] == [
        ("room.reconnected", SESSION, None),
        ("session.alive", Session(session_id=session_id(2)), None),
    ]
    assert journal.take() == []
