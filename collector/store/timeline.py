"""A participant's states over time, from what its sessions and outages say. Pure: views in, segments out.

Made from sessions and outages rather than from events, because they hold what several events said of the same thing:
an event that was lost or aged out leaves no hole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from collector.store.views import OutageView, Segment, SessionView


def segments(session: SessionView, outages: Sequence[OutageView], now: datetime) -> Iterator[Segment]:
    """The session's states in order of time. What goes on is open and reaches to `now`."""
    end = session.ended_at
    last = end or max(now, session.last_event_at)
    joined = session.joined_at
    if joined is None and (outages or _was_there(session)):
        # The join was not told, but what was told later implies it.
        joined = session.started_at
    connecting_until = min(joined or last, last)
    if session.started_at < connecting_until or joined is None:
        yield _segment(session, "connecting", session.started_at, connecting_until, last, end)
    if joined is None:
        return
    at = joined
    for outage in outages:
        if outage.started_at > at:
            yield _segment(session, "connected", at, min(outage.started_at, last), last, end)
        over = outage.ended_at or last
        begun = max(outage.started_at, at)
        if over >= begun:
            yield _segment(session, "reconnecting", begun, min(over, last), last, end, outage.number)
        at = max(at, over)
    if at < last:
        yield _segment(session, "connected", at, last, last, end)


def lane_key(session: SessionView) -> str:
    """Who a session belongs to: the identity, or as much of a name as was told."""
    return session.identity or session.participant_sid or str(session.session_id)


def by_participant(sessions: Iterable[SessionView]) -> dict[str, list[SessionView]]:
    """The sessions of each participant, in order of their start; participants in the order in which they came."""
    lanes: dict[str, list[SessionView]] = {}
    for session in sorted(sessions, key=lambda one: (one.started_at, one.session_id)):
        lanes.setdefault(lane_key(session), []).append(session)
    return lanes


def _was_there(session: SessionView) -> bool:
    told = session.state in {"connected", "reconnecting"} or session.outages > 0 or session.connected_ms > 0
    return told or (session.ending is not None and session.fate != "not_joined")


def _segment(
    session: SessionView,
    state: str,
    since: datetime,
    until: datetime,
    last: datetime,
    end: datetime | None,
    outage_number: int | None = None,
) -> Segment:
    return Segment(
        session_id=session.session_id,
        state=state,
        since=since,
        until=max(since, until),
        open=end is None and until >= last,
        outage_number=outage_number,
    )
