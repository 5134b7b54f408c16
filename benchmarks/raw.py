"""What questions are compared with: the same asked of the table `events` alone, as whoever has only a log would ask.

No rollups, no sessions, no outages, and no index but the key. Not all that an answer holds: completeness, intervals and
what became of sessions that told no end would take more queries. So the yardstick is kind to the raw events. Not here
is what no sensible statement says: verdicts, blast radius, incidents; nor causes, which the table does not keep.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Engine, Select, Text, case, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from collector.store.tables import events

Statement = Callable[[int, Mapping[str, str]], Select[Any]]
"""The statement for a range that begins at a time (µs since 1970), and for what `examples` name."""

_of: Final = events.c
CLOSES: Final = ("room.reconnected", "room.disconnected")
ENDS: Final = ("room.disconnected", "room.connect_failed")
_LONGEST: Final = (func.max(_of.downtime_ms), func.max(_of.attempts))
_LOST: Final = func.sum(case((_of.type == "room.reconnecting", 1), else_=0))


class AppVersion(FunctionElement[str]):
    """The version of the application that an event tells."""

    type = Text()
    name = "app_version"
    inherit_cache = True


@compiles(AppVersion)
def _extracted(element: AppVersion, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_extract({compiler.process(element.clauses, **kw)}, '$.client.app_version')"


@compiles(AppVersion, "postgresql")
def _of_json(element: AppVersion, compiler: SQLCompiler, **kw: Any) -> str:
    return f"({compiler.process(element.clauses, **kw)}::json #>> '{{client,app_version}}')"


def _failure_codes(since_us: int, examples: Mapping[str, str]) -> Select[Any]:
    del examples
    failed = (_of.event_at >= since_us, _of.type == "room.disconnected", _of.error_code.is_not(None))
    return select(_of.region, _of.error_code, func.count()).where(*failed).group_by(_of.region, _of.error_code)


def _affected(since_us: int, examples: Mapping[str, str]) -> Select[Any]:
    del examples
    kinds = ("room.reconnecting", "room.reconnected", "room.disconnected")
    sums = [func.sum(case((_of.type == kind, 1), else_=0)) for kind in kinds]
    sessions = func.count(_of.session_id.distinct())
    return select(_of.region, sessions, *sums).where(_of.event_at >= since_us).group_by(_of.region)


def _kpis(since_us: int, examples: Mapping[str, str]) -> Select[Any]:
    del examples
    sums = (func.count(), func.sum(_of.downtime_ms), func.sum(_of.attempts))
    within = _of.event_at >= since_us
    return (
        select(_of.type, _of.from_state, _of.error_code, *sums)
        .where(within)
        .group_by(_of.type, _of.from_state, _of.error_code)
    )


def _timeline(since_us: int, examples: Mapping[str, str]) -> Select[Any]:
    del since_us
    return select(events).where(_of.room_sid == examples["room_sid"]).order_by(_of.event_at)


def _sessions(since_us: int, examples: Mapping[str, str]) -> Select[Any]:
    del examples
    began = func.min(_of.append_at)
    return (
        select(_of.session_id, began, func.max(_of.append_at), func.count())
        .where(_of.append_at >= since_us)
        .group_by(_of.session_id)
        .order_by(began.desc())
        .limit(50)
    )


def _session(since_us: int, examples: Mapping[str, str]) -> Select[Any]:
    del since_us
    return select(events).where(_of.session_id == UUID(examples["session_id"])).order_by(_of.seq)


def _outages(since_us: int, examples: Mapping[str, str]) -> Select[Any]:
    """Of each outage when it was first told of, and how long and how often as told last."""
    del examples
    began, closed_with = func.min(_of.event_at), case((_of.type.in_(CLOSES), _of.error_code))
    return (
        select(_of.session_id, _of.outage_number, began, *_LONGEST, func.max(closed_with))
        .where(_of.event_at >= since_us, _of.outage_number.is_not(None))
        .group_by(_of.session_id, _of.outage_number)
        .order_by(began.desc())
        .limit(50)
    )


def _outage(since_us: int, examples: Mapping[str, str]) -> Select[Any]:
    del since_us
    its = (_of.session_id == UUID(examples["session_id"]), _of.outage_number == int(examples["number"]))
    return select(func.min(_of.event_at), *_LONGEST).where(*its)


def _outages_of(since_us: int, examples: Mapping[str, str]) -> Select[Any]:
    del since_us
    its = (_of.session_id == UUID(examples["session_id"]), _of.outage_number.is_not(None))
    return (
        select(_of.outage_number, func.min(_of.event_at), *_LONGEST)
        .where(*its)
        .group_by(_of.outage_number)
        .order_by(_of.outage_number)
    )


def _outcomes(since_us: int, examples: Mapping[str, str]) -> Select[Any]:
    """By the event that closed them; a session that fell silent closed none."""
    del examples
    closed = (_of.event_at >= since_us, _of.outage_number.is_not(None), _of.type.in_(CLOSES))
    by = (_of.type, _of.error_origin, _of.error_code)
    return select(*by, func.count()).where(*closed).group_by(*by)


def _fates(since_us: int, examples: Mapping[str, str]) -> Select[Any]:
    """By the event that ended them; a session that fell silent told none."""
    del examples
    ended = (_of.event_at >= since_us, _of.type.in_(ENDS))
    by = (_of.type, _of.from_state, _of.error_origin, _of.error_code)
    return select(*by, func.count()).where(*ended).group_by(*by)


def _time_to_reconnect(since_us: int, examples: Mapping[str, str]) -> Select[Any]:
    """How often it took how long: percentiles are a sum over it."""
    del examples
    back = (_of.event_at >= since_us, _of.type == "room.reconnected")
    return select(_of.downtime_ms, func.count()).where(*back).group_by(_of.downtime_ms).order_by(_of.downtime_ms)


def _releases(since_us: int, examples: Mapping[str, str]) -> Select[Any]:
    """Of each version sessions that ended after they had joined, by state and code: what a verdict begins with."""
    del examples
    by = (AppVersion(_of.extra).label("version"), _of.from_state, _of.error_code)
    ended = (_of.event_at >= since_us, _of.type == "room.disconnected")
    return select(*by, func.count()).where(*ended).group_by(*by)


def _rooms(since_us: int, examples: Mapping[str, str]) -> Select[Any]:
    del examples
    began = func.min(_of.append_at)
    return (
        select(_of.room_sid, began, func.count(_of.session_id.distinct()), _LOST)
        .where(_of.append_at >= since_us, _of.room_sid.is_not(None))
        .group_by(_of.room_sid)
        .order_by(began.desc())
        .limit(50)
    )


def _room(since_us: int, examples: Mapping[str, str]) -> Select[Any]:
    del since_us
    sums = (func.max(_of.event_at), func.count(_of.session_id.distinct()), _LOST)
    return select(*sums).where(_of.room_sid == examples["room_sid"])


def _completeness(since_us: int, examples: Mapping[str, str]) -> Select[Any]:
    """Events that are here, and that must have been, of each session; summed up."""
    del examples
    of_each = (
        select(func.count().label("here"), (func.max(_of.seq) + 1).label("sent"))
        .where(_of.append_at >= since_us)
        .group_by(_of.session_id)
        .subquery()
    )
    return select(func.count(), func.sum(of_each.c.here), func.sum(of_each.c.sent))


STATEMENTS: Final[Mapping[str, Statement]] = {
    "/api/v1/breakdowns/failure-codes": _failure_codes,
    "/api/v1/breakdowns/affected": _affected,
    "/api/v1/breakdowns/fates": _fates,
    "/api/v1/breakdowns/outcomes": _outcomes,
    "/api/v1/breakdowns/time-to-reconnect": _time_to_reconnect,
    "/api/v1/completeness": _completeness,
    "/api/v1/kpis": _kpis,
    "/api/v1/outages": _outages,
    "/api/v1/outages/{session_id}/{number}": _outage,
    "/api/v1/releases": _releases,
    "/api/v1/rooms": _rooms,
    "/api/v1/rooms/{room_sid}": _room,
    "/api/v1/rooms/{room_sid}/timeline": _timeline,
    "/api/v1/sessions": _sessions,
    "/api/v1/sessions/{session_id}": _session,
    "/api/v1/sessions/{session_id}/events": _session,
    "/api/v1/sessions/{session_id}/outages": _outages_of,
}
"""By the path of the route that answers the same."""


def timed(engine: Engine, statement: Select[Any], times: int) -> list[float]:
    """Seconds of each time that it was asked, until the last row is here. Asked once more before."""
    took = []
    for _ in range(times + 1):
        with engine.connect() as connection:
            began_s = time.perf_counter()
            connection.execute(statement).all()
            took.append(time.perf_counter() - began_s)
    return took[1:]
