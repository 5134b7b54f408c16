"""What the Reader's questions are made of: corrected times, filters, and rows turned into views.

Rules:
1. A time of a client is shown, filtered and counted by corrected: with the session's `clock_offset_us` where that is
   beyond ±2 s. Append and stored times are the broker's and ours, and are never corrected.
2. One expression a fact, for both databases; what they say differently is in functions.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, FromClause, Row, and_, case, false, func, not_, or_

from collector.store.changes import CLOCK_TOLERANCE_US, unpack_intervals
from collector.store.functions import EpochUs, IdUs
from collector.store.questions import DIMENSIONS, OutageFilters, Range, Span, Who
from collector.store.tables import outages, rollups, sessions
from collector.store.views import Client, Code, Ending, EventView, OutageView, SessionView, TokenLife
from session_core.errors import CATALOGUE, UNKNOWN_NAME
from session_core.instants import utc_from_us

AnyRow = Row[*tuple[Any, ...]]

MINUTE_US: Final = 60_000_000

UTC_US_MIN: Final = -62_135_596_800_000_000
UTC_US_MAX: Final = 253_402_300_799_999_999
FAR_US: Final = 253_402_300_799_000_000
"""The end of a span that has none: that of the year 9999."""

GOING_ON: Final = ("connecting", "live")
"""Fates of sessions that have not ended: the others have `ended_at`, and `told_until`."""

CLOCK_OFF_US: Final[ColumnElement[int]] = func.abs(sessions.c.clock_offset_us)
"""How far the session's clock is off the broker's, either way."""
CORRECTION: Final[ColumnElement[int]] = func.coalesce(sessions.c.correction_us, 0)

STARTED: Final[ColumnElement[int]] = (
    func.coalesce(EpochUs(sessions.c.connecting_at), IdUs(sessions.c.session_id)) + CORRECTION
)
"""When the session began: told, or else as its id says, which is made then."""
JOINED: Final[ColumnElement[int]] = case(
    (
        or_(
            sessions.c.joined_at.is_not(None),
            sessions.c.terminal_type == "room.disconnected",
            sessions.c.state.in_(("connected", "reconnecting")),
            sessions.c.outages > 0,
            sessions.c.connected_ms > 0,
        ),
        func.coalesce(EpochUs(sessions.c.joined_at) + CORRECTION, STARTED),
    )
)
"""When the session joined, where it did: told, or implied by what was told later."""
ENDED: Final[ColumnElement[int]] = EpochUs(sessions.c.ended_at) + CORRECTION
OPENED: Final[ColumnElement[int]] = EpochUs(outages.c.opened_at)
OUTAGE_ENDED: Final[ColumnElement[int]] = (
    func.coalesce(EpochUs(outages.c.closing_at), EpochUs(outages.c.started_at) + outages.c.downtime_ms * 1000)
    + CORRECTION
)
"""When an outage ended, as derive.py dates it: where nothing closed it, when it was last known to last. Of one that is
open it says nothing."""
CLOCK_IS_WRONG: Final = sessions.c.correction_us.is_not(None)
"""What sessions_wrong_clock holds."""


def told(column: ColumnElement[Any]) -> ColumnElement[int]:
    """A time that a client told, corrected. The statement must join the session that told it."""
    return EpochUs(column) + CORRECTION


def within(moment: ColumnElement[int], span: Span) -> ColumnElement[bool]:
    """The moment, in µs, lies in the span."""
    return and_(moment >= span.since_us, moment < span.until_us)


def may_tell_of(span: Span) -> ColumnElement[bool]:
    """Necessary for a session to say anything of the span: its telling did not end before.

    It has no upper bound, since what happened may be told much later. Each half of it is carried by an index: what
    goes on by its fate, what ended by when it was last told of.
    """
    # A client's clock may run ahead within the tolerance.
    since_us = bounded(span.since_us - CLOCK_TOLERANCE_US)
    return or_(
        and_(sessions.c.fate.in_(GOING_ON), sessions.c.last_append_at >= since_us), sessions.c.told_until >= since_us
    )


def goes_on(span: Span) -> ColumnElement[bool]:
    """Sessions that have not ended and that the broker heard of in the span."""
    return and_(
        sessions.c.fate.in_(GOING_ON),
        sessions.c.last_append_at >= bounded(span.since_us),
        # The sum keeps SQLite from the index of first_append_at, by which it would read all that is older.
        EpochUs(sessions.c.first_append_at) + 0 < bounded(span.until_us),
    )


def ended_in(span: Span) -> ColumnElement[bool]:
    """Sessions that ended in the span."""
    return and_(sessions.c.told_until >= bounded(span.since_us - CLOCK_TOLERANCE_US), within(ENDED, span))


def told_in(span: Span, few: ColumnElement[bool] | None = None) -> ColumnElement[bool]:
    """Whom the span is about, where it is asked how complete it is: who ended in it, and who goes on.

    `few`: of these alone ODD or CLOCK_IS_WRONG, those of which an index is.
    """
    about = or_(goes_on(span), ended_in(span))
    if few is None:
        return about
    # What is said of `told_until` is implied: it is two ranges of their index. SQLite uses that where each half says
    # whom it holds.
    until = sessions.c.told_until
    ended, lives = until >= bounded(span.since_us - CLOCK_TOLERANCE_US), until.is_(None)
    return and_(or_(and_(few, ended), and_(few, lives)), about)


def opened_in(span: Span) -> ColumnElement[bool]:
    """Outages that opened in the span: through their index, without their sessions."""
    return and_(outages.c.opened_at >= bounded(span.since_us), outages.c.opened_at < bounded(span.until_us))


def minutes(span: Span) -> Span:
    """The span widened to whole minutes: what sums over minutes can tell."""
    return Span(span.since_us - span.since_us % MINUTE_US, span.until_us + -span.until_us % MINUTE_US)


def in_minutes(span: Span) -> ColumnElement[bool]:
    """Rollups of a span of whole minutes."""
    return and_(rollups.c.minute >= span.since_us // MINUTE_US, rollups.c.minute < span.until_us // MINUTE_US)


def bounded(at_us: int) -> int:
    """The nearest moment that both databases can hold."""
    return min(max(at_us, UTC_US_MIN), UTC_US_MAX)


ODD: Final = or_(sessions.c.received_more.is_not(None), sessions.c.lost.is_not(None))
"""A session with gaps, or whose outbox lost something: what sessions_odd holds."""
_OF_SESSIONS: Final[dict[str, ColumnElement[Any]]] = {
    "code": sessions.c.terminal_code,
    "origin": sessions.c.terminal_origin,
    "joined_at": JOINED,
    "ended_at": ENDED,
    "cancelled": case((and_(sessions.c.fate == "not_joined", sessions.c.terminal_code.is_(None)), "yes"), else_="no"),
}
_OF_OUTAGES: Final[dict[str, ColumnElement[Any]]] = {
    "cause": outages.c.cause,
    "outcome": outages.c.outcome,
    "code": outages.c.closing_code,
    "origin": outages.c.closing_origin,
    "attempts": outages.c.attempts,
    "downtime_ms": outages.c.downtime_ms,
    "signaling_down_ms": outages.c.signaling_down_ms,
    "media_down_ms": outages.c.media_down_ms,
    "ended_at": case((outages.c.outcome != "open", OUTAGE_ENDED)),
}
_NOT: Final = "not_"
LOOKED_UP: Final = frozenset({"beside", "incident"})
"""Filters that are no conditions before the store was asked what they name: beside.py."""


def matches(filters: Who) -> list[ColumnElement[bool]]:
    """The filters as conditions on sessions, but for those that are LOOKED_UP.

    Those on outages need a statement that has both.
    """
    theirs = _OF_OUTAGES if isinstance(filters, OutageFilters) else _OF_SESSIONS
    asked = {field.name: getattr(filters, field.name) for field in fields(filters) if field.name not in LOOKED_UP}
    return [
        _none_of(sessions.c[name.removeprefix(_NOT)], values)
        if name.startswith(_NOT)
        else _one_of(theirs[name] if name in theirs else sessions.c[name], values)
        for name, values in asked.items()
        if values
    ]


def outages_of(filters: Who) -> tuple[FromClause, list[ColumnElement[bool]]]:
    """Outages of sessions that the filters leave: what to select them from, and the conditions.

    Without filters nothing is asked of sessions, which takes several times as long.
    """
    conditions = matches(filters)
    joined = outages.join(sessions, sessions.c.session_id == outages.c.session_id)
    return joined if conditions else outages, conditions


def matches_sums(filters: Who, of: Any) -> list[ColumnElement[bool]]:
    """The same on the columns of rollups, where the empty word is what was not told."""
    if not in_rollups(filters):
        raise TypeError("rollups keep fewer dimensions than sessions have")
    return [of[name].in_(values) for name in DIMENSIONS if (values := getattr(filters, name))]


def in_rollups(filters: Who) -> bool:
    """Whether rollups keep all that is filtered by."""
    return not any(getattr(filters, field.name) for field in fields(filters) if field.name not in DIMENSIONS)


def _one_of(column: ColumnElement[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    ranges = [value for value in values if isinstance(value, Range)]
    given = [value for value in values if value != "" and not isinstance(value, Range)]
    conditions: list[ColumnElement[bool]] = [_between(column, one) for one in ranges]
    conditions += [column.in_(given)] if given else []
    if len(given) + len(ranges) < len(values):
        conditions.append(column.is_(None))
    return or_(*conditions)


def _none_of(column: ColumnElement[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    """None of the values; what was not told is none of them unless they say so."""
    return not_(func.coalesce(_one_of(column, values), false()))


def _between(column: ColumnElement[Any], span: Range) -> ColumnElement[bool]:
    ends = [] if span.least is None else [column >= span.least]
    ends += [] if span.most is None else [column <= span.most]
    return and_(*ends) if ends else column.is_not(None)


def correction_us(clock_offset_us: int) -> int:
    """What to add to the times that a client told."""
    return clock_offset_us if abs(clock_offset_us) > CLOCK_TOLERANCE_US else 0


def shown(at_us: int | None, correction: int = 0) -> datetime | None:
    """A time as it is shown."""
    return None if at_us is None else moment(at_us, correction)


def moment(at_us: int, correction: int = 0) -> datetime:
    """A time that is known, as it is shown; a clock that is off by centuries stops at the calendar's end."""
    return utc_from_us(bounded(at_us + correction))


