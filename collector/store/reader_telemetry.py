"""The question whether the store can be trusted: what has not arrived, what went silent, was refused, came late.

It is about the sessions that completeness is about. What sums up those that ended comes from the rollups; those that
go on, have gaps, went silent or have wrong clocks come through indexes of their own. What is looked at one by one is
bounded: see ODD_SESSIONS_MAX and LAST.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from heapq import nsmallest
from operator import attrgetter
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Connection, case, column, func, literal, select, table

from collector.store.completeness import ODD_SESSIONS_MAX, dropped_by_client, of_span
from collector.store.living import going_on_by_client, living
from collector.store.questions import DIMENSIONS, EVERYONE, Span
from collector.store.reader_delays import delays, rank_ms
from collector.store.reading import (
    CLOCK_IS_WRONG,
    CLOCK_OFF_US,
    GOING_ON,
    MINUTE_US,
    ODD,
    STARTED,
    AnyRow,
    bounded,
    client_view,
    ended_in,
    minutes,
    moment,
    received,
    shown,
    told_in,
)
from collector.store.retention import DAY_US, KINDS, ORDINARY_DAYS_MAX, Retention
from collector.store.rolled import rolled
from collector.store.tables import (
    SCHEMA_VERSION_TABLE,
    dead_letters,
    events,
    incidents,
    kafka_offsets,
    outages,
    rollups,
    sessions,
)
from collector.store.views_telemetry import (
    Clocks,
    Delays,
    Kept,
    LostByClient,
    OddSession,
    Reading,
    Refused,
    RefusedRecord,
    Telemetry,
    ToldAt,
    ToldBy,
)

LAST: Final = 10
"""Of sessions and records that are shown one by one."""
VALUES_MAX: Final = 50

_SHOWN: Final = ("session_id", "identity", "participant_sid", "room_sid", "room_name", "last_append_at", "sdk",
    "sdk_version", "app_version", "platform", "network_type", "region", "media_region", "clock_offset_us")  # fmt: skip


def telemetry(connection: Connection, span: Span, bucket_us: int, retention: Retention, now_us: int) -> Telemetry:
    """Whether what the store says of the span can be trusted."""
    span, bucket_us = minutes(span), max(bucket_us, MINUTE_US)
    completeness = of_span(connection, span, EVERYONE, now_us)
    odd = _odd(connection, span)
    return Telemetry(
        since=moment(span.since_us),
        until=moment(span.until_us),
        bucket_s=bucket_us // 1_000_000,
        live=sum(one.n for one in living(connection, EVERYONE) if one.fate == "live"),
        by=_by(connection, span, odd),
        over_time=_over_time(connection, span, bucket_us, odd),
        gaps=_gaps(connection, odd),
        silent=_silent(connection, span),
        lost=_lost(odd),
        refused=_refused(connection, span),
        refused_last=_refused_last(connection, span),
        clocks=_clocks(connection, span, completeness.sessions),
        delays=_delays(connection, span),
        kept=_kept(connection, retention, now_us),
        schema_version=connection.execute(
            select(column("version_num")).select_from(table(SCHEMA_VERSION_TABLE))
        ).scalar_one(),
        reading=_reading(connection),
        completeness=completeness,
    )


class Odd(NamedTuple):
    """A session with gaps, or whose outbox lost something; `missing` is the more of what both say."""

    row: AnyRow
    held: int
    missing: int


def _odd(connection: Connection, span: Span) -> tuple[Odd, ...]:
    """Unordered: an order would lead SQLite by another index. Few columns: there may be very many rows."""
    facts = (sessions.c[name] for name in ("session_id", *DIMENSIONS, "fate", "received_to", "received_more", "lost"))
    rows = connection.execute(
        select(*facts, STARTED.label("began")).where(told_in(span, ODD)).limit(ODD_SESSIONS_MAX)
    ).all()
    # Of what an outbox dropped at the end nothing is passed over, so what it says counts too.
    return tuple(
        Odd(row, held, max(expected - held, dropped_by_client(row.lost)))
        for row in rows
        for held, expected in (received(row),)
    )


def _by(connection: Connection, span: Span, odd: Sequence[Odd]) -> dict[str, tuple[ToldBy, ...]]:
    told = [*_ended_by(connection, span), *_going_on_by(connection, span), *_odd_by(odd)]
    found = {}
    for place, name in enumerate(DIMENSIONS):
        there: Counter[str | None] = Counter()
        held: Counter[str | None] = Counter()
        silent: Counter[str | None] = Counter()
        missing: Counter[str | None] = Counter()
        for *values, n, its, quiet, less in told:
            value = values[place] or None
            there[value] += int(n)
            held[value] += int(its)
            silent[value] += int(quiet)
            missing[value] += less
        worst = sorted(there, key=lambda value: (-missing[value], -silent[value], -there[value], value or ""))
        found[name] = tuple(
            ToldBy(
                value=value,
                sessions=there[value],
                events_received=held[value],
                events_missing=missing[value],
                silent=silent[value],
            )
            for value in worst[:VALUES_MAX]
        )
    return found


def _ended_by(connection: Connection, span: Span) -> Sequence[AnyRow]:
    told = rolled(connection, span)
    of = told.c
    by, n = [of[name] for name in DIMENSIONS], func.sum(of.n)
    silent = func.sum(case((of.fate == "lost", of.n), else_=0))
    return connection.execute(
        select(*by, n, func.sum(of.c), silent, literal(0))
        .where(of.kind == "ended", *told.within)
        .group_by(*by)
        .having(n != 0)
    ).all()


def _going_on_by(connection: Connection, span: Span) -> list[tuple[Any, ...]]:
    return [(*client, n, whole, 0, 0) for client, n, whole in going_on_by_client(connection, span)]


def _odd_by(odd: Sequence[Odd]) -> Iterator[tuple[Any, ...]]:
    """What is missing of odd sessions; and what came of those that go on with gaps, which are in no sum."""
    of_client = attrgetter(*DIMENSIONS)
    missing, held = Counter[tuple[Any, ...]](), Counter[tuple[Any, ...]]()
    for one in odd:
        values = of_client(one.row)
        missing[values] += one.missing
        if one.row.received_more is not None and one.row.fate in GOING_ON:
            held[values] += one.held
    for values, less in missing.items():
        yield (*values, 0, held[values], 0, less)


def _clocks(connection: Connection, span: Span, there: int) -> Clocks:
    wrong = told_in(span, CLOCK_IS_WRONG)
    limits = (60, 3_600)
    off, *beyond = connection.execute(
        select(func.count(), *(_count_if(limit * 1_000_000 < CLOCK_OFF_US) for limit in limits)).where(wrong)
    ).one()
    minutes_off, hours_off = map(int, beyond)
    worst = connection.execute(
        select(*(sessions.c[name] for name in _SHOWN))
        .where(wrong)
        .order_by(CLOCK_OFF_US.desc(), sessions.c.session_id)
        .limit(LAST)
    ).all()
    return Clocks(
        right=max(0, there - off),
        seconds=off - minutes_off,
        minutes=minutes_off - hours_off,
        hours=hours_off,
        worst=tuple(map(_odd_view, worst)),
    )


def _over_time(connection: Connection, span: Span, bucket_us: int, odd: Sequence[Odd]) -> tuple[ToldAt, ...]:
    length = bucket_us // MINUTE_US
    told = rolled(connection, span, length)
    minute, began = told.c.minute, STARTED - STARTED % bucket_us
    started = connection.execute(
        select((minute - minute % length).label("at"), func.sum(told.c.n))
        .where(told.c.kind == "started", *told.within)
        .group_by("at")
    ).all()
    lost = connection.execute(
        select(began.label("at"), func.count()).where(sessions.c.fate == "lost", ended_in(span)).group_by("at")
    ).all()
    silent = {int(at): n for at, n in lost}
    gaps = Counter(one.row.began - one.row.began % bucket_us for one in odd if one.missing)
    return tuple(
        ToldAt(
            at=moment(minute * MINUTE_US),
            sessions=int(n),
            silent=silent.get(minute * MINUTE_US, 0),
            with_gaps=gaps[minute * MINUTE_US],
        )
        for minute, n in sorted((int(at), n) for at, n in started)
        if n
    )


def _gaps(connection: Connection, odd: Sequence[Odd]) -> tuple[OddSession, ...]:
    worst = nsmallest(LAST, (one for one in odd if one.missing), key=lambda one: (-one.missing, one.row.session_id))
    ids = [one.row.session_id for one in worst]
    rows = connection.execute(select(*(sessions.c[name] for name in _SHOWN)).where(sessions.c.session_id.in_(ids)))
    shown_of = {row.session_id: row for row in rows}
    found = ((shown_of.get(one.row.session_id), one.missing) for one in worst)
    return tuple(_odd_view(row, missing) for row, missing in found if row is not None)


def _silent(connection: Connection, span: Span) -> tuple[OddSession, ...]:
    rows = connection.execute(
        select(*(sessions.c[name] for name in _SHOWN))
        .where(sessions.c.fate == "lost", ended_in(span))
        .order_by(sessions.c.ended_at.desc(), sessions.c.session_id.desc())
        .limit(LAST)
    ).all()
    return tuple(map(_odd_view, rows))


def _odd_view(row: AnyRow, missing: int = 0) -> OddSession:
    return OddSession(
        session_id=row.session_id,
        identity=row.identity,
        participant_sid=row.participant_sid,
        room_sid=row.room_sid,
        room_name=row.room_name,
        client=client_view(row),
        last_append_at=moment(row.last_append_at),
        missing=missing,
        clock_offset_ms=row.clock_offset_us // 1_000,
    )


def _lost(odd: Sequence[Odd]) -> tuple[LostByClient, ...]:
    counts: Counter[tuple[str, str]] = Counter()
    for one in odd:
        if one.row.lost:
            for reason, types in msgspec.json.decode(one.row.lost, type=dict[str, dict[str, int]]).items():
                counts.update({(reason, kind): count for kind, count in types.items()})
    ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return tuple(LostByClient(reason=reason, type=kind, count=count) for (reason, kind), count in ranked)


def _stored_in(span: Span) -> ColumnElement[bool]:
    return dead_letters.c.stored_at.between(bounded(span.since_us), bounded(span.until_us - 1))


def _refused(connection: Connection, span: Span) -> tuple[Refused, ...]:
    reason, last = dead_letters.c.reason, func.max(dead_letters.c.stored_at)
    rows = connection.execute(
        select(reason, func.count(), last)
        .where(_stored_in(span))
        .group_by(reason)
        .order_by(func.count().desc(), reason)
    )
    return tuple(Refused(reason=word, count=count, last_at=moment(at)) for word, count, at in rows)


def _refused_last(connection: Connection, span: Span) -> tuple[RefusedRecord, ...]:
    of = dead_letters.c
    rows = connection.execute(
        select(
            of.topic, of.kafka_partition, of.kafka_offset, of.stored_at, of.reason, of.place, of.detail, of.replayed_at
        )
        .where(_stored_in(span))
        .order_by(of.stored_at.desc(), of.kafka_partition, of.kafka_offset.desc())
        .limit(LAST)
    )
    return tuple(
        RefusedRecord(
            topic=topic,
            partition=partition,
            offset=offset,
            stored_at=moment(stored_at),
            reason=reason,
            place=place,
            detail=detail,
            replayed_at=shown(replayed_at),
        )
        for topic, partition, offset, stored_at, reason, place, detail, replayed_at in rows
    )


def _delays(connection: Connection, span: Span) -> Delays:
    to_broker, to_store = delays(connection, span)
    return Delays(
        events=len(to_store),
        to_broker_p50_ms=rank_ms(to_broker, 50),
        to_broker_p99_ms=rank_ms(to_broker, 99),
        to_store_p50_ms=rank_ms(to_store, 50),
        to_store_p99_ms=rank_ms(to_store, 99),
    )


def _kept(connection: Connection, retention: Retention, now_us: int) -> tuple[Kept, ...]:
    least = UUID(int=max(0, now_us - ORDINARY_DAYS_MAX * DAY_US) // 1_000 << 80)
    id_of = events.c.session_id
    first = connection.scalar(select(id_of).where(id_of >= least).order_by(id_of).limit(1))
    oldest: dict[str, Any] = {
        "events": None if first is None else (first.int >> 80) * 1_000,
        "sessions": connection.scalar(select(func.min(sessions.c.first_append_at))),
        "outages": connection.scalar(
            select(func.min(outages.c.opened_at)).where(outages.c.opened_at >= now_us - ORDINARY_DAYS_MAX * DAY_US)
        ),
        "rollups": _minute(connection),
        "dead_letters": connection.scalar(select(func.min(dead_letters.c.stored_at))),
        "incidents": connection.scalar(select(func.min(incidents.c.started_at))),
    }
    return tuple(Kept(kind=kind, days=retention.days(kind), oldest_at=shown(oldest[kind])) for kind in KINDS)


def _minute(connection: Connection) -> int | None:
    minute = connection.scalar(select(func.min(rollups.c.minute)))
    return None if minute is None else minute * MINUTE_US


def _reading(connection: Connection) -> tuple[Reading, ...]:
    by = (kafka_offsets.c.topic, kafka_offsets.c.consumer_group)
    rows = connection.execute(
        select(*by, func.count(), func.sum(kafka_offsets.c.next_offset)).group_by(*by).order_by(*by).limit(VALUES_MAX)
    )
    return tuple(
        Reading(topic=topic, group=group, partitions=partitions, records=int(records))
        for topic, group, partitions, records in rows
    )


def _count_if(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)
