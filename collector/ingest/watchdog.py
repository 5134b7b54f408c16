"""Which sessions went silent. Pure: whoever owns a partition sweeps its own sessions, so there is no leader.

Silence is measured in stream time: a collector that was down for ten minutes finds ten minutes of events in the log,
and nobody is lost before they are read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from collector.ingest.derive import OPEN_FATES, SILENCE_US

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from collector.store.changes import Session

SWEEP_EVERY_S: Final = 10.0
"""How often an owner looks for silence: what a loss is told later at most, beyond the silence itself."""
SWEEP_EVERY_MAX_S: Final = 60.0
"""The same for an owner that has its hands full."""
SWEEP_SHARE: Final = 0.02
"""Of the time: reading waits meanwhile."""


def next_sweep_s(took_s: float) -> float:
    """How long after the beginning of a sweep that took so long the next one is due."""
    return max(SWEEP_EVERY_S, min(took_s / SWEEP_SHARE, SWEEP_EVERY_MAX_S))


def stream_time_us(newest_append_us: int | None, now_us: int, *, caught_up: bool) -> int | None:
    """The time that a partition has been read up to: now when caught up, else its newest append time that was read.

    None when nothing of it was read yet: nobody can be said to be silent.
    """
    return now_us if caught_up else newest_append_us


def silent_before_us(stream_us: int) -> int:
    """A session is silent whose last append time is this or earlier."""
    return stream_us - SILENCE_US


def silent(sessions: Iterable[Session], stream_us: int) -> Iterator[Session]:
    """Those of the sessions that should be speaking and do not."""
    before_us = silent_before_us(stream_us)
    for session in sessions:
        if session.last_append_at <= before_us and session.fate in OPEN_FATES:
            yield session


def mark_lost(session: Session, stream_us: int) -> None:
    """Notes that the session was silent at this stream time. Its fate follows from that; a later event undoes it."""
    session.lost_at = stream_us if session.lost_at is None else max(session.lost_at, stream_us)
    session.unsettled = True
