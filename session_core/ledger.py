"""The accounts of a session: how long it was in which state, and what every outage amounted to.

Times come in as microseconds of the steady clock. A duration is told in whole milliseconds, taken as the difference of
its two ends after both were cut to the millisecond: so durations that follow each other add up exactly, and what the
outages say adds up to what the session says.

It decides nothing: when an outage begins and ends is for transitions.py to say.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from session_core.events import Moment, Outage, Totals
from session_core.transitions import Media, Signaling

Cause = Literal["signaling", "media"]


class Stopwatch:
    """Adds up the milliseconds that it was running."""

    __slots__ = ("_past_ms", "_since_ms")

    def __init__(self) -> None:
        self._past_ms = 0
        self._since_ms: int | None = None

    def run(self, now_us: int, *, running: bool) -> None:
        """Start or stop it. To start it twice, or to stop it twice, changes nothing."""
        if running and self._since_ms is None:
            self._since_ms = now_us // 1000
        elif not running and self._since_ms is not None:
            self._past_ms, self._since_ms = self.read_ms(now_us), None

    def read_ms(self, now_us: int) -> int:
        """What it shows now."""
        return self._past_ms + (0 if self._since_ms is None else now_us // 1000 - self._since_ms)


class OpenOutage:
    """An outage while it lasts."""

    __slots__ = (
        "attempts",
        "cause",
        "media_down",
        "media_failed",
        "number",
        "signaling_down",
        "since_previous_ms",
        "started_at",
        "started_us",
    )

    def __init__(self, number: int, at: Moment, cause: Cause, since_previous_ms: int | None) -> None:
        self.number = number
        self.started_at: datetime = at.utc
        self.started_us = at.steady_us
        self.cause = cause
        self.since_previous_ms = since_previous_ms
        self.attempts = 0
        self.media_failed = False
        self.signaling_down = Stopwatch()
        self.media_down = Stopwatch()

    def note_links(self, now_us: int, signaling: Signaling, media: Media, *, failure_counts: bool) -> None:
        """Run the watch of each link that is down.

        Media that was failed is down until it is ok again, if its failure counts (see ReconnectPolicy).
        """
        self.media_failed |= media is Media.FAILED and failure_counts
        waits_for_media = media is Media.PENDING and self.media_failed
        self.signaling_down.run(now_us, running=signaling is Signaling.DOWN)
        self.media_down.run(now_us, running=media is Media.FAILED or waits_for_media)

    def facts(self, now_us: int) -> Outage:
        """The outage as it stands now."""
        return Outage(
            number=self.number,
            started_at=self.started_at,
            cause=self.cause,
            attempts=self.attempts,
            signaling_down_ms=self.signaling_down.read_ms(now_us),
            media_down_ms=self.media_down.read_ms(now_us),
            downtime_ms=now_us // 1000 - self.started_us // 1000,
            since_previous_ms=self.since_previous_ms,
        )


class Ledger:
    """Time in states and outages of one session, from the join to its end."""

    __slots__ = ("_connected", "_outages", "_previous_ended_us", "_reconnecting", "outage")

    def __init__(self) -> None:
        self.outage: OpenOutage | None = None
        self._outages = 0
        self._connected = Stopwatch()
        self._reconnecting = Stopwatch()
        self._previous_ended_us: int | None = None

    def joined(self, at: Moment) -> None:
        """The room is connected for the first time."""
        self._connected.run(at.steady_us, running=True)

    def open_outage(self, at: Moment, cause: Cause) -> None:
        """The room is reconnecting."""
        ended_us = self._previous_ended_us
        since_previous_ms = None if ended_us is None else at.steady_us // 1000 - ended_us // 1000
        self._outages += 1
        self.outage = OpenOutage(self._outages, at, cause, since_previous_ms)
        self._connected.run(at.steady_us, running=False)
        self._reconnecting.run(at.steady_us, running=True)

    def close_outage(self, at: Moment) -> None:
        """The room is connected again. Where no outage is open nothing changes."""
        if self.outage is None:
            return
        self._previous_ended_us = at.steady_us
        self.outage = None
        self._reconnecting.run(at.steady_us, running=False)
        self._connected.run(at.steady_us, running=True)

    def end(self, at: Moment) -> None:
        """The room is disconnected: nothing runs any more."""
        self.outage = None
        self._reconnecting.run(at.steady_us, running=False)
        self._connected.run(at.steady_us, running=False)

    def totals(self, at: Moment) -> Totals:
        """The session's totals so far."""
        return Totals(
            outages=self._outages,
            reconnecting_ms=self._reconnecting.read_ms(at.steady_us),
            connected_ms=self._connected.read_ms(at.steady_us),
        )
