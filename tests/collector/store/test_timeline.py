"""A participant's states over time, from what its session and outages say."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from collector.store.timeline import by_participant, segments
from collector.store.views import Client, OutageView, SessionView

BEGUN = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOW = BEGUN + timedelta(hours=1)


def _at(seconds: float) -> datetime:
    return BEGUN + timedelta(seconds=seconds)


def _session(**facts: Any) -> SessionView:
    told: dict[str, Any] = {
        "session_id": UUID(int=1),
        "room_sid": "RM1",
        "room_name": "room",
        "participant_sid": "PA1",
        "identity": "ana",
        "state": "connected",
        "fate": "live",
        "started_at": BEGUN,
        "joined_at": _at(1),
        "ended_at": None,
        "last_event_at": _at(100),
        "ending": None,
        "client": Client(),
        "policy": None,
        "token": None,
        "outages": 0,
        "reconnecting_ms": 0,
        "connected_ms": 0,
        "clock_offset_ms": 0,
        "clock_corrected": False,
        "events_received": 1,
        "events_expected": 1,
    }
    return SessionView(**{**told, **facts})


def _outage(number: int, since: float, until: float | None, **facts: Any) -> OutageView:
    told: dict[str, Any] = {
        "session_id": UUID(int=1),
        "number": number,
        "started_at": _at(since),
        "ended_at": None if until is None else _at(until),
        "end_inferred": False,
        "cause": "signaling",
        "outcome": "open" if until is None else "recovered",
        "ending": None,
        "attempts": 1,
        "downtime_ms": 0,
        "signaling_down_ms": 0,
        "media_down_ms": 0,
        "since_previous_ms": None,
    }
    return OutageView(**{**told, **facts})


def _told(session: SessionView, *outages: OutageView) -> list[tuple[str, float, float, bool]]:
    return [
        (one.state, (one.since - BEGUN).total_seconds(), (one.until - BEGUN).total_seconds(), one.open)
        for one in segments(session, outages, NOW)
    ]


def test_a_session_that_goes_on_reaches_to_now() -> None:
    assert _told(_session()) == [("connecting", 0, 1, False), ("connected", 1, 3600, True)]


def test_an_outage_stands_between_two_times_of_being_connected() -> None:
    session = _session(fate="left", ended_at=_at(60))
    assert _told(session, _outage(1, 10, 14)) == [
        ("connecting", 0, 1, False),
        ("connected", 1, 10, False),
        ("reconnecting", 10, 14, False),
        ("connected", 14, 60, False),
    ]


def test_an_open_outage_reaches_to_now() -> None:
    assert _told(_session(), _outage(1, 10, None))[-1] == ("reconnecting", 10, 3600, True)


def test_a_session_that_never_joined_was_only_connecting() -> None:
    failed = _session(fate="not_joined", state="disconnected", joined_at=None, ended_at=_at(9))
    silent = _session(fate="lost", state="connecting", joined_at=None, ended_at=_at(5))
    assert _told(failed) == [("connecting", 0, 9, False)]
    assert _told(silent) == [("connecting", 0, 5, False)]


def test_a_join_that_was_not_told_is_implied_by_what_was_told_later() -> None:
    session = _session(joined_at=None)
    assert _told(session, _outage(1, 10, 14))[:2] == [("connected", 0, 10, False), ("reconnecting", 10, 14, False)]


@given(st.lists(st.tuples(st.floats(0, 4000), st.floats(0, 900)), max_size=5), st.none() | st.floats(2, 4000))
def test_segments_follow_each_other_whatever_was_told(spans: list[tuple[float, float]], ended: float | None) -> None:
    outages = [_outage(n, since, since + length) for n, (since, length) in enumerate(sorted(spans), 1)]
    session = _session(fate="live" if ended is None else "left", ended_at=None if ended is None else _at(ended))
    found = list(segments(session, outages, NOW))
    assert all(one.since <= one.until for one in found)
    assert [one.since for one in found] == sorted(one.since for one in found)


def test_sessions_of_one_identity_are_one_participant() -> None:
    first = _session(session_id=UUID(int=1), ended_at=_at(5))
    other = _session(session_id=UUID(int=2), identity=None, participant_sid="PA2", started_at=_at(1))
    again = _session(session_id=UUID(int=3), participant_sid="PA3", started_at=_at(9))
    assert by_participant([again, other, first]) == {"ana": [first, again], "PA2": [other]}
