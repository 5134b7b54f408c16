"""Everything that can go wrong with a room, as two trees and one table.

    SessionCoreError            raised into the application
    ├── ConnectError            connect() did not lead to a room; carries the RoomError that says why
    ├── ExtraMissingError       a package is not installed that comes with an extra; says which
    ├── TokenError              an access token cannot be minted, read or used; one below it for each way
    ├── PolicyError             a reconnect policy that could not work
    ├── ScenarioError           a scenario that cannot be played as it is written
    ├── WireError               bytes that are not an event of ours; says what and where
    ├── OutboxFileError         a file that an outbox was kept in cannot be used; names it and says why
    └── SinkError               a sink did not take a batch; raised to the publisher, never into the application

    RoomError                   a value, never raised: what `event.error` holds
    CATALOGUE                   every room error code: class, message, where it may appear, how a session it ends has ended

The codes, class names and messages are those of twilio-video.js 2.35, and 53216, which its table lacks.
This file knows nothing of rooms or transports.
"""

from __future__ import annotations

from datetime import datetime
from enum import Flag, StrEnum, auto
from typing import ClassVar, Final, NamedTuple

import msgspec


class Origin(StrEnum):
    """Who decided that the room had to reconnect or to end."""

    WINDOW = "window"  # the reconnection window ended
    ATTEMPTS = "attempts"  # the reconnection attempts were used up
    SERVER = "server"  # the server said so
    MEDIA = "media"  # a peer connection said so
    TRANSPORT = "transport"  # the signaling transport said so
    LOCAL = "local"  # this side left
    RESTART = "restart"  # the process died; its next start says so


class EndsAs(StrEnum):
    """How a session has ended: the fates a terminal event can give it."""

    LEFT = "left"
    COMPLETED = "completed"
    REMOVED = "removed"
    SUPERSEDED = "superseded"
    ABANDONED = "abandoned"
    DROPPED = "dropped"
    LOST = "lost"


class Appears(Flag):
    """Where a code may appear."""

    RECONNECTING = auto()  # as the cause of `reconnecting`
    DISCONNECTED = auto()  # as the error of `disconnected` of an established room
    CONNECT = auto()  # as the reason why connect() failed
    TRACK_OR_REST = auto()  # on a track or in the REST API only


class Code(NamedTuple):
    """A row of the catalogue."""

    code: int
    name: str
    message: str
    appears: Appears
    ends_as: EndsAs


R, D, C, T = Appears.RECONNECTING, Appears.DISCONNECTED, Appears.CONNECT, Appears.TRACK_OR_REST
DROPPED, COMPLETED, SUPERSEDED = EndsAs.DROPPED, EndsAs.COMPLETED, EndsAs.SUPERSEDED

