"""Cursors: where a page ended, opaque to callers.

A cursor holds the place after which the next page begins, and the stretch of time that the first page was asked for,
so that `since=-6h` means the same on every page.
"""

from __future__ import annotations

import base64
import binascii
from uuid import UUID

import msgspec

from collector.errors import BadFilter
from collector.store.questions import Span
from collector.store.reader_sessions import Place


class _Cursor(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    first_append_at: int
    session_id: UUID
    since_us: int
    until_us: int


def cursor_of(place: Place, span: Span) -> str:
    """The cursor of the page that begins after this place."""
    cursor = _Cursor(place.first_append_at, place.session_id, span.since_us, span.until_us)
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).rstrip(b"=").decode()


def read_cursor(text: str) -> tuple[Place, Span]:
    """What a cursor holds. Raises BadFilter for what is none of ours."""
    try:
        packed = base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        cursor = msgspec.json.decode(packed, type=_Cursor)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise BadFilter("cursor", text, "is no cursor of this API; take `next` of a page as it is") from None
    times = (cursor.first_append_at, cursor.since_us, cursor.until_us)
    if any(abs(at) >= 1 << 62 for at in times):
        raise BadFilter("cursor", text, "is no cursor of this API; take `next` of a page as it is")
    return Place(cursor.first_append_at, cursor.session_id), Span(cursor.since_us, cursor.until_us)
