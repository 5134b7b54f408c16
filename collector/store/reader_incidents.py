"""Questions about incidents: which there were, and whom one hit.

Whom: an alert about a code hit the sessions that failed with it, in its phase and region; another alert about rooms hit
those that were without connection. Counted from ten minutes before it fired, since that is how far back its rule
looks, to its end. Sessions, not sums over minutes: rooms and versions are told apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, case, exists, false, func, literal, or_, select, tuple_

from collector.errors import IncidentNotFound
from collector.metric_labels import OTHER, UNKNOWN
from collector.store.completeness import of_span
from collector.store.questions import EVERYONE, IncidentFilters, Phase, Span, Spread, Who
from collector.store.reading import (
    ENDED,
    JOINED,
    STARTED,
    AnyRow,
    bounded,
    matches,
    may_tell_of,
    moment,
    opened_in,
    session_view,
    shown,
    told,
    within,
)
from collector.store.shares import interval
from collector.store.tables import incidents, outages, sessions
from collector.store.views_incidents import (
    AffectedRoom,
    BlastOfIncident,
    Hit,
    IncidentPage,
    IncidentStory,
    IncidentView,
)

LOOKS_BACK_US: Final = 600_000_000
SPAN_US_MAX: Final = 86_400_000_000
"""Of an incident that lasts longer, the first day tells whom it hit."""
VALUES_MAX: Final = 10
ROOMS_MAX: Final = 25
SESSIONS_MAX: Final = 50
SPREADS: Final[tuple[Spread, ...]] = ("region", "app_version", "sdk_version", "room_sid")

_NO_REGION: Final = ("", "all", OTHER)
"""Labels that name no single region."""
_PHASES: Final[Mapping[str, tuple[Phase, str]]] = {"join": ("join", "not_joined"), "session": ("session", "dropped")}


class IncidentPlace(NamedTuple):
    """Which incident; and where a page of them ends."""

    started_at: int
    fingerprint: str


class Aim(NamedTuple):
    """What an alert is about: who was hit, of whom."""

    code: int | None
    phase: Phase | None
    who: Who


def told_incidents(
    connection: Connection, span: Span, filters: IncidentFilters, after: IncidentPlace | None, limit: int
) -> tuple[tuple[IncidentView, ...], IncidentPlace | None]:
    """Incidents that went on at some time of the span, the latest first, and the place where the next page begins."""
    of = incidents.c
    conditions = [of.started_at < span.until_us, or_(of.ended_at.is_(None), of.ended_at >= span.since_us)]
    for name in ("alertname", "severity"):
        if values := getattr(filters, name):
            untold = of[name].is_(None) if "" in values else false()
            conditions.append(or_(of[name].in_(values), untold))
    if filters.open is not None:
        conditions.append(of.ended_at.is_(None) if filters.open else of.ended_at.is_not(None))
    if after is not None:
        place = tuple_(literal(after.started_at, of.started_at.type), literal(after.fingerprint))
        conditions.append(tuple_(of.started_at, of.fingerprint) < place)
    rows = connection.execute(
        select(incidents).where(*conditions).order_by(of.started_at.desc(), of.fingerprint.desc()).limit(limit + 1)
    ).all()
    page = rows[:limit]
    following = IncidentPlace(page[-1].started_at, page[-1].fingerprint) if len(rows) > limit else None
    return tuple(_incident_view(row) for row in page), following


def list_incidents(
    connection: Connection, span: Span, filters: IncidentFilters, after: IncidentPlace | None, limit: int, now_us: int
) -> tuple[IncidentPage, IncidentPlace | None]:
    """The same, with how complete telemetry of the span is. The caller makes `next` of the place."""
    items, following = told_incidents(connection, span, filters, after, limit)
    return IncidentPage(items=items, next=None, completeness=of_span(connection, span, EVERYONE, now_us)), following


def read_incident(connection: Connection, place: IncidentPlace, now_us: int) -> IncidentStory:
    """One incident and whom it hit. Raises IncidentNotFound."""
    row = _row(connection, place)
    if row is None:
        raise IncidentNotFound(incident_id_of(place))
    aim, span = aim_of(msgspec.json.decode(row.labels, type=dict[str, str])), _span_of(row, now_us)
    return IncidentStory(
        incident=_incident_view(row),
        blast=None if aim is None else _blast(connection, span, aim),
        completeness=of_span(connection, span, EVERYONE if aim is None else aim.who, now_us),
    )


def whom_of(connection: Connection, place: IncidentPlace, now_us: int) -> tuple[Span, Aim] | None:
    """In which time an incident hit whom; None where there is none, or where it is not about rooms."""
    row = _row(connection, place)
    aim = None if row is None else aim_of(msgspec.json.decode(row.labels, type=dict[str, str]))
    return None if row is None or aim is None else (_span_of(row, now_us), aim)


def _row(connection: Connection, place: IncidentPlace) -> AnyRow | None:
    of = incidents.c
    its = (of.fingerprint == place.fingerprint, of.started_at == place.started_at)
    return connection.execute(select(incidents).where(*its)).one_or_none()


def _span_of(row: AnyRow, now_us: int) -> Span:
    since_us = row.started_at - LOOKS_BACK_US
    until_us = min(now_us if row.ended_at is None else row.ended_at, since_us + SPAN_US_MAX)
    return Span(since_us, max(until_us, since_us + 1))


def incident_id_of(place: IncidentPlace) -> str:
    """The name of an incident in addresses: Alertmanager's fingerprint, and its start in µs since 1970."""
    return f"{place.fingerprint}-{place.started_at}"