# fmt: off
ROWS: Final = (
    Code(20101, "AccessTokenInvalidError", "Invalid Access Token", D | C, DROPPED),
    Code(20102, "AccessTokenHeaderInvalidError", "Invalid Access Token header", D | C, DROPPED),
    Code(20103, "AccessTokenIssuerInvalidError", "Invalid Access Token issuer/subject", D | C, DROPPED),
    Code(20104, "AccessTokenExpiredError", "Access Token expired or expiration date invalid", D | C, DROPPED),
    Code(20105, "AccessTokenNotYetValidError", "Access Token not yet valid", C, DROPPED),
    Code(20106, "AccessTokenGrantsInvalidError", "Invalid Access Token grants", C, DROPPED),
    Code(20107, "AccessTokenSignatureInvalidError", "Invalid Access Token signature", C, DROPPED),
    Code(53000, "SignalingConnectionError", "Signaling connection error", D | C, DROPPED),
    Code(53001, "SignalingConnectionDisconnectedError", "Signaling connection disconnected", R | D | C, DROPPED),
    Code(53002, "SignalingConnectionTimeoutError", "Signaling connection timed out", D, DROPPED),
    Code(53003, "SignalingIncomingMessageInvalidError", "Client received an invalid signaling message", D | C, DROPPED),
    Code(53004, "SignalingOutgoingMessageInvalidError", "Client sent an invalid signaling message", D | C, DROPPED),
    Code(53006, "SignalingServerBusyError", "Video server is busy", C, DROPPED),
    Code(53100, "RoomNameInvalidError", "Room name is invalid", C, DROPPED),
    Code(53101, "RoomNameTooLongError", "Room name is too long", C, DROPPED),
    Code(53102, "RoomNameCharsInvalidError", "Room name contains invalid characters", C, DROPPED),
    Code(53103, "RoomCreateFailedError", "Unable to create Room", C, DROPPED),
    Code(53104, "RoomConnectFailedError", "Unable to connect to Room", C, DROPPED),
    Code(53105, "RoomMaxParticipantsExceededError", "Room contains too many Participants", C, DROPPED),
    Code(53106, "RoomNotFoundError", "Room not found", C, DROPPED),
    Code(53107, "RoomMaxParticipantsOutOfRangeError", "MaxParticipants is out of range", T, DROPPED),
    Code(53108, "RoomTypeInvalidError", "RoomType is not valid", T, DROPPED),
    Code(53109, "RoomTimeoutOutOfRangeError", "Timeout is out of range", T, DROPPED),
    Code(53110, "RoomStatusCallbackMethodInvalidError", "StatusCallbackMethod is invalid", T, DROPPED),
    Code(53111, "RoomStatusCallbackInvalidError", "StatusCallback is invalid", T, DROPPED),
    Code(53112, "RoomStatusInvalidError", "Status is invalid", T, DROPPED),
    Code(53113, "RoomRoomExistsError", "Room exists", T, DROPPED),
    Code(53114, "RoomInvalidParametersError", "Room creation parameter(s) incompatible with the Room type", T, DROPPED),
    Code(53115, "RoomMediaRegionInvalidError", "MediaRegion is invalid", T, DROPPED),
    Code(53116, "RoomMediaRegionUnavailableError", "There are no media servers available in the MediaRegion", T, DROPPED),
    Code(53117, "RoomSubscriptionOperationNotSupportedError", "The subscription operation requested is not supported for the Room type", T, DROPPED),
    Code(53118, "RoomCompletedError", "Room completed", D | C, COMPLETED),
    Code(53124, "RoomAudioOnlyFlagNotSupportedError", "The AudioOnly flag is not supported for the Room type", C | T, DROPPED),
    Code(53125, "RoomTrackKindNotSupportedError", "The track kind is not supported by the Room", C | T, DROPPED),
    Code(53200, "ParticipantIdentityInvalidError", "Participant identity is invalid", C, DROPPED),
    Code(53201, "ParticipantIdentityTooLongError", "Participant identity is too long", C, DROPPED),
    Code(53202, "ParticipantIdentityCharsInvalidError", "Participant identity contains invalid characters", C, DROPPED),
    Code(53203, "ParticipantMaxTracksExceededError", "The maximum number of published tracks allowed in the Room at the same time has been reached", T, DROPPED),
    Code(53204, "ParticipantNotFoundError", "Participant not found", D, DROPPED),
    Code(53205, "ParticipantDuplicateIdentityError", "Participant disconnected because of duplicate identity", D, SUPERSEDED),
    Code(53216, "MaxParticipantDurationExceededError", "Participant session duration exceeded the maximum allowed", D, COMPLETED),
    Code(53300, "TrackInvalidError", "Track is invalid", T, DROPPED),
    Code(53301, "TrackNameInvalidError", "Track name is invalid", T, DROPPED),
    Code(53302, "TrackNameTooLongError", "Track name is too long", T, DROPPED),
    Code(53303, "TrackNameCharsInvalidError", "Track name contains invalid characters", T, DROPPED),
    Code(53304, "TrackNameIsDuplicatedError", "Track name is duplicated", T, DROPPED),
    Code(53305, "TrackServerTrackCapacityReachedError", "The server has reached capacity and cannot fulfill this request", T, DROPPED),
    Code(53400, "MediaClientLocalDescFailedError", "Client is unable to create or apply a local media description", C | T, DROPPED),
    Code(53401, "MediaServerLocalDescFailedError", "Server is unable to create or apply a local media description", D, DROPPED),
    Code(53402, "MediaClientRemoteDescFailedError", "Client is unable to apply a remote media description", C | T, DROPPED),
    Code(53403, "MediaServerRemoteDescFailedError", "Server is unable to apply a remote media description", D, DROPPED),
    Code(53404, "MediaNoSupportedCodecError", "No supported codec", D | C, DROPPED),
    Code(53405, "MediaConnectionError", "Media connection failed or Media activity ceased", R | D | C, DROPPED),
    Code(53407, "MediaDTLSTransportFailedError", "Media connection failed due to DTLS handshake failure", D, DROPPED),
    Code(53500, "ConfigurationAcquireFailedError", "Unable to acquire configuration", C, DROPPED),
    Code(53501, "ConfigurationAcquireTurnFailedError", "Unable to acquire TURN credentials", C, DROPPED),
)
# fmt: on

