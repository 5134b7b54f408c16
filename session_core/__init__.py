"""What an application embeds: a room that reconnects, and the telemetry of how that went.

A name brings its module when it is first asked for: an application that publishes nothing loads no outbox.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

# KafkaSink is not among them: `session_core.kafka` brings aiokafka, which only those load who publish to Kafka.
__all__ = [  # noqa: RUF022 - by name, as people look them up
    "AccessToken",
    "Client",
    "connect",
    "ConnectError",
    "Counts",
    "DrivenRoom",
    "Event",
    "EventStream",
    "MemorySink",
    "Moment",
    "observe",
    "ObservedRoom",
    "Outage",
    "Outbox",
    "Participant",
    "ParticipantView",
    "PolicyError",
    "Publisher",
    "ReconnectPolicy",
    "Room",
    "RoomError",
    "RoomState",
    "Session",
    "SessionCoreError",
    "Sink",
    "SinkError",
    "Token",
    "TokenAlgorithmError",
    "TokenClaimsError",
    "TokenError",
    "TokenExpiredError",
    "TokenLifeError",
    "TokenMalformedError",
    "TokenNotYetValidError",
    "TokenRoomError",
    "TokenSignatureError",
    "TokenTooLargeError",
    "Totals",
    "Transport",
    "WireError",
]

_HOMES: Final = {
    "driven": ("DrivenRoom",),
    "driver": ("connect",),
    "errors": (
        "ConnectError",
        "PolicyError",
        "RoomError",
        "SessionCoreError",
        "SinkError",
        "TokenAlgorithmError",
        "TokenClaimsError",
        "TokenError",
        "TokenExpiredError",
        "TokenLifeError",
        "TokenMalformedError",
        "TokenNotYetValidError",
        "TokenRoomError",
        "TokenSignatureError",
        "TokenTooLargeError",
        "WireError",
    ),
    "events": ("Client", "Event", "Moment", "Outage", "ParticipantView", "RoomState", "Session", "Token", "Totals"),
    "handlers": ("EventStream", "Participant"),
    "observer": ("ObservedRoom", "observe"),
    "outbox": ("Counts", "Outbox"),
    "policy": ("ReconnectPolicy",),
    "publisher": ("MemorySink", "Publisher", "Sink"),
    "room": ("Room",),
    "token": ("AccessToken",),
    "transport": ("Transport",),
}
_HOME_OF: Final = {name: home for home, names in _HOMES.items() for name in names}

if TYPE_CHECKING:
    from session_core.driven import DrivenRoom
    from session_core.driver import connect
    from session_core.errors import (
        ConnectError,
        PolicyError,
        RoomError,
        SessionCoreError,
        SinkError,
        TokenAlgorithmError,
        TokenClaimsError,
        TokenError,
        TokenExpiredError,
        TokenLifeError,
        TokenMalformedError,
        TokenNotYetValidError,
        TokenRoomError,
        TokenSignatureError,
        TokenTooLargeError,
        WireError,
    )
    from session_core.events import Client, Event, Moment, Outage, ParticipantView, RoomState, Session, Token, Totals
    from session_core.handlers import EventStream, Participant
    from session_core.observer import ObservedRoom, observe
    from session_core.outbox import Counts, Outbox
    from session_core.policy import ReconnectPolicy
    from session_core.publisher import MemorySink, Publisher, Sink
    from session_core.room import Room
    from session_core.token import AccessToken
    from session_core.transport import Transport
else:

    def __getattr__(name: str) -> object:
        """The thing of this name, from now on without asking."""
        home = _HOME_OF.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        thing = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
        return thing

    def __dir__() -> list[str]:
        """What there is, loaded or not."""
        return sorted({*globals(), *__all__})