def code_view(code: int | None) -> Code | None:
    """A code with the catalogue's words."""
    if code is None:
        return None
    known = CATALOGUE.get(code)
    if known is None:
        return Code(code=code, name=UNKNOWN_NAME, message="A code that the catalogue does not have")
    return Code(code=code, name=known.name, message=known.message)


def code_name(code: int | None) -> str | None:
    """The name of a code."""
    return None if code is None else CATALOGUE[code].name if code in CATALOGUE else UNKNOWN_NAME


def client_view(row: AnyRow) -> Client:
    """The client's words of a row of sessions."""
    return Client(**{name: getattr(row, name) for name in Client.model_fields})


def received(row: AnyRow) -> tuple[int, int]:
    """How many sequence numbers a row of sessions received, and how many it must have had."""
    more = unpack_intervals(bytes(row.received_more)) if row.received_more else []
    held = sum(upto - since for since, upto in zip(more[::2], more[1::2], strict=True))
    return row.received_to + held, more[-1] if more else row.received_to


def began_us(row: AnyRow) -> int:
    """When a row of sessions says that it began, by its client's clock: told, or else as its id says."""
    return int(row.connecting_at) if row.connecting_at is not None else (row.session_id.int >> 80) * 1_000


def session_view(row: AnyRow) -> SessionView:
    """A row of sessions as it is shown."""
    by = correction_us(row.clock_offset_us)
    held, expected = received(row)
    return SessionView(
        session_id=row.session_id,
        previous_session_id=row.previous_session_id,
        room_sid=row.room_sid,
        room_name=row.room_name,
        participant_sid=row.participant_sid,
        identity=row.identity,
        state=row.state,
        fate=row.fate,
        started_at=moment(began_us(row), by),
        joined_at=shown(row.joined_at, by),
        ended_at=shown(row.ended_at, by),
        last_event_at=moment(row.last_event_at, by),
        ending=_session_ending(row, by),
        client=client_view(row),
        policy=row.policy,
        token=_token(row),
        outages=row.outages,
        reconnecting_ms=row.reconnecting_ms,
        connected_ms=row.connected_ms,
        clock_offset_ms=row.clock_offset_us // 1000,
        clock_corrected=by != 0,
        events_received=held,
        events_expected=expected,
    )


