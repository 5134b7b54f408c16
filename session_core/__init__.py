"""What an application embeds: a room that reconnects, and the telemetry of how that went."""

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
