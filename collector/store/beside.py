"""Others beside a session, and whom an incident could have hit: those that verdicts and shares count, as conditions.

A number and the list behind it are asked of the same conditions, so there are as many rows as the number says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, exists, false, func, or_, select

from collector.store.changes import CLOCK_TOLERANCE_US
from collector.store.questions import Among, SessionFilters, Span
from collector.store.reader_incidents import IncidentPlace, could_be_hit, was_hit, whom_of
from collector.store.reading import (
    ENDED,
    JOINED,
    STARTED,
    bounded,
    matches,
    may_tell_of,
    opened_in,
    outage_view,
    session_view,
    within,
)
from collector.store.tables import outages, sessions
from collector.store.views import OutageView, SessionView
from session_core.instants import us_from_utc

TOGETHER_US: Final = 10_000_000
"""Who loses connection so shortly before or after is hit by the same thing."""
JOINS_US: Final = 300_000_000
RELEASE_US: Final = 3_600_000_000
ENDED_IN_OUTAGE: Final = ("failed", "abandoned", "lost")
OF_VERSIONS: Final[tuple[Among, ...]] = ("version", "other_versions")


class Compared(NamedTuple):
    """Who was there beside a session, who of them was hit too, and which of them is in which group."""

    there: ColumnElement[bool]
    hit: ColumnElement[bool]
    groups: Mapping[Among, ColumnElement[bool]]


def deciding(its_outages: tuple[OutageView, ...]) -> OutageView | None:
    """The last outage, where the session ended in it or still is in it."""
    last = its_outages[-1] if its_outages else None
    return last if last is not None and last.outcome in {*ENDED_IN_OUTAGE, "open"} else None


def decided_at_us(its: SessionView, outage: OutageView | None) -> int | None:
    """The moment that decided the session; None where nothing that went wrong has."""
    if outage is not None:
        return us_from_utc(outage.started_at)
    if its.fate in {"dropped", "lost"} and its.ended_at is not None:
        return us_from_utc(its.ended_at)
    return us_from_utc(its.started_at) if its.fate == "not_joined" else None


def others_at_once(its: SessionView, at_us: int) -> Compared:
    """Whoever was in a room at that moment; beside a session that never joined, whoever tried to about then."""
    of = sessions.c
    span = Span(at_us - TOGETHER_US, at_us + TOGETHER_US)
    there, hit = _was_there(span), or_(_lost_connection(span), and_(of.fate == "dropped", within(ENDED, span)))
    if its.fate == "not_joined":
        span = Span(at_us - JOINS_US, at_us + JOINS_US)
        failed = and_(of.fate == "not_joined", or_(of.terminal_code.is_not(None), of.terminal_origin != "local"))
        there, hit = within(STARTED, span), failed
    in_room = and_(of.room_sid.is_not(None), of.room_sid == its.room_sid)
    same_region = of.region.is_not_distinct_from(its.client.region)
    return Compared(
        and_(may_tell_of(span), there, of.session_id != its.session_id),
        hit,
        {
            "room": in_room,
            "region": and_(same_region, ~func.coalesce(in_room, False)),
            "elsewhere": ~same_region,
        },
    )


def others_in_an_hour(its: SessionView, at_us: int, cause: str) -> Compared:
    """Whoever was in a room within an hour of it; hit is who had an outage of the same cause then."""
    hour = Span(at_us - RELEASE_US, at_us + RELEASE_US)
    same = sessions.c.app_version.is_not_distinct_from(its.client.app_version)
    there = and_(may_tell_of(hour), _was_there(hour), sessions.c.session_id != its.session_id)
    return Compared(there, _lost_connection(hour, cause), {"version": same, "other_versions": ~same})


def meets(connection: Connection, filters: SessionFilters) -> list[ColumnElement[bool]]:
    """The filters as conditions on sessions, with those that have to be looked up first."""
    return [*matches(filters), *_implied(filters), *_looked_up(connection, filters)]


def _implied(filters: SessionFilters) -> Iterator[ColumnElement[bool]]:
    """What ended or joined since a time was told of since, but for the tolerance of clocks: indexes have that."""
    for ranges, told in ((filters.ended_at, sessions.c.told_until), (filters.joined_at, sessions.c.last_append_at)):
        since_us = [one.least for one in ranges if one.least is not None]
        if ranges and len(since_us) == len(ranges):
            yield told >= bounded(min(since_us) - CLOCK_TOLERANCE_US)


def _looked_up(connection: Connection, filters: SessionFilters) -> Iterator[ColumnElement[bool]]:
    if (beside := filters.beside) is not None:
        others = _others(connection, beside.session_id, beside.among)
        yield false() if others is None else _at_first(others.there)
        if others is not None:
            yield from () if beside.among is None else (others.groups[beside.among],)
            yield from (others.hit,) if beside.hit else ()
    if (incident := filters.incident) is not None:
        place = IncidentPlace(incident.started_at, incident.fingerprint)
        whom = whom_of(connection, place, incident.now_us)
        yield false() if whom is None else _at_first(was_hit(*whom) if incident.hit else could_be_hit(*whom))


def _at_first(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """The condition, to be asked of all sessions at once.

    Left as it is, PostgreSQL may walk all sessions from the newest on to find the few of that time.
    """
    those = select(sessions.c.session_id).where(condition).cte("those")
    return sessions.c.session_id.in_(select(those.c.session_id))


def _others(connection: Connection, session_id: UUID, among: Among | None) -> Compared | None:
    row = connection.execute(select(sessions).where(sessions.c.session_id == session_id)).one_or_none()
    if row is None:
        return None
    last = connection.execute(
        select(outages).where(outages.c.session_id == session_id).order_by(outages.c.number.desc()).limit(1)
    ).all()
    its = session_view(row)
    outage = deciding(tuple(outage_view(one, row.clock_offset_us, row.ended_at) for one in last))
    at_us = decided_at_us(its, outage)
    if at_us is None:
        return None
    if among not in OF_VERSIONS:
        return others_at_once(its, at_us)
    return None if outage is None or outage.cause is None else others_in_an_hour(its, at_us, outage.cause)


def _was_there(span: Span) -> ColumnElement[bool]:
    return and_(span.until_us > JOINED, or_(sessions.c.ended_at.is_(None), span.since_us <= ENDED))


def _lost_connection(span: Span, cause: str | None = None) -> ColumnElement[bool]:
    its: Any = and_(outages.c.session_id == sessions.c.session_id, opened_in(span))
    return exists().where(its if cause is None else and_(its, outages.c.cause == cause)).correlate(sessions)