def outage_ended_us(row: AnyRow, session_ended_at: int | None) -> int | None:
    """When an outage ended by the client's clock, told or inferred; None while it is open."""
    ended: int | None = row.closing_at
    if ended is None and row.outcome != "open":
        # Nobody told when it recovered: what was told last of it. Otherwise it lasted as long as the session.
        ended = row.started_at + row.downtime_ms * 1000 if row.outcome == "recovered" else session_ended_at
    return ended


def outage_view(row: AnyRow, clock_offset_us: int, session_ended_at: int | None) -> OutageView:
    """A row of outages as it is shown, with the facts of its session that it needs."""
    by = correction_us(clock_offset_us)
    closed = row.closing_at is not None
    return OutageView(
        session_id=row.session_id,
        number=row.number,
        started_at=moment(row.started_at, by),
        ended_at=shown(outage_ended_us(row, session_ended_at), by),
        end_inferred=not closed and row.outcome != "open",
        cause=row.cause,
        outcome=row.outcome,
        ending=Ending(at=moment(row.closing_at, by), error=code_view(row.closing_code), origin=row.closing_origin)
        if closed
        else None,
        attempts=row.attempts,
        downtime_ms=row.downtime_ms,
        signaling_down_ms=row.signaling_down_ms,
        media_down_ms=row.media_down_ms,
        since_previous_ms=row.since_previous_ms,
    )


def event_view(row: AnyRow, clock_offset_us: int) -> EventView:
    """A row of events as it is shown."""
    return EventView(
        seq=row.seq,
        type=row.type,
        at=moment(row.event_at, correction_us(clock_offset_us)),
        append_at=moment(row.append_at),
        stored_at=moment(row.stored_at),
        from_state=row.from_state,
        to_state=row.to_state,
        subject_sid=row.subject_sid,
        network_type=row.network_type,
        error=code_view(row.error_code),
        origin=row.error_origin,
        reason=row.reason,
        outage_number=row.outage_number,
        attempts=row.attempts,
        downtime_ms=row.downtime_ms,
        extra=msgspec.json.decode(row.extra) if row.extra else None,
    )


def _session_ending(row: AnyRow, by: int) -> Ending | None:
    if row.terminal_at is None:
        return None
    return Ending(
        at=moment(row.terminal_at, by),
        error=code_view(row.terminal_code),
        origin=row.terminal_origin,
        reason=row.terminal_reason,
        vendor_code=row.terminal_vendor_code,
    )


def _token(row: AnyRow) -> TokenLife | None:
    if row.token_expires_at is None:
        return None
    return TokenLife(expires_at=moment(row.token_expires_at), ttl_s=row.token_ttl_s)
