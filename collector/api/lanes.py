"""A room's timeline as it is drawn: one lane a participant, places in percent of the width. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from collector.api.charts import Tick, time_ticks
from collector.api.words import OUTCOMES, clock, duration, iso, standing, who
from collector.store.questions import Span
from collector.store.views import Lane, OutageView, RoomTimeline, Segment
from session_core.instants import us_from_utc

SYMBOLS: Final[dict[str, str]] = {
    "recovered": "✓",
    "failed": "✕",
    "abandoned": "↦",
    "superseded": "⇄",
    "closed": "■",
    "lost": "?",
    "open": "…",
}
LABEL_GAP: Final = 9.0
"""Labels nearer than that, in percent, would cover each other on a wide page;"""
NARROW_GAP: Final = 30.0
"""and these on a narrow one. What is not labelled stands in the table."""


class Stretch(NamedTuple):
    """A state over time."""

    state: str
    x: float
    width: float
    title: str
    outcome: str
    times: str = ""


class Mark(NamedTuple):
    """What became of an outage, at the place where it began. `room` says on which pages its label has room."""

    x: float
    anchor: str
    outcome: str
    text: str
    room: str


class DrawnLane(NamedTuple):
    """One participant's lane."""

    name: str
    fate: str
    fate_words: str
    live: bool
    says: str
    stretches: tuple[Stretch, ...]
    marks: tuple[Mark, ...]
    sessions: tuple[UUID, ...]


class DrawnRoom(NamedTuple):
    """A room's lanes under one axis of time."""

    lanes: tuple[DrawnLane, ...]
    ticks: tuple[Tick, ...]
    span: Span


def whole(room: RoomTimeline) -> Span:
    """All of a room's time."""
    begin, end = us_from_utc(room.since), us_from_utc(room.until)
    # A little air, and something to divide by where all happened at once.
    air = max((end - begin) // 100, 500_000)
    return Span(begin - air, end + air)


def draw(room: RoomTimeline, window: Span | None = None) -> DrawnRoom:
    """The drawing of a timeline, or of what lies in a window of it."""
    span = window or whole(room)
    return DrawnRoom(tuple(_lane(lane, span) for lane in room.participants), time_ticks(span), span)


def _lane(lane: Lane, span: Span) -> DrawnLane:
    last = lane.sessions[-1]
    closings = {(outage.session_id, outage.number): outage for outage in lane.outages}
    name = who(lane.identity, lane.participant_sids[0] if lane.participant_sids else None, last.session_id)
    came_back = sum(outage.outcome == "recovered" for outage in lane.outages)
    outages = f"{len(lane.outages)} outage{'' if len(lane.outages) == 1 else 's'}"
    return DrawnLane(
        name=name,
        fate=last.fate,
        fate_words=standing(last),
        live=last.fate == "live",
        says=f"{name}: {standing(last)}; {outages}, {came_back} came back. The table below lists them.",
        stretches=tuple(
            _stretch(segment, closings.get((segment.session_id, segment.outage_number or 0)), span)
            for segment in lane.segments
            if _meets(segment.since, segment.until, span)
        ),
        marks=tuple(_marks(lane.outages, span)),
        sessions=tuple(session.session_id for session in lane.sessions),
    )


def _stretch(segment: Segment, outage: OutageView | None, span: Span) -> Stretch:
    x, until = _x(segment.since, span), _x(segment.until, span)
    length = duration((segment.until - segment.since).total_seconds() * 1000)
    title = f"{segment.state} {clock(segment.since)} to {'now' if segment.open else clock(segment.until)}, {length}"
    if outage is not None:
        title += f"; {outage.cause or 'cause not told'}, {OUTCOMES[outage.outcome]}{_code(outage, ' with ')}"
    times = iso(segment.since) if segment.open else f"{iso(segment.since)} {iso(segment.until)}"
    return Stretch(segment.state, x, round(until - x, 3), title, outage.outcome if outage else "", times)


def _marks(outages: Iterable[OutageView], span: Span) -> list[Mark]:
    """Labels where they have room; those of outages that nobody came back from are placed first."""
    marks: list[Mark] = []
    placed: list[float] = []
    roomy: list[float] = []
    there = (one for one in outages if _meets(one.started_at, one.started_at, span))
    for outage in sorted(there, key=lambda one: (one.outcome == "recovered", one.started_at)):
        x = _x(outage.started_at, span)
        room = "none"
        if all(abs(x - other) >= LABEL_GAP for other in placed):
            placed.append(x)
            room = "wide"
            if all(abs(x - other) >= NARROW_GAP for other in roomy):
                roomy.append(x)
                room = "always"
        said = _code(outage, "") or (duration(outage.downtime_ms) if outage.outcome == "recovered" else "")
        text = f"{SYMBOLS[outage.outcome]} {said}".rstrip()
        marks.append(Mark(x, "end" if x > 85 else "start", outage.outcome, text, room))
    return sorted(marks)


def _code(outage: OutageView, before: str) -> str:
    error = outage.ending.error if outage.ending else None
    return f"{before}{error.code}" if error else ""


def _meets(since: datetime, until: datetime, span: Span) -> bool:
    return us_from_utc(since) <= span.until_us and us_from_utc(until) >= span.since_us


def _x(at: datetime, span: Span) -> float:
    place = 100 * (us_from_utc(at) - span.since_us) / (span.until_us - span.since_us)
    return round(min(max(place, 0), 100), 3)