CATALOGUE: Final[dict[int, Code]] = {row.code: row for row in ROWS}

SIGNALING_CONNECTION: Final = 53000
SIGNALING_DISCONNECTED: Final = 53001
SIGNALING_TIMEOUT: Final = 53002
SIGNALING_INCOMING_INVALID: Final = 53003
SERVER_BUSY: Final = 53006
ROOM_COMPLETED: Final = 53118
MEDIA_CONNECTION: Final = 53405
MEDIA_DTLS: Final = 53407
TOKEN_EXPIRED: Final = 20104

UNKNOWN_NAME: Final = "RoomError"


class RoomError(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a room is reconnecting, was disconnected or could not be joined.

    `code` is the number of the catalogue, or any other that a server sent. `vendor_code` is the code of the SDK that
    was observed, where one was. `message` is the catalogue's; of a code that it does not have, the server's own words,
    which are not published unless that is asked for.

    Specification: Room Reconnection States and Events
    """

    code: int
    name: str
    message: str
    origin: Origin
    vendor: str | None = None
    vendor_code: int | None = None

    def __str__(self) -> str:
        return f"{self.name} {self.code}: {self.message}"


def room_error(code: int, origin: Origin, message: str | None = None) -> RoomError:
    """The error of a code. A known code has the catalogue's message; an unknown one keeps the text that came with it."""
    known = CATALOGUE.get(code)
    if known is None:
        return RoomError(code=code, name=UNKNOWN_NAME, message=message or "Unknown error", origin=origin)
    return RoomError(code=code, name=known.name, message=known.message, origin=origin)


def ends_as(code: int | None, origin: str | None, *, outage_open: bool) -> EndsAs:
    """How a session has ended whose terminal event carries this code and origin.

    `outage_open` says whether the room was reconnecting when it ended.
    """
    if code is not None:
        known = CATALOGUE.get(code)
        return known.ends_as if known is not None else EndsAs.DROPPED
    if origin == Origin.SERVER:
        return EndsAs.REMOVED
    if origin == Origin.RESTART:
        return EndsAs.LOST
    return EndsAs.ABANDONED if outage_open else EndsAs.LEFT


class SessionCoreError(Exception):
    """Anything the session core raises on purpose. `code` is a promise to callers; the text is for people."""

    code: ClassVar[str] = "session-core"


class ConnectError(SessionCoreError):
    """connect() did not lead to a room. `error.code` is the number that the page and the SDK know it by.

    Specification: Room Reconnection States and Events
    """

    code: ClassVar[str] = "connect-failed"

    def __init__(self, error: RoomError) -> None:
        self.error = error
        super().__init__(str(error))


class ExtraMissingError(SessionCoreError, ImportError):
    """A package is not installed that comes with an extra. `package` is what is missing, `extra` what brings it."""

    code: ClassVar[str] = "extra-missing"

    def __init__(self, package: str, extra: str) -> None:
        self.package = package
        self.extra = extra
        super().__init__(f"{package} is not installed; run: pip install 'roomwatch[{extra}]'")


class TokenError(SessionCoreError):
    """An access token cannot be minted, read or used. `reason` says why and what to do.

    `answer` is the number of the catalogue that a server refuses such a token with. No text holds the token or a secret.

    Specification: Preventing Reconnection Failure due to Expired AccessToken
    """

    code: ClassVar[str] = "token"
    answer: ClassVar[int] = 20101

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"access token: {reason}")


class TokenMalformedError(TokenError):
    """It is no token at all."""

    code: ClassVar[str] = "token-malformed"


class TokenTooLargeError(TokenError):
    """It is longer than any token of ours, and was not looked into."""

    code: ClassVar[str] = "token-too-large"


class TokenAlgorithmError(TokenError):
    """It is signed by another algorithm than HS256, or by none."""

    code: ClassVar[str] = "token-algorithm"
    answer: ClassVar[int] = 20102


