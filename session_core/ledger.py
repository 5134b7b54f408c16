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
from session_core.transitions import DOWN, FAILED, PENDING, Media, Signaling

Cause = Literal["signaling", "media"]


class OpenOutage:
    """An outage while it lasts."""

    __slots__ = (
        "_media_down_ms",
        "_media_is_down",
        "_noted_ms",
        "_signaling_down_ms",
        "_signaling_is_down",
        "attempts",
        "cause",
        "media_failed",
        "number",
        "since_previous_ms",
        "started_at",
        "started_ms",
    )

    def __init__(self, number: int, at: Moment, cause: Cause, since_previous_ms: int | None) -> None:
        self.number = number
        self.started_at: datetime = at.utc
        self.started_ms = self._noted_ms = at.steady_us // 1000
        self.cause = cause
        self.since_previous_ms = since_previous_ms
        self.attempts = 0
        self.media_failed = False
        # How long each link was down until the links were last noted, and whether it is down since.
        self._signaling_down_ms = self._media_down_ms = 0
        self._signaling_is_down = self._media_is_down = False

    def note_links(self, now_us: int, signaling: Signaling, media: Media, *, failure_counts: bool) -> None:
        """Note which links are down from now on.

        Media that was failed is down until it is ok again, if its failure counts (see ReconnectPolicy).
        """
        now_ms = now_us // 1000
        passed_ms, self._noted_ms = now_ms - self._noted_ms, now_ms
        if self._signaling_is_down:
            self._signaling_down_ms += passed_ms
        if self._media_is_down:
            self._media_down_ms += passed_ms
        if failure_counts and media is FAILED:
            self.media_failed = True
        self._signaling_is_down = signaling is DOWN
        self._media_is_down = media is FAILED or (media is PENDING and self.media_failed)

    def facts(self, now_us: int) -> Outage:
        """The outage as it stands now."""
        now_ms = now_us // 1000
        passed_ms = now_ms - self._noted_ms
        return Outage(
            number=self.number,
            started_at=self.started_at,
            cause=self.cause,
            attempts=self.attempts,
            signaling_down_ms=self._signaling_down_ms + (passed_ms if self._signaling_is_down else 0),
            media_down_ms=self._media_down_ms + (passed_ms if self._media_is_down else 0),
            downtime_ms=now_ms - self.started_ms,
            since_previous_ms=self.since_previous_ms,
        )


class Ledger:
    """Time in states and outages of one session, from the join to its end."""

    __slots__ = ("_connected_ms", "_outages", "_previous_ended_ms", "_reconnecting_ms", "_since_ms", "outage")

    def __init__(self) -> None:
        self.outage: OpenOutage | None = None
        self._outages = 0
        self._previous_ended_ms: int | None = None
        # Until the present state began, and when that was; None: it is one that is not counted.
        self._connected_ms = self._reconnecting_ms = 0
        self._since_ms: int | None = None

    def joined(self, at: Moment) -> None:
        """The room is connected for the first time."""
        self._since_ms = at.steady_us // 1000

    def open_outage(self, at: Moment, cause: Cause) -> OpenOutage:
        """The room is reconnecting."""
        now_ms = at.steady_us // 1000
        self._add_up(now_ms)
        ended_ms = self._previous_ended_ms
        self._outages += 1
        self.outage = OpenOutage(self._outages, at, cause, None if ended_ms is None else now_ms - ended_ms)
        return self.outage

    def close_outage(self, at: Moment) -> None:
        """The room is connected again. Where no outage is open nothing changes."""
        if self.outage is None:
            return
        self._previous_ended_ms = at.steady_us // 1000
        self._add_up(self._previous_ended_ms)
        self.outage = None

    def end(self, at: Moment) -> None:
        """The room is disconnected: nothing runs any more."""
        self._add_up(at.steady_us // 1000)
        self.outage = None
        self._since_ms = None

    def totals(self, at: Moment) -> Totals:
        """The session's totals so far."""
        passed_ms = 0 if self._since_ms is None else at.steady_us // 1000 - self._since_ms
        return Totals(
            outages=self._outages,
            reconnecting_ms=self._reconnecting_ms if self.outage is None else self._reconnecting_ms + passed_ms,
            connected_ms=self._connected_ms + passed_ms if self.outage is None else self._connected_ms,
        )

    def _add_up(self, now_ms: int) -> None:
        """Count the time since the present state began to it, and begin the next one."""
        passed_ms = 0 if self._since_ms is None else now_ms - self._since_ms
        if self.outage is None:
            self._connected_ms += passed_ms
        else:
            self._reconnecting_ms += passed_ms
        self._since_ms = now_ms
