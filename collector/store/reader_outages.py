"""Questions about the fleet's outages and about who is there now."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, distinct, func, select

from collector.store.completeness import of_span
from collector.store.facts import facts
from collector.store.living import living
from collector.store.questions import EVERYONE, OUTCOMES, Span, Who
from collector.store.reading import MINUTE_US, AnyRow, client_view, matches, minutes, moment, opened_in, outage_view
from collector.store.tables import outages, sessions
from collector.store.views import Fleet, FleetOutage, LatestOutages, OutageBucket, OutageBuckets


def latest_outages(connection: Connection, span: Span, who: Who, limit: int, now_us: int) -> LatestOutages:
    """Outages that opened in the span, the newest first."""
    rows = connection.execute(
        select(
            outages,
            *(sessions.c[name] for name in SESSION_FACTS),
        )
        .join(sessions, sessions.c.session_id == outages.c.session_id)
        .where(opened_in(span), *matches(who))
        .order_by(outages.c.opened_at.desc(), outages.c.session_id.desc(), outages.c.number.desc())
        .limit(limit)
    ).all()
    items = tuple(fleet_outage(row) for row in rows)
    return LatestOutages(items=items, completeness=of_span(connection, span, who, now_us))


def fleet_outage(row: AnyRow) -> FleetOutage:
    """A row of outages with the SESSION_FACTS of whom it happened to."""
    return FleetOutage(
        outage=outage_view(row, row.clock_offset_us, row.ended_at),
        room_sid=row.room_sid,
        room_name=row.room_name,
        participant_sid=row.participant_sid,
        identity=row.identity,
        client=client_view(row),
        fate=row.fate,
    )


def outage_buckets(connection: Connection, span: Span, who: Who, bucket_us: int) -> OutageBuckets:
    """Outages that opened in the span, widened to whole minutes, by cause and outcome.

    In stretches of whole minutes that begin on the clock.
    """
    span, step = minutes(span), bucket_us // MINUTE_US
    those = facts(connection, "outage", span, who, step=step)
    bucket = (those.minute - those.minute % step).label("bucket")
    cause, outcome, n = those.columns["cause"].label("why"), those.columns["outcome"].label("became"), func.sum(those.n)
    rows = connection.execute(
        select(bucket, cause, outcome, n.label("n"))
        .select_from(those.source)
        .where(*those.conditions)
        .group_by("bucket", "why", "became")
        .having(n > 0)
    ).all()
    items = [
        OutageBucket(at=moment(row.bucket * MINUTE_US), cause=row.why or None, outcome=row.became, count=int(row.n))
        for row in rows
        if row.became in OUTCOMES  # of outages that were gone when the store was upgraded nobody knows it
    ]
    return OutageBuckets(
        since=moment(span.since_us),
        until=moment(span.until_us),
        bucket_s=bucket_us // 1_000_000,
        items=tuple(sorted(items, key=lambda one: (one.at, OUTCOMES.index(one.outcome), one.cause or ""))),
    )


def fleet(connection: Connection) -> Fleet:
    """Who is in a room now, as far as was told."""
    rows = living(connection, EVERYONE)
    rooms = connection.execute(
        select(func.count(distinct(sessions.c.room_sid))).where(sessions.c.fate == "live")
    ).scalar_one()
    any_session = connection.execute(select(sessions.c.session_id).limit(1)).first()
    live = [row for row in rows if row.fate == "live"]
    return Fleet(
        live=sum(row.n for row in live),
        reconnecting=sum(row.n for row in live if row.state == "reconnecting"),
        connecting=sum(row.n for row in rows if row.fate == "connecting"),
        rooms=int(rooms),
        sessions_ever=any_session is not None,
    )


SESSION_FACTS: Final = (
    "room_sid",
    "room_name",
    "participant_sid",
    "identity",
    "fate",
    "ended_at",
    "clock_offset_us",
    "sdk",
    "sdk_version",
    "app_version",
    "platform",
    "network_type",
    "region",
    "media_region",
)
