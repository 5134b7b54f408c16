"""What the rows of a session imply: its fate, the outcomes of its outages, and what it adds to rollups and metrics.

Pure functions of what the rows say, so that a session read back from the store implies the same. Nothing here knows
what changed or came last: a rollup changes by the difference of the facts before and after.

Rules:
1. Every outage has one outcome, always: opened = recovered + failed + abandoned + superseded + closed + lost + open.
2. A terminal event decides a fate for good. `lost` is a guess from silence, and a later event takes it back.
3. Facts are dated by the client's clock, corrected by the clock offset where that is beyond two seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from msgspec.structs import astuple, replace

from collector.ingest.decode import session_begun_at
from collector.ingest.values import Difference
from collector.store.changes import CLOCK_TOLERANCE_US, Outage, RollupKey, Session, Sums
from collector.store.counting import FLAP_MS, FULL_TOKEN_S, OBSERVED
from session_core.errors import EndsAs, ends_as

Words = tuple[Any, ...]
Rest = tuple[Any, ...]
"""A key of `rollups` in two: the client's words, and what comes before them."""

SILENCE_US: Final = 90_000_000
"""A session that says nothing for so long, by the stream's clock, is lost."""
MINUTE_US: Final = 60_000_000


OPEN_FATES: Final = frozenset({"connecting", "live"})
OUTCOMES: Final = ("open", "recovered", "failed", "abandoned", "superseded", "closed", "lost")
KINDS: Final = ("started", "joined", "outage", "outage_ended", "ended")

OUTCOME_OF_END: Final[dict[EndsAs, str]] = {
    EndsAs.DROPPED: "failed",
    EndsAs.LEFT: "abandoned",
    EndsAs.ABANDONED: "abandoned",
    EndsAs.SUPERSEDED: "superseded",
    EndsAs.COMPLETED: "closed",
    EndsAs.REMOVED: "closed",
    EndsAs.LOST: "lost",
}
"""The outcome of an outage that was open when its session ended so."""


def derive(session: Session) -> None:
    """Brings fate, end, and the outages' outcomes and corrected times up to date with the rest of the session."""
    session.fate = fate(session)
    session.ended_at = session.terminal_at
    if session.terminal_type is None and session.fate == "lost":
        session.ended_at = session.last_event_at
    if session.outage_rows:
        greatest, shift = max(session.outage_rows), correction_us(session)
        for number, outage in session.outage_rows.items():
            result = outcome(session, outage, later_outage=number < greatest)
            opened_at = outage.started_at + shift
            if result != outage.outcome or opened_at != outage.opened_at:
                outage.outcome, outage.opened_at = result, opened_at
                outage.changed = True


def fate(session: Session) -> str:
    """How the session stands, or how it ended."""
    if session.terminal_type is not None:
        return "not_joined" if session.terminal_type == "room.connect_failed" else _end_of(session).value
    if session.lost_at is not None and session.lost_at - session.last_append_at >= SILENCE_US:
        return "lost"
    return "live" if joined(session) else "connecting"


def joined(session: Session) -> bool:
    """Whether the session was in the room; whatever presumes it proves it, when `room.connected` itself was lost."""
    return (
        session.joined_at is not None
        or session.terminal_type == "room.disconnected"
        or session.state in {"connected", "reconnecting"}
        or bool(session.outage_rows)
        or session.outages > 0
        or session.connected_ms > 0
    )


def outcome(session: Session, outage: Outage, *, later_outage: bool) -> str:
    """What became of an outage; inferred where the event that closed it did not come."""
    if outage.closing_type == "room.reconnected":
        return "recovered"
    if outage.closing_type is not None:
        return OUTCOME_OF_END[ends_as(outage.closing_code, outage.closing_origin, outage_open=True)]
    if later_outage or session.terminal_from == "connected" or session.key_calm > outage.key_last:
        return "recovered"
    if session.terminal_type is not None:
        return OUTCOME_OF_END[ends_as(session.terminal_code, session.terminal_origin, outage_open=True)]
    return "lost" if session.fate == "lost" else "open"


def correction_us(session: Session) -> int:
    """What to add to a client time of the session to get the time it was."""
    offset = session.clock_offset_us
    return offset if abs(offset) > CLOCK_TOLERANCE_US else 0


def facts(session: Session) -> tuple[Difference, ...]:
    """Everything that the session adds to rollups, as it stands."""
    shift = correction_us(session)
    begun = session.connecting_at if session.connecting_at is not None else session_begun_at(session.session_id)
    told = [_fact(session, "started", begun + shift)]
    if joined(session):
        at = session.joined_at if session.joined_at is not None else begun
        ttl_s = session.token_ttl_s
        short = ttl_s is not None and ttl_s < FULL_TOKEN_S
        told.append(_fact(session, "joined", at + shift, a=_join_ms(session), c=int(ttl_s is not None), d=int(short)))
    for outage in session.outage_rows.values():
        told.append(_outage_fact(session, outage, "outage", outage.opened_at))
        if outage.outcome != "open":
            told.append(_outage_fact(session, outage, "outage_ended", outage_ended_at(outage) + shift))
    if session.ended_at is not None:
        held, expected = received(session)
        told.append(
            _fact(
                session,
                "ended",
                session.ended_at + shift,
                code=-1 if session.terminal_code is None else session.terminal_code,
                phase="join" if session.fate == "not_joined" else "session",
                fate=session.fate,
                a=session.connected_ms,
                b=session.reconnecting_ms,
                c=held,
                d=expected,
            )
        )
    return tuple(told)


