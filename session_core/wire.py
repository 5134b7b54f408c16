"""Events to bytes and back: CloudEvents 1.0 JSON, structured mode.

One shape, `Message` (wire_shapes.py), for both directions. Encoding is trusted: it takes what the session core made and
cut to size (bounds.py). Decoding trusts nothing: whatever the bytes, the answer is a `Decoded`, or a `WireError` that
names a reason, a place and what was found.

Rules:
1. Readers take unknown fields (and count them) and refuse an unknown major of `dataschema`.
2. `(session_id, seq)` is the identity that deduplication goes by; `id` and `source` repeat it and must agree.
3. Every string is bounded, every number fits its column, no string holds a character that a database refuses.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any, Final, TypeVar, get_args

import msgspec
from msgspec import UNSET, Struct

from session_core.bounds import TEXT_MAX, printable, short, storable
from session_core.errors import CATALOGUE, RoomError, WireError
from session_core.events import PUBLISHED_TYPES, SEQLESS_TYPES, Event, ended_by
from session_core.wire_shapes import (
    CONTENT_TYPE,
    DATA_SCHEMA,
    MILLIS_MAX,
    SEQ_MAX,
    SESSION_VERSION,
    SPEC_VERSION,
    VALUE_BYTES_MAX,
    ClientData,
    Data,
    Decoded,
    Lost,
    Message,
    OutageData,
    PolicyData,
    State,
    TokenData,
    TotalsData,
    WireErrorData,
)

__all__ = [
    "CONTENT_TYPE",
    "DATA_SCHEMA",
    "MILLIS_MAX",
    "MUST_CARRY",
    "REASONS",
    "SEQ_MAX",
    "SESSION_VERSION",
    "SPEC_VERSION",
    "VALUE_BYTES_MAX",
    "ClientData",
    "Data",
    "Decoded",
    "Lost",
    "Message",
    "OutageData",
    "PolicyData",
    "State",
    "TokenData",
    "TotalsData",
    "WireErrorData",
    "decode",
    "encode",
    "message",
]


REASONS: Final[tuple[str, ...]] = (
    "empty",  # no value at all: a tombstone, or nothing between the braces
    "too-large",  # more bytes than VALUE_BYTES_MAX
    "not-utf8",  # not text
    "not-json",  # text, and not JSON, or nested beyond reading
    "unknown-major",  # a dataschema that this reader does not know
    "unknown-type",  # an event type outside the closed list
    "missing-field",  # a field that this type must carry
    "invalid-field",  # a field of the wrong type, out of bounds or not allowed here
    "identity-mismatch",  # id, source and data contradict each other
)

S = TypeVar("S", bound=Struct)


def message(event: Event, seq: int, n: int = 0) -> Message:
    """The message that says this event. `n` tells events apart that take no seq of their own: 1, 2, … after `seq`."""
    session = event.session
    return Message(
        id=f"{seq}.{n}" if n else str(seq),
        source=f"/sessions/{session.session_id}",
        type=event.type,  # type: ignore[arg-type]  # local.* events are never published; the outbox sees to it
        time=event.at.utc,
        data=Data(
            session_id=session.session_id,
            previous_session_id=session.previous_session_id,
            seq=seq,
            room_sid=session.room_sid,
            room_name=session.room_name,
            participant_sid=session.participant_sid,
            identity=session.identity,
            from_state=event.from_state.value if event.from_state else None,
            to_state=event.to_state.value if event.to_state else None,
            subject_sid=event.participant.sid if event.participant else None,
            error=_error_data(event.error),
            reason=event.reason,
            origin=ended_by(event),
            outage=_same(event.outage, OutageData),
            totals=_same(event.totals, TotalsData),
            token=_same(event.token, TokenData),
            policy=_same(event.policy, PolicyData),
            client=_same(event.client, ClientData),
        ),
    )


def encode(unsent: Message, sent_at: datetime, lost: Lost | None = None) -> bytes:
    """The bytes of a message as it is sent now. `lost` is what the outbox had to drop of this session so far."""
    data = msgspec.structs.replace(unsent.data, sent_at=sent_at, lost=lost or unsent.data.lost)
    return _ENCODER.encode(msgspec.structs.replace(unsent, data=data))


def decode(value: bytes | None) -> Decoded:
    """The message that these bytes are. Raises WireError and nothing else, whatever the bytes."""
    if not value or len(value) > VALUE_BYTES_MAX:
        raise _out_of_bounds(value)
    try:
        decoded, unknown = _DECODER.decode(value), 0
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        decoded, unknown = _decode_leniently(value)
    if b"\\" in value and b"\\u" in value:  # the first alone is found, or not, at a tenth of the cost
        _refuse_unstorable(decoded)
    return Decoded(decoded, _check(decoded), unknown)


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Message)
_PATH: Final = re.compile(r" - at `(?P<path>[^`]+)`$")
_ID: Final = re.compile(r"(?P<seq>0|[1-9][0-9]{0,6})(?:\.(?P<n>[1-9][0-9]{0,6}))?")

# What an event of a type cannot be understood without.
MUST_CARRY: Final[dict[str, tuple[str, ...]]] = {
    "room.reconnecting": ("from_state", "to_state", "error", "outage"),
    "room.reconnected": ("from_state", "to_state", "outage"),
    "room.disconnected": ("from_state", "to_state"),
    "room.connected": ("from_state", "to_state"),
    "room.connect_failed": ("from_state", "to_state"),
    "participant.connected": ("subject_sid",),
    "participant.reconnecting": ("subject_sid",),
    "participant.reconnected": ("subject_sid",),
    "participant.disconnected": ("subject_sid",),
    "token.expiring": ("token",),
}


_CARRIED: Final = {kind: attrgetter(*names, names[0]) for kind, names in MUST_CARRY.items()}
"""What these fields hold, as a tuple of two at least."""


def _out_of_bounds(value: bytes | None) -> WireError:
    if not value:
        return WireError("empty", "$", "the record has no value")
    return WireError("too-large", "$", f"{len(value)} bytes; at most {VALUE_BYTES_MAX} are taken")


def _decode_leniently(raw: bytes) -> tuple[Message, int]:
    """The slow path: says exactly what is wrong, or leaves out what is merely unknown."""
    document = _document(raw)
    _check_header(document)
    known, unknown = _known_fields(document, Message)
    try:
        return msgspec.convert(known, Message), unknown
    except msgspec.ValidationError as error:
        raise _refusal(str(error)) from None


def _document(raw: bytes) -> dict[str, Any]:
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        raise WireError("not-utf8", "$", f"byte {error.start} is not UTF-8") from None
    try:
        document = msgspec.json.decode(raw)
    except RecursionError:
        raise WireError("not-json", "$", "nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WireError("not-json", "$", str(error)) from None
    if not isinstance(document, dict):
        raise WireError("not-json", "$", f"an object is expected, found {type(document).__name__}")
    if not document:
        raise WireError("empty", "$", "the object has no fields")
    return document


def _check_header(document: dict[str, Any]) -> None:
    """What decides whether the rest can be read at all, told apart from a field that is merely wrong."""
    schema = document.get("dataschema", DATA_SCHEMA)
    if isinstance(schema, str) and schema != DATA_SCHEMA:
        raise _unknown_major(schema)
    kind = document.get("type")
    if isinstance(kind, str) and kind not in PUBLISHED_TYPES:
        raise WireError("unknown-type", "$.type", short(kind))


def _unknown_major(schema: str) -> WireError:
    return WireError("unknown-major", "$.dataschema", f"{short(schema)}; this reader knows {DATA_SCHEMA}")


def _nested_structs(struct: type[Struct]) -> dict[str, type[Struct]]:
    """The fields of a struct that hold a struct, whether or not they may be absent."""
    return {
        field.name: inner
        for field in msgspec.structs.fields(struct)
        for inner in (field.type, *get_args(field.type))
        if isinstance(inner, type) and issubclass(inner, Struct)
    }


@cache  # made when a reader asks, since few of those who import this module read
def _fields_of(struct: type[Struct]) -> tuple[frozenset[str], dict[str, type[Struct]]]:
    return frozenset(struct.__struct_fields__), _nested_structs(struct)


def _known_fields(document: dict[str, Any], struct: type[Struct]) -> tuple[dict[str, Any], int]:
    """The document without what `struct` does not know, and how many fields were left out."""
    names, nested = _fields_of(struct)
    known = {name: value for name, value in document.items() if name in names}
    unknown = len(document) - len(known)
    for name, inner in nested.items():
        if isinstance(value := known.get(name), dict):
            known[name], more = _known_fields(value, inner)
            unknown += more
    return known, unknown


def _refusal(text: str) -> WireError:
    """The sentence of msgspec ("Expected `int`, got `str` - at `$.data.seq`") as reason, place and detail."""
    found = _PATH.search(text)
    where = found["path"] if found else "$"
    detail = printable(text[: found.start()] if found else text)
    missing = detail.startswith("Object missing required field")
    return WireError("missing-field" if missing else "invalid-field", where, detail)


def _check(decoded: Message) -> int:
    """What types cannot say: the identity in its three spellings, and what each event type must carry."""
    data, kind = decoded.data, decoded.type
    if decoded.dataschema != DATA_SCHEMA:
        raise _unknown_major(decoded.dataschema)
    # As str(UUID) spells it, at a tenth of the cost; the version and the variant stand at fixed places.
    session_id: str = msgspec.to_builtins(data.session_id)
    if session_id[14] != SESSION_VERSION or session_id[19] not in "89ab":
        raise WireError("invalid-field", "$.data.session_id", "a session is named by a UUID of version 7")
    if decoded.source != "/sessions/" + session_id:
        raise WireError("identity-mismatch", "$.source", f"expected /sessions/{session_id}")
    if data.sent_at is UNSET:
        raise WireError("missing-field", "$.data.sent_at", "every event says when it was sent")
    carried = _CARRIED.get(kind)
    if carried is not None:
        for place, value in enumerate(carried(data)):
            if value is None:
                raise WireError("missing-field", f"$.data.{MUST_CARRY[kind][place]}", f"{kind} must carry it")
    if decoded.id == str(data.seq) and kind not in SEQLESS_TYPES:
        return 0
    return _check_id(decoded)


def _check_id(decoded: Message) -> int:
    parts = _ID.fullmatch(decoded.id)
    if parts is None or int(parts["seq"]) != decoded.data.seq:
        raise WireError("identity-mismatch", "$.id", f"{short(decoded.id)} is not seq {decoded.data.seq}")
    n = int(parts["n"] or 0)
    if (n > 0) != (decoded.type in SEQLESS_TYPES):
        raise WireError("identity-mismatch", "$.id", f"{decoded.type} has the id {short(decoded.id)}")
    return n


def _refuse_unstorable(decoded: Message) -> None:
    """Escapes can smuggle in what no database stores: the null character and halves of surrogate pairs."""
    pending: list[tuple[str, Any]] = [("$", msgspec.to_builtins(decoded))]
    while pending:
        where, value = pending.pop()
        if isinstance(value, dict):
            pending += [(f"{where}.{printable(name)}", inner) for name, inner in value.items()]
            pending += [(where, name) for name in value]
        elif isinstance(value, str) and not storable(value):
            raise WireError("invalid-field", where, "a null character or half a surrogate pair cannot be stored")


def _error_data(error: RoomError | None) -> WireErrorData | None:
    if error is None:
        return None
    return WireErrorData(
        code=error.code,
        name=error.name,
        message=None if error.code in CATALOGUE else error.message[:TEXT_MAX] or None,
        origin=error.origin,
        vendor=error.vendor,
        vendor_code=error.vendor_code,
    )


def _same(value: Struct | None, shape: type[S]) -> S | None:
    """The wire's twin of a value of events.py: the same fields by name."""
    return None if value is None else shape(**msgspec.structs.asdict(value))
