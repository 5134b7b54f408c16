"""What a verdict on a session is made of: its own story, and what happened to others at the same time."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, case, exists, func, or_, select

from collector.store.questions import Span
from collector.store.reader_sessions import read_session
from collector.store.reading import ENDED, JOINED, STARTED, may_tell_of, moment, opened_in, within
from collector.store.tables import outages, sessions
from collector.store.views import EventView, OutageView, SessionStory
from collector.store.views_around import Around, Case, Others
from session_core.events import us_from_utc

EVENTS_MAX: Final = 500
TOGETHER_US: Final = 10_000_000
"""Who loses connection so shortly before or after is hit by the same thing."""
JOINS_US: Final = 300_000_000
RELEASE_US: Final = 3_600_000_000
NETWORK_US: Final = 15_000_000
ENDED_IN_OUTAGE: Final = ("failed", "abandoned", "lost")


def read_case(connection: Connection, session_id: UUID, now_us: int) -> Case:
    """The case of a session. Raises SessionNotFound."""
    story = read_session(connection, session_id, None, EVENTS_MAX, now_us)
    outage = _deciding(story)
    at_us = _decided_at_us(story, outage)
    return Case(
        story=story,
        outage=outage,
        around=None if at_us is None else _around(connection, story, outage, at_us),
        networks=() if at_us is None else _networks(story.events, at_us),
        rejoined=story.next_session_id,
        completeness=story.completeness,
    )


def _deciding(story: SessionStory) -> OutageView | None:
    """The last outage, where the session ended in it or still is in it."""
    last = story.outages[-1] if story.outages else None
    return last if last is not None and last.outcome in {*ENDED_IN_OUTAGE, "open"} else None


def _decided_at_us(story: SessionStory, outage: OutageView | None) -> int | None:
    if outage is not None:
        return us_from_utc(outage.started_at)
    if story.session.fate in {"dropped", "lost"} and story.session.ended_at is not None:
        return us_from_utc(story.session.ended_at)
    if story.session.fate == "not_joined":
        return us_from_utc(story.session.started_at)
    return None


def _around(connection: Connection, story: SessionStory, outage: OutageView | None, at_us: int) -> Around:
    its, of = story.session, sessions.c
    span = Span(at_us - TOGETHER_US, at_us + TOGETHER_US)
    there, hit = _was_there(span), or_(_lost_connection(span), and_(of.fate == "dropped", within(ENDED, span)))
    if its.fate == "not_joined":
        span = Span(at_us - JOINS_US, at_us + JOINS_US)
        failed = and_(of.fate == "not_joined", or_(of.terminal_code.is_not(None), of.terminal_origin != "local"))
        there, hit = within(STARTED, span), failed
    in_room = and_(of.room_sid.is_not(None), of.room_sid == its.room_sid)
    in_region = and_(of.region.is_not_distinct_from(its.client.region), ~func.coalesce(in_room, False))
    others = of.session_id != its.session_id
    groups = (in_room, in_region, ~of.region.is_not_distinct_from(its.client.region))
    row = connection.execute(
        select(*(column for group in groups for column in _counted(group, hit))).where(may_tell_of(span), there, others)
    ).one()
    room, region, elsewhere = _pairs(row)
    version = other_versions = Others(hit=0, there=0)
    if outage is not None and outage.cause is not None:
        hour = Span(at_us - RELEASE_US, at_us + RELEASE_US)
        same, broke = of.app_version.is_not_distinct_from(its.client.app_version), _lost_connection(hour, outage.cause)
        released = connection.execute(
            select(*_counted(same, broke), *_counted(~same, broke)).where(may_tell_of(hour), _was_there(hour), others)
        ).one()
        version, other_versions = _pairs(released)
    return Around(
        at=moment(at_us),
        room=room,
        region=region,
        elsewhere=elsewhere,
        version=version,
        other_versions=other_versions,
    )


def _was_there(span: Span) -> ColumnElement[bool]:
    return and_(span.until_us > JOINED, or_(sessions.c.ended_at.is_(None), span.since_us <= ENDED))


def _lost_connection(span: Span, cause: str | None = None) -> ColumnElement[bool]:
    its = and_(outages.c.session_id == sessions.c.session_id, opened_in(span))
    return exists().where(its if cause is None else and_(its, outages.c.cause == cause)).correlate(sessions)


def _counted(group: ColumnElement[bool], hit: ColumnElement[bool]) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """How many of a group were hit, and how many there were."""
    return (
        func.coalesce(func.sum(case((and_(group, hit), 1), else_=0)), 0),
        func.coalesce(func.sum(case((group, 1), else_=0)), 0),
    )


def _pairs(row: Any) -> tuple[Others, ...]:
    numbers = [int(number) for number in row]
    return tuple(Others(hit=hit, there=there) for hit, there in zip(numbers[::2], numbers[1::2], strict=True))


def _networks(told: tuple[EventView, ...], at_us: int) -> tuple[str, ...]:
    """The types of network that were told last before the moment, and shortly after it, without repetition."""
    before = [one for one in told if us_from_utc(one.at) < at_us and one.network_type]
    after = [one for one in told if at_us <= us_from_utc(one.at) < at_us + NETWORK_US and one.network_type]
    return tuple(dict.fromkeys(str(one.network_type) for one in (*before[-1:], *after)))