def received(session: Session) -> tuple[int, int]:
    """How many sequence numbers the session received, and how many it must have had."""
    more = session.received_more
    if not more:
        return session.received_to, session.received_to
    return session.received_to + sum(more[1::2]) - sum(more[::2]), more[-1]


def outage_ended_at(outage: Outage) -> int:
    """When an outage ended by its client's clock; where nothing closed it, when it was last known to last."""
    return outage.closing_at if outage.closing_at is not None else outage.started_at + outage.downtime_ms * 1000


def differences(before: tuple[Difference, ...], after: tuple[Difference, ...]) -> list[Difference]:
    """What has to be taken back and added, so that what told `before` tells `after`."""
    if before == after:
        return []
    if not before:
        return list(after)
    old = {(fact.kind, fact.number): fact for fact in before}
    changes = []
    for fact in after:
        known = old.pop((fact.kind, fact.number), None)
        if known == fact:
            continue
        restates = known is not None and _same_thing(known, fact)
        if known is not None:
            changes.append(replace(known, sign=-1, restates=restates))
        changes.append(replace(fact, restates=restates) if restates else fact)
    changes += [replace(fact, sign=-1) for fact in old.values()]
    return changes


class Rolled:
    """What differences add to the rows of `rollups`.

    They are kept by the client's four words first, which nearly all facts of a session share: long keys are dear.
    """

    def __init__(self) -> None:
        self._by_words: dict[Words, dict[Rest, list[int]]] = {}

    def add(self, told: Iterable[Difference], kafka_partition: int) -> None:
        """Adds the differences of one session."""
        last: Words = ()
        rows: dict[Rest, list[int]] = {}
        for one in told:
            # All fields at once: each by its name is a search in the type of what msgspec made.
            values: tuple[Any, ...] = astuple(one)
            kind, sign, at_us, code, _, cause, outcome, fate, region, sdk, sdk_version, version, a, b, c, d, _, _, _ = (
                values
            )
            words: Words = (region, sdk, sdk_version, version)
            if words != last:
                last, rows = words, self._by_words.setdefault(words, {})
            rest: Rest = (at_us // MINUTE_US, kafka_partition, kind, code, cause, outcome, fate)
            row = rows.get(rest)
            if row is None:
                row = rows[rest] = [0, 0, 0, 0, 0]
            _add(row, sign, a, b, c, d)

    def sums(self) -> dict[RollupKey, Sums]:
        """By row; those that come to nothing are left out."""
        found: dict[RollupKey, Sums] = {}
        for words, rows in self._by_words.items():
            for rest, values in rows.items():
                if any(values):
                    found[RollupKey(*rest, *words)] = Sums(*values)
        return found


def _add(row: list[int], sign: int, a: int, b: int, c: int, d: int) -> None:
    row[0] += sign
    row[1] += sign * a
    row[2] += sign * b
    row[3] += sign * c
    row[4] += sign * d


def _end_of(session: Session) -> EndsAs:
    reconnecting = session.terminal_from == "reconnecting"
    return ends_as(session.terminal_code, session.terminal_origin, outage_open=reconnecting)


def _join_ms(session: Session) -> int:
    if session.joined_at is None or session.connecting_at is None:
        return 0
    return max(0, session.joined_at - session.connecting_at) // 1000


def _same_thing(one: Difference, other: Difference) -> bool:
    if one.kind == "outage":
        return True  # it began, whatever becomes of it
    return (one.code, one.phase, one.outcome, one.fate) == (other.code, other.phase, other.outcome, other.fate)


def _outage_fact(session: Session, outage: Outage, kind: str, at_us: int) -> Difference:
    cause = outage.cause or ""
    if kind == "outage":
        flap = outage.since_previous_ms is not None and outage.since_previous_ms < FLAP_MS
        return _fact(session, kind, at_us, cause=cause, outcome=outage.outcome, a=int(flap), number=outage.number)
    driven = session.policy != OBSERVED
    return _fact(
        session,
        kind,
        at_us,
        code=-1 if outage.closing_code is None else outage.closing_code,
        cause=cause,
        outcome=outage.outcome,
        a=outage.downtime_ms,
        b=outage.attempts if driven else 0,
        c=int(driven),
        d=int(driven and outage.outcome == "recovered" and outage.attempts == 1),
        number=outage.number,
    )


def _fact(
    session: Session, kind: str, at_us: int, *, code: int = -1, phase: str = "session", cause: str = "",
    outcome: str = "", fate: str = "", a: int = 0, b: int = 0, c: int = 0, d: int = 0, number: int = 0,
) -> Difference:  # fmt: skip
    return Difference(
        kind, 1, at_us, code, phase, cause, outcome, fate,
        session.region or "", session.sdk or "", session.sdk_version or "", session.app_version or "",
        a, b, c, d, session.session_id, number, False,
    )  # fmt: skip
