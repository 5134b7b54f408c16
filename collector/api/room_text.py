"""A room as plain text, for a ticket: what happened, to whom, when, and where to look. Times are UTC. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from collector.api.verdicts import RoomVerdict
from collector.api.words import duration, number, outcome, share, standing, who
from collector.store.views import Lane, OutageView, RoomTimeline, SessionView

LINES_MAX: Final = 400
"""A ticket that is longer is read by nobody."""


def room_text(room: RoomTimeline, verdict: RoomVerdict, address: str) -> str:
    """The text; `address` is that of the room's page."""
    lines = list(_lines(room, verdict, address))
    if len(lines) > LINES_MAX:
        lines = [*lines[:LINES_MAX], f"… and {len(lines) - LINES_MAX} lines more on the page"]
    return "\n".join(lines) + "\n"


def _lines(room: RoomTimeline, verdict: RoomVerdict, address: str) -> Iterator[str]:
    yield f"Room {room.room_name or room.room_sid}" + (f" ({room.room_sid})" if room.room_name else "")
    yield f"{room.since:%Y-%m-%d %H:%M:%S} to {room.until:%H:%M:%S} UTC" + (", still open" if room.live else "")
    yield address
    yield ""
    yield verdict.sentence
    for one in verdict.sessions:
        yield ""
        yield f"{who(one.identity, one.participant_sid, one.session_id)}: {one.sentence} ({one.confidence})"
        for line in one.evidence:
            yield f"  {f'{line.at:%H:%M:%S} ' if line.at else ''}{line.says}"
        if one.what_to_do:
            yield f"  What to do: {one.what_to_do}"
    yield ""
    yield "Participants"
    for lane in room.participants:
        yield from _participant(lane)
    told = room.completeness
    if told.share is not None:
        yield ""
        yield (
            f"{share(told.share)} of the events that were sent are here "
            f"({number(told.events_received)} of {number(told.events_expected)})."
        )


def _participant(lane: Lane) -> Iterator[str]:
    for session in lane.sessions:
        yield f"  {who(session.identity, session.participant_sid, session.session_id)}: {_stay(session)}"
        for outage in lane.outages:
            if outage.session_id == session.session_id:
                yield f"    {_outage(outage)}"


def _stay(session: SessionView) -> str:
    began = f"{session.joined_at or session.started_at:%H:%M:%S}"
    ended = f"{session.ended_at:%H:%M:%S}" if session.ended_at else "now"
    runs_on = [session.client.sdk, session.client.sdk_version, session.client.platform, session.client.region]
    error = session.ending.error if session.ending else None
    code = f" with {error.code} ({error.message})" if error else ""
    told = ", ".join(word for word in runs_on if word)
    return f"{began} to {ended}, {standing(session)}{code}{f'; {told}' if told else ''}; session {session.session_id}"


def _outage(outage: OutageView) -> str:
    gone = f"gone for {duration(outage.downtime_ms)}" if outage.ended_at else "not over"
    return f"{outage.started_at:%H:%M:%S} {outage.cause or 'connection'} lost, {gone}: {outcome(outage.outcome)}"
