"""How many sessions are live, by partition and region: counted as they come and go, never by looking at all of them.

What is counted is what is stored. So the counts hold for any number of sessions, however few of them are in memory,
and a batch that could not be written has nothing to take back.

Rules:
1. A session counts from the batch that makes it live to the batch that ends it, by its standing before and after.
2. Somebody else may change rows: a topic that got more partitions moves sessions, a person is erased. So the owner
   takes what the store counts in place of its own, when it takes a partition on and now and then after that.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Final

from collector.ingest.yielding import EVERY, give_way
from collector.metrics import Held
from collector.store.changes import Session, Standing

SECOND_US: Final = 1_000_000
# What Standing(…) does, without a call of Python: it is made twice for every session of a batch.
_standing: Final = partial(tuple.__new__, Standing)


def standing(session: Session) -> Standing | None:
    """What the session counts as; None where it is not live."""
    if session.fate != "live":
        return None
    expires_at = session.token_expires_at
    expires_s = None if expires_at is None else expires_at // SECOND_US
    return _standing((session.kafka_partition, session.region, session.state == "reconnecting", expires_s))


class LiveSessions:
    """The counts of the partitions that are ours. Those that moved between partitions of others are not ours to count.

    `token_window_us`: a token that expires so soon puts its session at risk.
    """

    def __init__(self, token_window_us: int) -> None:
        self._token_window_us = token_window_us
        self._regions: dict[int, dict[str | None, _Region]] = {}
        self._risk_s = 0  # a token that expires before this second is at risk

    def begin(self, partition: int, counted: Iterable[tuple[Standing, int]] = ()) -> None:
        """Takes a partition on, or counts it anew: what the store counts there."""
        self._regions[partition] = {}
        for one, count in counted:
            self._add(one, count)

    def end(self, partition: int) -> None:
        """Lets a partition go."""
        self._regions.pop(partition, None)

    def move(self, moves: Iterable[tuple[Standing | None, Standing | None]]) -> None:
        """Counts what changed: what each session counted as before, and what it counts as now."""
        for number, (before, after) in enumerate(moves):
            if not number % EVERY:
                give_way()
            if before is not None:
                self._add(before, -1)
            if after is not None:
                self._add(after, 1)

    def held(self, now_us: int) -> dict[int, dict[str | None, Held]]:
        """The counts by partition and region. Regions without a live session are absent."""
        self._look_ahead((now_us + self._token_window_us) // SECOND_US)
        return {
            partition: {name: region.held() for name, region in regions.items() if region.live > 0}
            for partition, regions in self._regions.items()
        }

    def _add(self, one: Standing, count: int) -> None:
        regions = self._regions.get(one.partition)
        if regions is None:
            return
        region = regions.get(one.region)
        if region is None:
            region = regions[one.region] = _Region()
        region.live += count
        region.reconnecting += count if one.reconnecting else 0
        if one.expires_s is not None:
            region.expire(one.expires_s, count, self._risk_s)
        if not region.live:
            del regions[one.region]

    def _look_ahead(self, risk_s: int) -> None:
        """Moves on to a later second. A clock that was set back waits until it is there again."""
        if risk_s > self._risk_s:
            for regions in self._regions.values():
                for region in regions.values():
                    region.look_ahead(self._risk_s, risk_s)
            self._risk_s = risk_s


class _Region:
    """The counts of one region in one partition."""

    def __init__(self) -> None:
        self.live = self.reconnecting = self.token_risk = 0
        self._later: dict[int, int] = {}  # sessions by the second in which their token expires

    def held(self) -> Held:
        """As the gauges show it. Between two counts by the store, what others changed may make less than none."""
        return Held(self.live, max(0, self.reconnecting), max(0, self.token_risk))

    def expire(self, expires_s: int, count: int, risk_s: int) -> None:
        """Counts tokens that expire then."""
        if expires_s < risk_s:
            self.token_risk += count
            return
        total = self._later.get(expires_s, 0) + count
        if total:
            self._later[expires_s] = total
        else:
            del self._later[expires_s]

    def look_ahead(self, from_s: int, to_s: int) -> None:
        """Finds at risk what expires in these seconds."""
        later = self._later
        many = to_s - from_s > len(later)
        due = [second for second in later if second < to_s] if many else range(from_s, to_s)
        for second in due:
            self.token_risk += later.pop(second, 0)
