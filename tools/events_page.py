"""The parts of docs/events.md that are drawn from the wire's types; its prose is written by hand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin
from uuid import UUID

import msgspec
from msgspec import Meta, Struct, UnsetType

from session_core import wire
from session_core.events import SEQLESS_TYPES, PublishedType

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "events.md"

ATTRIBUTES: Final = {
    "id": "`<seq>`, or `<seq>.<n>` for events that take no seq; with `source` it is the event's identity",
    "source": "`/sessions/<session_id>`",
    "type": "what happened, from the list below",
    "time": "when it happened, by the client's clock",
    "data": "the event, below",
    "specversion": "CloudEvents 1.0",
    "datacontenttype": "",
    "dataschema": "a reader refuses another major version",
}

DATA: Final = {
    "session_id": "one participant's life in one room: a UUID of version 7, and the record's key",
    "seq": "0, 1, 2 … per session without gaps: a gap is a loss. On events that take none, the last one given",
    "previous_session_id": "the session that this one replaces after a rejoin",
    "room_sid": "the room, once it is joined",
    "room_name": "the room as people call it",
    "participant_sid": "this participant, once it has joined",
    "identity": "who it is",
    "from_state": "on transitions",
    "to_state": "on transitions",
    "subject_sid": "participant.*: whom it is about",
    "error": "why: on reconnecting, disconnected and connect_failed",
    "reason": "why this side left",
    "origin": "who ended the session, where there is no error that says it",
    "outage": "while one is open, and on the event that closes it; its counts are cumulative for this outage",
    "totals": "cumulative for the session: a later event repeats what an earlier one said",
    "lost": "what the outbox had to drop so far: {reason: {type: count}}",
    "token": "room.connected and token.expiring: when the access token expires, and the life it was made with",
    "policy": "room.connecting: the reconnect policy's name and values",
    "client": "room.*: what the session runs on; `region` is signaling's",
    "sent_at": "set at each send",
}

TYPES: Final[dict[str, str]] = {
    "room.connecting": "the application wants in; before the first attempt",
    "room.connected": "the server let it in",
    "room.connect_failed": "the join failed, or was cancelled",
    "room.reconnecting": "signaling or media was lost: an outage opens",
    "room.reconnected": "both are back: the outage is over",
    "room.disconnected": "the end, for good; an outage that was open is told with it",
    "participant.connected": "somebody joined",
    "participant.reconnecting": "somebody lost signaling",
    "participant.reconnected": "somebody has it back",
    "participant.disconnected": "somebody left",
    "token.expiring": "the access token expires in five minutes, or sooner",
    "session.alive": "proof of life, every 30 s; one that waits is replaced by the next; never stored as history",
    "session.events_lost": "the outbox had to drop something: `lost` says what",
}

REASONS: Final = {
    "empty": "no value, or no fields in it",
    "too-large": f"more than {wire.VALUE_BYTES_MAX} bytes",
    "not-utf8": "not text",
    "not-json": "text, and not a JSON object, or nested beyond reading",
    "unknown-major": "a `dataschema` that this reader does not know",
    "unknown-type": "a type outside the list",
    "missing-field": "a field that this type must carry",
    "invalid-field": "a field of the wrong type, out of bounds, or with what cannot be stored",
    "identity-mismatch": "`id`, `source` and `data` contradict each other",
}


def events_page() -> str:
    """The page as it stands, with its tables made anew."""
    part = re.compile(r"(?<=<!-- generated: )(?P<name>\w+) -->\n.*?(?=<!-- end -->)", re.DOTALL)
    tables = drawn()
    return part.sub(lambda found: f"{found['name']} -->\n{tables[found['name']]}", PAGE.read_text())


def drawn() -> dict[str, str]:
    """Each generated part by its name."""
    return {
        "attributes": _fields(wire.Message, ATTRIBUTES),
        "types": _types(),
        "data": _fields(wire.Data, DATA),
        "parts": _parts(),
        "reasons": _table(("reason", "what was found"), [(f"`{it}`", REASONS[it]) for it in wire.REASONS]),
    }


def _types() -> str:
    rows = [
        (
            f"`{kind}`",
            "no" if kind in SEQLESS_TYPES else "yes",
            ", ".join(f"`{name}`" for name in wire.MUST_CARRY.get(kind, ())),
            TYPES[kind],
        )
        for kind in get_args(PublishedType)
    ]
    return _table(("type", "takes a seq", "must carry", "says"), rows)


def _fields(struct: type[Struct], meanings: dict[str, str]) -> str:
    fields = msgspec.structs.fields(struct)
    return _table(("field", "is", "meaning"), [(f"`{it.name}`", _said(it.type), meanings[it.name]) for it in fields])


def _parts() -> str:
    structs = {field.name: _struct(field.type) for field in msgspec.structs.fields(wire.Data)}
    rows = [
        (f"`{name}.{field.name}`", _said(field.type), "yes" if field.required else "")
        for name, struct in structs.items()
        if struct is not None
        for field in msgspec.structs.fields(struct)
    ]
    return _table(("field", "is", "always there"), rows)


def _struct(kind: Any) -> type[Struct] | None:
    return next((it for it in (kind, *get_args(kind)) if isinstance(it, type) and issubclass(it, Struct)), None)


def _said(kind: Any) -> str:
    """A type in words."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in {Union, UnionType}:
        return " or ".join(_said(it) for it in inner if it not in {type(None), UnsetType})
    if origin is Literal:
        return ", ".join(f"`{it}`" for it in inner) if len(inner) <= 5 else "one of the list below"
    if origin is Annotated:
        return _bounded(inner[0], inner[1])
    if origin is dict:
        return "an object"
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return ", ".join(f"`{it.value}`" for it in kind)
    return {UUID: "a UUID", datetime: "a time"}.get(kind, "an object")


def _bounded(kind: Any, meta: Meta) -> str:
    if kind is datetime:
        return "a time: RFC 3339 with a zone"
    if kind is str:
        return f"text, at most {meta.max_length} characters"
    return f"a number from {meta.ge} to {meta.le}"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = (head, ("---",) * len(head), *rows)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
