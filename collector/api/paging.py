"""Cursors: where a page ended, opaque to callers.

A cursor holds the place after which the next page begins, and the stretch of time that the first page was asked for,
so that `since=-6h` means the same on every page.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final, TypeVar
from uuid import UUID

import msgspec

from collector.errors import BadFilter
from collector.store.questions import Span
from collector.store.reader_incidents import IncidentPlace
from collector.store.reader_sessions import Place

_NONE_OF_OURS: Final = "is no cursor of this API; take `next` of a page as it is"


class _Cursor(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    first_append_at: int
    session_id: UUID
    since_us: int
    until_us: int


class _IncidentCursor(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag="incident"):
    started_at: int
    fingerprint: str
    since_us: int
    until_us: int


Kind = TypeVar("Kind", _Cursor, _IncidentCursor)


def cursor_of(place: Place, span: Span) -> str:
    """The cursor of the page of sessions that begins after this place."""
    return _packed(_Cursor(place.first_append_at, place.session_id, span.since_us, span.until_us))


def read_cursor(text: str) -> tuple[Place, Span]:
    """What a cursor of sessions holds. Raises BadFilter for what is none of ours."""
    cursor = _unpacked(text, _Cursor)
    return Place(_time(cursor.first_append_at, text), cursor.session_id), _span(cursor, text)


def incident_cursor_of(place: IncidentPlace, span: Span) -> str:
    """The cursor of the page of incidents that begins after this place."""
    return _packed(_IncidentCursor(place.started_at, place.fingerprint, span.since_us, span.until_us))


def read_incident_cursor(text: str) -> tuple[IncidentPlace, Span]:
    """What a cursor of incidents holds. Raises BadFilter for what is none of ours."""
    cursor = _unpacked(text, _IncidentCursor)
    if "\x00" in cursor.fingerprint:
        raise BadFilter("cursor", text, _NONE_OF_OURS)
    return IncidentPlace(_time(cursor.started_at, text), cursor.fingerprint), _span(cursor, text)


def _packed(cursor: msgspec.Struct) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).rstrip(b"=").decode()


def _unpacked(text: str, kind: type[Kind]) -> Kind:
    try:
        packed = base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(packed, type=kind)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise BadFilter("cursor", text, _NONE_OF_OURS) from None


def _span(cursor: _Cursor | _IncidentCursor, text: str) -> Span:
    return Span(_time(cursor.since_us, text), _time(cursor.until_us, text))


def _time(at_us: int, text: str) -> int:
    if abs(at_us) >= 1 << 62:
        raise BadFilter("cursor", text, _NONE_OF_OURS)
    return at_us
