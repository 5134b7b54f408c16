"""A room on a clock that is moved by hand: times are milliseconds since the join, at 12:00 by the wall clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from session_core.errors import CATALOGUE
from session_core.events import Client, Event, Moment, Session, Token
from session_core.policy import ReconnectPolicy
from session_core.room import Room
from session_core.signals import IceState, Joined, ParticipantState, Signal
from tests.session_core.telling import moment, session_id

DOCUMENTED = ReconnectPolicy.documented()

JOINED = Joined(room_sid="RM1", participant_sid="PA0", identity="ada", room_name="standup")


def at(ms: float) -> Moment:
    return moment(ms / 1000)


def participant(sid: str, state: str = "connected", revision: int = 1) -> ParticipantState:
    return ParticipantState(sid, f"{sid}'s identity", state, revision)


def a_room(
    policy: ReconnectPolicy = DOCUMENTED,
    *,
    client: Client | None = None,
    jitter: Callable[[], float] = lambda: 0.5,
    token: Token | None = None,
) -> Room:
    """A room that has not begun."""
    session = Session(session_id=session_id(), room_name="standup")
    return Room(session, policy=policy, client=client, jitter=jitter, token=token)


def a_joined_room(
    policy: ReconnectPolicy = DOCUMENTED,
    *,
    participants: Sequence[ParticipantState] = (),
    session_timeout_ms: int | None = None,
    token: Token | None = None,
) -> Room:
    """A room that is connected since 0 ms, with one peer connection that is well."""
    room = a_room(policy, token=token)
    room.begin(at(-100))
    room.receive(IceState("P1", "connected"), at(-50))
    room.receive(
        Joined("RM1", "PA0", tuple(participants), session_timeout_ms, identity="ada", room_name="standup"), at(0)
    )
    return room


def play(room: Room, *story: tuple[float, Signal | None]) -> list[str]:
    """Tell the room these signals at these times; None lets time pass. What the room said (see `said`)."""
    events: list[Event] = []
    for ms, signal in story:
        events += room.advance(at(ms)) if signal is None else room.receive(signal, at(ms))
    return said(events)


def said(events: Sequence[Event]) -> list[str]:
    """Each event as a line: when, its type, whom it is about, its error or reason. Signs of life are left out."""
    return [_line(event) for event in events if event.type != "session.alive"]


def _line(event: Event) -> str:
    words = [f"{(event.at.steady_us - at(0).steady_us) / 1000:g}", event.type]
    if event.participant is not None:
        words.append(event.participant.sid)
    if event.error is not None:
        text = "" if event.error.code in CATALOGUE else f" {event.error.message!r}"
        words.append(f"{event.error.code} {event.error.origin}{text}")
    if event.reason is not None:
        words.append(event.reason)
    return " ".join(words)
