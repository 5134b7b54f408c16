"""What the API answers of a session, and what the trace that it lived through says it should: both in the same words.

Times are milliseconds since the trace's first stimulus. What the trace does not say, the design does: how a session
that was disconnected with a code has ended (the catalogue of codes), and what became of its open outage.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final, NamedTuple

from session_core.errors import EndsAs, ends_as
from session_core.trace.player import CONNECTING_MS, IDENTITY, JOINED_MS
from tests.real_input.traces import OutageTold, Said, Scenario

MILLISECOND: Final = timedelta(milliseconds=1)

OUTCOMES: Final = {
    EndsAs.DROPPED: "failed",
    EndsAs.ABANDONED: "abandoned",
    EndsAs.SUPERSEDED: "superseded",
    EndsAs.COMPLETED: "closed",
    EndsAs.REMOVED: "closed",
}
"""What became of an outage that was open when its session ended so."""


class Stretch(NamedTuple):
    """A stretch of time in one state; `until_ms` None: it goes on."""

    state: str
    since_ms: float
    until_ms: float | None


class OutageAnswer(NamedTuple):
    """One outage."""

    number: int
    cause: str | None
    outcome: str
    code: int | None
    started_ms: float
    ended_ms: float | None
    downtime_ms: int
    signaling_down_ms: int
    media_down_ms: int
    attempts: int
    since_previous_ms: int | None


class Answer(NamedTuple):
    """One session. `code` is what it ended with."""

    state: str
    fate: str
    code: int | None
    ended_ms: float | None
    outages: list[OutageAnswer]
    reconnecting_ms: int
    connected_ms: int
    events: list[Said]
    timeline: list[Stretch]


def expected(scenario: Scenario) -> Answer:
    """What the trace says."""
    said, outages = scenario.published(), scenario.outages()
    last = next((s for s in reversed(said) if s.type == "room.disconnected"), None)
    is_open = bool(outages) and outages[-1].end == last
    ended = None if last is None else ends_as(last.code, None, outage_open=is_open)
    heard_ms = int(said[-1].ms) if said else JOINED_MS
    reconnecting_ms = sum(outage.downtime_ms for outage in outages)
    return Answer(
        state=scenario.final.room,
        fate="live" if ended is None else str(ended),
        code=None if last is None else last.code,
        ended_ms=None if last is None else last.ms,
        outages=[_expected_outage(outage, ended) for outage in outages],
        reconnecting_ms=reconnecting_ms,
        connected_ms=heard_ms - JOINED_MS - reconnecting_ms,
        events=[Said(CONNECTING_MS, "room.connecting"), Said(JOINED_MS, "room.connected"), *said],
        timeline=_expected_timeline(outages, None if last is None else last.ms),
    )


def _expected_outage(outage: OutageTold, ended: EndsAs | None) -> OutageAnswer:
    end = outage.end
    if end is None:
        outcome = "open"
    else:
        outcome = OUTCOMES[ended] if ended is not None and end.type == "room.disconnected" else "recovered"
    return OutageAnswer(
        number=outage.number,
        cause=outage.cause,
        outcome=outcome,
        code=end.code if end else None,
        started_ms=outage.started_ms,
        ended_ms=end.ms if end else None,
        downtime_ms=outage.downtime_ms,
        signaling_down_ms=outage.signaling_down_ms,
        media_down_ms=outage.media_down_ms,
        attempts=outage.attempts,
        since_previous_ms=outage.since_previous_ms,
    )


def _expected_timeline(outages: list[OutageTold], ended_ms: float | None) -> list[Stretch]:
    turns: list[tuple[float, str]] = [(CONNECTING_MS, "connecting"), (JOINED_MS, "connected")]
    for outage in outages:
        turns.append((outage.started_ms, "reconnecting"))
        if outage.end is not None and outage.end.type == "room.reconnected":
            turns.append((outage.end.ms, "connected"))
    stretches = [Stretch(state, since, until) for (since, state), (until, _) in pairwise(turns)]
    since, state = turns[-1]
    return stretches if since == ended_ms else [*stretches, Stretch(state, since, ended_ms)]


def answered(story: dict[str, Any], room: dict[str, Any], identities: dict[str, str], base: datetime) -> Answer:
    """What /sessions/{id} and /rooms/{room_sid}/timeline say. `identities` are those of remote participants, by sid."""
    session = story["session"]
    ending = session["ending"] or {"error": None}
    (lane,) = room["participants"]
    assert (lane["identity"], lane["sessions"]) == (IDENTITY, [session])
    assert lane["outages"] == story["outages"]
    assert session["clock_corrected"] is False
    return Answer(
        state=session["state"],
        fate=session["fate"],
        code=_code(ending["error"]),
        ended_ms=_ms(session["ended_at"], base),
        outages=[_outage(outage, base) for outage in story["outages"]],
        reconnecting_ms=session["reconnecting_ms"],
        connected_ms=session["connected_ms"],
        events=[_event(event, identities, base) for event in story["events"]],
        timeline=[_stretch(segment, base) for segment in lane["segments"]],
    )


def _outage(outage: dict[str, Any], base: datetime) -> OutageAnswer:
    assert outage["end_inferred"] is False
    return OutageAnswer(
        number=outage["number"],
        cause=outage["cause"],
        outcome=outage["outcome"],
        code=_code(outage["ending"] and outage["ending"]["error"]),
        started_ms=_ms(outage["started_at"], base) or 0,
        ended_ms=_ms(outage["ended_at"], base),
        downtime_ms=outage["downtime_ms"],
        signaling_down_ms=outage["signaling_down_ms"],
        media_down_ms=outage["media_down_ms"],
        attempts=outage["attempts"],
        since_previous_ms=outage["since_previous_ms"],
    )


def _event(event: dict[str, Any], identities: dict[str, str], base: datetime) -> Said:
    subject = event["subject_sid"]
    identity = None if subject is None else identities[subject]
    return Said(_ms(event["at"], base) or 0, event["type"], identity, _code(event["error"]))


def _stretch(segment: dict[str, Any], base: datetime) -> Stretch:
    until_ms = None if segment["open"] else _ms(segment["until"], base)
    return Stretch(segment["state"], _ms(segment["since"], base) or 0, until_ms)


def _code(error: dict[str, Any] | None) -> int | None:
    return None if error is None else error["code"]


def _ms(at: str | None, base: datetime) -> float | None:
    """The answer's time with all its digits: nothing on the path may round it."""
    return None if at is None else (datetime.fromisoformat(at) - base) / MILLISECOND
