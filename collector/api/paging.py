"""Cursors: where a page ended, opaque to callers.

A cursor holds the place after which the next page begins, and the stretch of time that the first page was asked for,
so that `since=-6h` means the same on every page; and in which order, since a place in one order is none in another.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final, Literal, TypeVar
from uuid import UUID

import msgspec

from collector.errors import BadFilter
from collector.store.questions import Span
from collector.store.reader_incidents import IncidentPlace
from collector.store.reader_outage_list import OutagePlace
from collector.store.reader_sessions import Place

_NONE_OF_OURS: Final = "is no cursor of this API; take `next` of a page as it is"


class _Cursor(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    first_append_at: int
    session_id: UUID
    since_us: int
    until_us: int
    sort: str
    of: str


class _OutageCursor(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag="outage"):
    at: int
    session_id: UUID
    number: int
    since_us: int
    until_us: int
    sort: str


class _NumberCursor(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag="number"):
    of: str
    number: int


class _IncidentCursor(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag="incident"):
    started_at: int
    fingerprint: str
    since_us: int
    until_us: int


Kind = TypeVar("Kind", _Cursor, _OutageCursor, _NumberCursor, _IncidentCursor)
ListOf = Literal["sessions", "rooms"]
"""Lists that are ordered by when a session began: a room by its first one."""
NumberedList = Literal["events", "outages"]
"""What a session has in order of numbers."""


def cursor_of(place: Place, span: Span, sort: str = "-started_at", of: ListOf = "sessions") -> str:
    """The cursor of the page of sessions, or rooms, that begins after this place."""
    return _packed(_Cursor(place.first_append_at, place.session_id, span.since_us, span.until_us, sort, of))


def read_cursor(text: str, sort: str = "-started_at", of: ListOf = "sessions") -> tuple[Place, Span]:
    """What a cursor of sessions, or rooms, holds. Raises BadFilter for what is none of ours, or of another order."""
    cursor = _unpacked(text, _Cursor)
    _agree(text, cursor.of, of)
    _agree_on_order(text, cursor.sort, sort)
    return Place(_time(cursor.first_append_at, text), cursor.session_id), _span(cursor, text)


def outage_cursor_of(place: OutagePlace, span: Span, sort: str) -> str:
    """The cursor of the page of outages that begins after this place."""
    return _packed(_OutageCursor(place.at, place.session_id, place.number, span.since_us, span.until_us, sort))


def read_outage_cursor(text: str, sort: str) -> tuple[OutagePlace, Span]:
    """What a cursor of outages holds. Raises BadFilter for what is none of ours, or of another order."""
    cursor = _unpacked(text, _OutageCursor)
    _agree_on_order(text, cursor.sort, sort)
    return OutagePlace(_time(cursor.at, text), cursor.session_id, _number(cursor.number, text)), _span(cursor, text)


def number_cursor_of(number: int, of: NumberedList) -> str:
    """The cursor of the page of a session's events, or outages, that begins after this number."""
    return _packed(_NumberCursor(of, number))


def read_number_cursor(text: str, of: NumberedList) -> int:
    """What such a cursor holds. Raises BadFilter for what is none of ours."""
    cursor = _unpacked(text, _NumberCursor)
    _agree(text, cursor.of, of)
    return _number(cursor.number, text)


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


def _agree(text: str, told: str, asked: str) -> None:
    if told != asked:
        raise BadFilter("cursor", text, f"is of a page of another list than {asked}; take `next` of a page of this one")


def _agree_on_order(text: str, told: str, asked: str) -> None:
    if told != asked:
        raise BadFilter(
            "cursor", text, f"is of a page in another order than {asked}; give `sort` as for the page before"
        )


def _number(number: int, text: str) -> int:
    if not 0 <= number < 1 << 31:
        raise BadFilter("cursor", text, _NONE_OF_OURS)
    return number


def _span(cursor: _Cursor | _OutageCursor | _IncidentCursor, text: str) -> Span:
    return Span(_time(cursor.since_us, text), _time(cursor.until_us, text))


def _time(at_us: int, text: str) -> int:
    if abs(at_us) >= 1 << 62:
        raise BadFilter("cursor", text, _NONE_OF_OURS)
    return at_us