class TokenSignatureError(TokenError):
    """It is not signed with this secret, or was changed since."""

    code: ClassVar[str] = "token-signature"
    answer: ClassVar[int] = 20107


class TokenClaimsError(TokenError):
    """A claim is missing or of a wrong shape. `claim` is its path."""

    code: ClassVar[str] = "token-claims"
    answer: ClassVar[int] = 20106

    def __init__(self, claim: str, reason: str) -> None:
        self.claim = claim
        super().__init__(f"claim `{claim}` {reason}")


class TokenLifeError(TokenError):
    """It lives longer than the 24 hours that a token may."""

    code: ClassVar[str] = "token-life"
    answer: ClassVar[int] = 20104


class TokenExpiredError(TokenError):
    """It has expired. `expires_at` is when."""

    code: ClassVar[str] = "token-expired"
    answer: ClassVar[int] = 20104

    def __init__(self, expires_at: datetime) -> None:
        self.expires_at = expires_at
        super().__init__(f"it expired at {expires_at.isoformat()}; ask the token server for another")


class TokenNotYetValidError(TokenError):
    """It is not valid yet. `valid_from` is when it will be."""

    code: ClassVar[str] = "token-not-yet-valid"
    answer: ClassVar[int] = 20105

    def __init__(self, valid_from: datetime) -> None:
        self.valid_from = valid_from
        super().__init__(f"it is valid from {valid_from.isoformat()} on; look at both machines' clocks")


class TokenRoomError(TokenError):
    """It admits to another room than the one that was asked for."""

    code: ClassVar[str] = "token-room"
    answer: ClassVar[int] = 20106

    def __init__(self) -> None:
        super().__init__("it admits to another room; mint one for this room, or for every room")


class PolicyError(SessionCoreError):
    """A reconnect policy that could not work. `field` is the value at fault."""

    code: ClassVar[str] = "policy"

    def __init__(self, field: str, reason: str) -> None:
        self.field = field
        self.reason = reason
        super().__init__(f"reconnect policy: {field} {reason}")


class TransportError(SessionCoreError):
    """A transport cannot be made as it was asked for. `reason` says why and what to do."""

    code: ClassVar[str] = "transport"

    def __init__(self, transport: str, reason: str) -> None:
        self.transport = transport
        self.reason = reason
        super().__init__(f"{transport} transport: {reason}")


class WireError(SessionCoreError):
    """Bytes that are not an event of ours.

    `reason` is one of a closed list (see wire.REASONS) and becomes the label of a metric; `where` is the place in the
    document as a JSON path, `$` for the whole; `detail` says what was found there.
    """

    code: ClassVar[str] = "wire"

    def __init__(self, reason: str, where: str, detail: str) -> None:
        self.reason = reason
        self.where = where
        self.detail = detail
        super().__init__(f"{reason} at {where}: {detail}")


class ScenarioError(SessionCoreError):
    """A scenario that cannot be played as it is written.

    `file` and `where` say in which file and at which place in it, `reason` what is wrong there and what to do.
    """

    code: ClassVar[str] = "scenario"

    def __init__(self, file: str, where: str, reason: str) -> None:
        self.file = file
        self.where = where
        self.reason = reason
        super().__init__(" ".join(part for part in (f"{file}:", where, reason) if part))


class OutboxFileError(SessionCoreError):
    """A file that an outbox was kept in cannot be used.

    `reason` is `missing`, `in-use` (a process that lives has it), `newer` (of a later version), `unavailable` (it cannot
    be opened now) or `unreadable`.
    """

    code: ClassVar[str] = "outbox-file"

    def __init__(self, path: str, reason: str, detail: str) -> None:
        self.path = path
        self.reason = reason
        self.detail = detail
        super().__init__(f"outbox {path}: {detail}")


class SinkError(SessionCoreError):
    """A sink did not take all of a batch.

    `delivered` are the positions in the batch that have arrived all the same. `retriable` says whether the same records
    could be taken later; where they could not, sending them one by one tells which of them is at fault.
    """

    code: ClassVar[str] = "sink"

    def __init__(self, reason: str, *, delivered: frozenset[int] = frozenset(), retriable: bool = True) -> None:
        self.reason = reason
        self.delivered = frozenset(delivered)
        self.retriable = retriable
        super().__init__(reason)
