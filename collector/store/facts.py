"""What is counted: facts of one kind in a stretch of time, with all that they can be split by.

They come from the rollups where those keep what is asked for; they keep no platform and no network type, and no code of
an outage that began. Those facts are counted one by one from sessions and outages: found by when sessions were last
told of, and as long as those tables are kept. Both date and count a fact alike.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, FromClause, and_, case, func, literal, select

from collector.store.counting import FLAP_MS, FULL_TOKEN_S, OBSERVED
from collector.store.questions import DIMENSIONS, By, Span, Who
from collector.store.reader_rollups import NO_CODE, Count, counts
from collector.store.reading import (
    ENDED,
    JOINED,
    MINUTE_US,
    OPENED,
    OUTAGE_ENDED,
    STARTED,
    matches,
    matches_sums,
    may_tell_of,
    opened_in,
    within,
)
from collector.store.reading import in_rollups as keeps
from collector.store.rolled import NO_STEP, rolled
from collector.store.tables import outages, sessions

Kind = Literal["started", "joined", "outage", "outage_ended", "ended"]
KINDS: Final[tuple[Kind, ...]] = ("started", "joined", "outage", "outage_ended", "ended")

TABLES_RANGE_US_MAX: Final = 7 * 86_400_000_000
"""Over a longer range nobody should count one by one."""

_CLIENT: Final = ("region", "sdk", "sdk_version", "app_version", "platform", "network_type")
_WORDS: Final = ("code", "cause", "outcome", "fate")
_NOT_IN_ROLLUPS: Final = frozenset({"platform", "network_type"})
_AT: Final[Mapping[Kind, ColumnElement[int]]] = {
    "started": STARTED,
    "joined": JOINED,
    "outage": OPENED,
    "outage_ended": OUTAGE_ENDED,
    "ended": ENDED,
}


class Facts(NamedTuple):
    """Facts, to be summed up: `n` of them in a minute; `columns` are empty, or -1, where nothing was told.

    `sums` are what rollups sum up beside, as far as counts() is asked for it; see docs/store.md.
    """

    source: FromClause
    conditions: list[ColumnElement[bool]]
    columns: Mapping[str, ColumnElement[Any]]
    minute: ColumnElement[int]
    n: ColumnElement[int]
    sums: tuple[ColumnElement[int], ...]


def in_rollups(kind: Kind, by: Collection[By], who: Who) -> bool:
    """Whether rollups keep all that is asked for."""
    return keeps(who) and not _NOT_IN_ROLLUPS & {*by} and not (kind == "outage" and "code" in by)


def facts(
    connection: Connection, kind: Kind, span: Span, who: Who, by: Collection[By] = (), *, step: int = NO_STEP
) -> Facts:
    """The facts of a kind in a span of whole minutes, to be summed up by `step` minutes where that is asked for."""
    if in_rollups(kind, by, who):
        return _from_rollups(connection, kind, span, who, step)
    return _from_outages(kind, span, who) if kind in {"outage", "outage_ended"} else _from_sessions(kind, span, who)


def counts_of(connection: Connection, span: Span, who: Who) -> tuple[Count, ...]:
    """What counts() gives of the rollups, for any filter."""
    if all(in_rollups(kind, (), who) for kind in KINDS):
        return counts(connection, span, who)
    return tuple(count for kind in KINDS for count in _counted(connection, kind, span, who))


def _counted(connection: Connection, kind: Kind, span: Span, who: Who) -> list[Count]:
    those = facts(connection, kind, span, who)
    coded = case((those.columns["code"] == NO_CODE, 0), else_=1).label("is_coded")
    outcome, fate = those.columns["outcome"].label("its_outcome"), those.columns["fate"].label("its_fate")
    rows = connection.execute(
        select(outcome, fate, coded, func.sum(those.n), *(func.sum(one) for one in those.sums))
        .select_from(those.source)
        .where(*those.conditions)
        .group_by("its_outcome", "its_fate", "is_coded")
    )
    return [Count(kind, word, end, bool(is_coded), *map(int, sums)) for word, end, is_coded, *sums in rows]


def _from_rollups(connection: Connection, kind: Kind, span: Span, who: Who, step: int) -> Facts:
    told = rolled(connection, span, step)
    of = told.c
    columns: dict[str, ColumnElement[Any]] = {name: of[name] for name in (*DIMENSIONS, *_WORDS)}
    conditions = [of.kind == kind, *told.within, *matches_sums(who, of)]
    sums = tuple(of[name] for name in "abcd")
    return Facts(told.source, conditions, {**columns, "phase": _phase(of.fate)}, of.minute, of.n, sums)


def _from_sessions(kind: Kind, span: Span, who: Who) -> Facts:
    ended = kind == "ended"
    columns: dict[str, ColumnElement[Any]] = {
        **_of_client(),
        "code": func.coalesce(sessions.c.terminal_code, NO_CODE) if ended else literal(NO_CODE),
        "cause": literal(""),
        "outcome": literal(""),
        "fate": sessions.c.fate if ended else literal(""),
        "phase": _phase(sessions.c.fate),
    }
    none, ttl_s = literal(0), sessions.c.token_ttl_s
    sums: Mapping[str, tuple[ColumnElement[int], ...]] = {
        "started": (none, none, none, none),
        "joined": (none, none, _one_if(ttl_s.is_not(None)), _one_if(ttl_s < FULL_TOKEN_S)),
        "ended": (sessions.c.connected_ms, sessions.c.reconnecting_ms, none, none),
    }
    return Facts(sessions, _in_span(kind, span, who), columns, _AT[kind] // MINUTE_US, literal(1), sums[kind])


def _from_outages(kind: Kind, span: Span, who: Who) -> Facts:
    columns: dict[str, ColumnElement[Any]] = {
        **_of_client(),
        "code": func.coalesce(outages.c.closing_code, NO_CODE),
        "cause": func.coalesce(outages.c.cause, ""),
        "outcome": outages.c.outcome,
        "fate": literal(""),
        "phase": literal("session"),
    }
    source = outages.join(sessions, sessions.c.session_id == outages.c.session_id)
    at, none, of = _AT[kind] // MINUTE_US, literal(0), outages.c
    if kind == "outage":
        flaps = (_one_if(of.since_previous_ms < FLAP_MS), none, none, none)
        return Facts(source, [opened_in(span), *matches(who)], columns, at, literal(1), flaps)
    driven = sessions.c.policy.is_distinct_from(OBSERVED)
    sums = (
        of.downtime_ms,
        case((driven, of.attempts), else_=0),
        _one_if(driven),
        _one_if(and_(driven, of.outcome == "recovered", of.attempts == 1)),
    )
    return Facts(source, [*_in_span(kind, span, who), of.outcome != "open"], columns, at, literal(1), sums)


def _one_if(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)


def _of_client() -> dict[str, ColumnElement[Any]]:
    return {name: func.coalesce(sessions.c[name], "") for name in _CLIENT}


def _in_span(kind: Kind, span: Span, who: Who) -> list[ColumnElement[bool]]:
    return [may_tell_of(span), within(_AT[kind], span), *matches(who)]


def _phase(fate: ColumnElement[Any]) -> ColumnElement[str]:
    return case((fate == "not_joined", "join"), else_="session")
