"""Whom a word of the search box names, and when. Each way to name a session has an index, and is asked alone.

Rules:
1. A word is looked for as it stands and in small letters; names are matched whole.
2. With a time, sessions that went on then come first, the nearest first; where none did, the nearest before and after.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Connection, or_, select

from collector.store.questions import Span
from collector.store.reading import ENDED, session_view
from collector.store.tables import sessions
from collector.store.views import SessionView
from collector.times import DAY_US
from session_core.instants import us_from_utc

LONGEST_US: Final = 2 * DAY_US
"""How long a session may have been going on that is looked for at a time: twice what servers let one live."""
NEAREST: Final = 5
ALIKE: Final = 5

_NAMES: Final = (sessions.c.room_sid, sessions.c.participant_sid, sessions.c.identity, sessions.c.room_name)
_SUGGESTED: Final = (sessions.c.identity, sessions.c.room_name)
_APPENDED: Final = sessions.c.first_append_at


def find(connection: Connection, words: Iterable[str], span: Span | None, limit: int) -> tuple[SessionView, ...]:
    """Sessions that one of the words names; of these that went on in the span, where there is one.

    Ordered by how near they are to the middle of the span; without one the newest come first.
    """
    told = tuple(dict.fromkeys(form for word in words for form in (word, word.lower())))
    session_id = _as_id(told[0])
    if session_id is not None:
        return _views(connection, sessions.c.session_id == session_id, (), limit)
    if span is None:
        return _first(_of_each(connection, told, (), limit), limit)
    went_on = (
        span.until_us > _APPENDED,
        span.since_us - LONGEST_US < _APPENDED,
        or_(sessions.c.ended_at.is_(None), span.since_us <= ENDED),
    )
    found = _of_each(connection, told, went_on, limit)
    if not found:
        found = _of_each(connection, told, (span.since_us > _APPENDED,), NEAREST)
        found += _of_each(connection, told, (span.until_us <= _APPENDED,), NEAREST, latest=False)
    at_us = (span.since_us + span.until_us) // 2
    return _first(sorted(found, key=lambda one: distance_us(one, at_us)), limit)


def distance_us(one: SessionView, at_us: int) -> int:
    """How far a session is from a moment; 0 where it went on then."""
    began, ended = us_from_utc(one.started_at), us_from_utc(one.ended_at or one.last_event_at)
    return max(began - at_us, at_us - ended, 0)


def alike(connection: Connection, word: str) -> tuple[str, ...]:
    """Identities and names of rooms that begin with a word, a few."""
    found: list[str] = []
    for name in _SUGGESTED:
        begins = (name >= word, name < word + "\U0010ffff")
        rows = connection.execute(select(name).where(*begins).distinct().order_by(name).limit(ALIKE)).scalars()
        found += [str(told) for told in rows]
    return tuple(dict.fromkeys(found))[:ALIKE]


def _as_id(word: str) -> UUID | None:
    try:
        return UUID(word)
    except ValueError:
        return None


def _of_each(
    connection: Connection,
    told: tuple[str, ...],
    conditions: tuple[ColumnElement[bool], ...],
    limit: int,
    *,
    latest: bool = True,
) -> list[SessionView]:
    found = [
        one for name in _NAMES for one in _views(connection, _is_one_of(name, told), conditions, limit, latest=latest)
    ]
    unique = {one.session_id: one for one in found}
    return sorted(unique.values(), key=lambda one: (one.started_at, one.session_id), reverse=True)


def _views(
    connection: Connection,
    meant: ColumnElement[bool],
    conditions: tuple[ColumnElement[bool], ...],
    limit: int,
    *,
    latest: bool = True,
) -> tuple[SessionView, ...]:
    order = (_APPENDED.desc(), sessions.c.session_id.desc()) if latest else (_APPENDED, sessions.c.session_id)
    rows = connection.execute(select(sessions).where(meant, *conditions).order_by(*order).limit(limit)).all()
    return tuple(session_view(row) for row in rows)


def _is_one_of(name: Column[Any], told: tuple[str, ...]) -> ColumnElement[bool]:
    return name == told[0] if len(told) == 1 else name.in_(told)


def _first(found: list[SessionView], limit: int) -> tuple[SessionView, ...]:
    return tuple(found[:limit])