def aim_of(labels: Mapping[str, str]) -> Aim | None:
    """What an alert with these labels is about; None where that is not rooms. Pure."""
    code, phase = labels.get("code", ""), labels.get("phase", "")
    if labels.get("about") != "rooms" and not code.isdecimal():
        return None
    region = labels.get("region", "")
    return Aim(
        int(code) if code.isdecimal() else None,
        _PHASES[phase][0] if phase in _PHASES else None,
        EVERYONE if region in _NO_REGION else Who(region=("" if region == UNKNOWN else region,)),
    )


def _incident_view(row: AnyRow) -> IncidentView:
    annotations = msgspec.json.decode(row.annotations, type=dict[str, str])
    return IncidentView(
        incident_id=incident_id_of(IncidentPlace(row.started_at, row.fingerprint)),
        alertname=row.alertname,
        severity=row.severity,
        started_at=moment(row.started_at),
        ended_at=shown(row.ended_at),
        told_at=moment(row.told_at),
        summary=annotations.get("summary"),
        description=annotations.get("description"),
        labels=msgspec.json.decode(row.labels, type=dict[str, str]),
        annotations=annotations,
    )


def _blast(connection: Connection, span: Span, aim: Aim) -> BlastOfIncident:
    there, hit = could_be_hit(span, aim), was_hit(span, aim)
    counted = case((hit, 1), else_=0)
    all_there, all_hit = connection.execute(select(func.count(), func.sum(counted)).where(there)).one()
    by = {spread: _by(connection, spread, there, counted, (int(all_hit or 0), all_there)) for spread in SPREADS}
    rows = connection.execute(
        select(sessions).where(hit).order_by(sessions.c.last_append_at, sessions.c.session_id).limit(SESSIONS_MAX)
    ).all()
    return BlastOfIncident(
        since=moment(span.since_us),
        until=moment(span.until_us),
        code=aim.code,
        phase=aim.phase,
        affected=int(all_hit or 0),
        sessions=all_there,
        by=by,
        rooms=_rooms(connection, hit),
        hit=tuple(session_view(row) for row in rows),
    )


def was_hit(span: Span, aim: Aim) -> ColumnElement[bool]:
    """Sessions that an alert of that aim hit in the span."""
    return and_(may_tell_of(span), _was_hit(span, aim), *matches(aim.who))


def could_be_hit(span: Span, aim: Aim) -> ColumnElement[bool]:
    """All that it could have hit.

    A region that is named in the alert is what the rest is compared with, so the rest is looked at too.
    """
    return and_(may_tell_of(span), or_(_could_be(span, aim), _was_hit(span, aim)))


def _was_hit(span: Span, aim: Aim) -> ColumnElement[bool]:
    if aim.code is None:
        theirs, closed = outages.c.session_id == sessions.c.session_id, told(outages.c.closing_at)
        still_open = and_(outages.c.outcome == "open", outages.c.opened_at < bounded(span.until_us))
        return exists().where(theirs, or_(opened_in(span), within(closed, span), still_open)).correlate(sessions)
    fates = [_PHASES[aim.phase][1]] if aim.phase else [fate for _, fate in _PHASES.values()]
    return and_(sessions.c.terminal_code == aim.code, sessions.c.fate.in_(fates), within(ENDED, span))


def _could_be(span: Span, aim: Aim) -> ColumnElement[bool]:
    """Who tried to join in the span, or who was in a room at some time of it."""
    tried = within(STARTED, span)
    was_there = and_(span.until_us > JOINED, or_(sessions.c.ended_at.is_(None), span.since_us <= ENDED))
    if aim.phase == "join":
        return tried
    return was_there if aim.phase == "session" or aim.code is None else or_(tried, was_there)


def _by(
    connection: Connection,
    spread: Spread,
    there: ColumnElement[bool],
    counted: ColumnElement[int],
    whole: tuple[int, int],
) -> tuple[Hit, ...]:
    value, affected = sessions.c[spread].label("value"), func.sum(counted)
    rows = connection.execute(
        select(value, affected.label("affected"), func.count().label("sessions"))
        .where(there)
        .group_by(value)
        .having(affected > 0)
        .order_by(affected.desc(), func.count(), value)
        .limit(VALUES_MAX)
    )
    return tuple(hit(row.value, int(row.affected), row.sessions, *whole) for row in rows)


def hit(value: str | None, affected: int, there: int, all_affected: int, all_there: int) -> Hit:
    """One value beside the rest. Pure; `there` is at least 1."""
    rest_affected, rest = all_affected - affected, all_there - there
    ours, theirs = interval(affected, there) or (0.0, 1.0), interval(rest_affected, rest)
    return Hit(
        value=value,
        affected=affected,
        sessions=there,
        share=affected / there,
        share_low=ours[0],
        share_high=ours[1],
        rest_affected=rest_affected,
        rest_sessions=rest,
        rest_share=rest_affected / rest if rest else None,
        rest_share_low=theirs[0] if theirs else None,
        rest_share_high=theirs[1] if theirs else None,
        stands_out=theirs is not None and ours[0] > theirs[1],
    )


def _rooms(connection: Connection, ours: ColumnElement[bool]) -> tuple[AffectedRoom, ...]:
    count = func.count()
    rows: Any = connection.execute(
        select(sessions.c.room_sid, func.max(sessions.c.room_name).label("room_name"), count.label("affected"))
        .where(ours)
        .group_by(sessions.c.room_sid)
        .order_by(count.desc(), sessions.c.room_sid)
        .limit(ROOMS_MAX)
    )
    return tuple(AffectedRoom(room_sid=row.room_sid, room_name=row.room_name, affected=row.affected) for row in rows)
