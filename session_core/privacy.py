"""What is left of an event when it leaves the process: nothing that may name a person without having been asked for.

docs/privacy.md lists every field that leaves, why, and how to switch it off. What is switched off here is gone before
an event is numbered, kept or written to disk.

Rules:
1. What a server or an SDK says in its own words may hold anything: it leaves only where it is asked for.
2. A rule that raises tells nothing: the event is not queued, and is counted.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from session_core.bounds import clip
from session_core.errors import CATALOGUE, RoomError
from session_core.events import Event, Session
from session_core.identity import Telling, as_it_is


class Privacy(Struct, frozen=True, kw_only=True):
    """What is told of who somebody is, of what a room is called, and of what a server says beside an unknown code."""

    identity: Telling = as_it_is
    room_name: Telling = as_it_is
    error_texts: bool = False

    def applied_to(self, event: Event) -> Event:
        """The event as it may leave. Raises what a rule of the application raises."""
        session, error = self._session(event.session), self._error(event.error)
        if session is event.session and error is event.error:
            return event
        return replace(event, session=session, error=error)

    def _session(self, session: Session) -> Session:
        identity, room_name = _told(self.identity, session.identity), _told(self.room_name, session.room_name)
        if identity == session.identity and room_name == session.room_name:
            return session
        return replace(session, identity=identity, room_name=room_name)

    def _error(self, error: RoomError | None) -> RoomError | None:
        if error is None or self.error_texts or error.code in CATALOGUE:
            return error
        return replace(error, message="")


def _told(rule: Telling, value: str | None) -> str | None:
    told = None if value is None else rule(value)
    return told if told is None or told == value else clip(told)
