"""The incident of the demo's fleet, from its events to whom it wakes: one page, with the right words, and its end."""

import time
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from collector.demo.history import MINUTE_US, Span, Story, plans, story
from collector.demo.life import play
from collector.ingest.decode import Record
from session_core import wire
from session_core.events import Event, Moment
from session_core.instants import us_from_utc, utc_from_us
from session_core.policy import ReconnectPolicy
from tests.dashboards.pressed import PRESSED, Taken, watched
from tests.waiting import wait_until

NOW_US = 1_795_480_000_000_000
SESSIONS = 8_000
"""More than a laptop shows in its first minute: an incident of a small service, not of five calls."""
BEFORE_US = 30 * MINUTE_US
"""What is told of the fleet before the incident."""


def lived(told: Story, seed: int) -> list[tuple[Event, int]]:
    """All events of sessions that begin near the incident, with their numbers, in order of time."""
    rng = Random(seed)
    near = Span(told.outage.from_us - BEFORE_US, told.outage.to_us)
    those = [plan for plan in plans(told, rng, SESSIONS) if near.holds(plan.joins_us)]
    lives = [play(plan, ReconnectPolicy.documented(), rng) for plan in those]
    return sorted(((one, seq) for life in lives for seq, one in enumerate(life)), key=lambda one: one[0].at.utc_us)


class Pressed:
    """The fleet's time, sixty times as fast, beginning now."""

    def __init__(self, begins_us: int) -> None:
        self._begins_us = begins_us
        self._real_us = time.time_ns() // 1000  # noqa: TID251 - the servers' clock is real

    def fleet_us(self) -> int:
        """What time it is in the fleet."""
        passed_us = time.time_ns() // 1000 - self._real_us  # noqa: TID251 - as above
        return self._begins_us + passed_us * PRESSED

    def when_us(self, fleet_us: int) -> int:
        """When that moment of the fleet is."""
        return self._real_us + (fleet_us - self._begins_us) // PRESSED

    def record(self, event: Event, seq: int) -> Record:
        """The event as it is told then. How long things took stays as it was lived."""
        at_us = self.when_us(event.at.utc_us)
        outage = event.outage
        if outage is not None:
            began_us = self.when_us(us_from_utc(outage.started_at))
            outage = replace(outage, started_at=utc_from_us(began_us))
        moved = replace(event, at=Moment(at_us, event.at.steady_us), outage=outage)
        key = str(event.session.session_id).encode()
        return Record(0, 0, at_us, key, wire.encode(wire.message(moved, seq), utc_from_us(at_us)))


def names(messages: Iterable[Mapping[str, Any]]) -> set[str]:
    """The alerts that messages tell of."""
    return {one["labels"]["alertname"] for message in messages for one in message["alerts"]}


@pytest.mark.usefixtures("prometheus_binary", "alertmanager_binary")
def test_the_demos_incident_is_one_page_with_the_right_words_and_its_end(tmp_path: Path) -> None:
    fleet = story(NOW_US)
    events = lived(fleet, seed=1)
    with watched(tmp_path) as those:
        told = those.told
        taken, clock = Taken(those.scraped), Pressed(fleet.outage.from_us - BEFORE_US)

        def lives_until(condition: Callable[[], Any]) -> None:
            def look() -> Any:
                due = bisect_right(events, clock.fleet_us(), key=lambda one: one[0].at.utc_us)
                if due:
                    taken.take([clock.record(*one) for one in events[:due]])
                    del events[:due]
                return condition()

            wait_until(look, within_s=90, every_s=0.1)

        lives_until(lambda: clock.fleet_us() >= fleet.outage.from_us)
        assert told("/pager") == []
        lives_until(lambda: told("/pager"))
        lives_until(lambda: told("/pager")[-1]["status"] == "resolved")
        lives_until(lambda: told("/api/v1/incidents/alertmanager")[-1]["status"] == "resolved")
    pages = told("/pager")
    assert [page["status"] for page in pages] == ["firing"] * (len(pages) - 1) + ["resolved"]
    assert len({page["groupKey"] for page in pages}) == 1
    # A page grows and shrinks in a message each: no alert of the incident begins twice.
    of_the_page = {one["fingerprint"] for page in pages for one in page["alerts"]}
    for fingerprint in of_the_page:
        told_of = [one["status"] for page in pages for one in page["alerts"] if one["fingerprint"] == fingerprint]
        assert told_of == sorted(told_of), f"{fingerprint} was told of again after its end: {told_of}"
    assert len(pages) <= 2 * len(of_the_page)
    first = pages[0]["alerts"]
    assert names(pages[:1]) == {"RtcFailureSpike"}
    # What looks back for longer may take over from the spike when that is over: on the same page, or as a ticket.
    assert names(pages) <= {"RtcFailureSpike", "RtcBudgetBurnFast"}
    assert names(told("/team")) <= {"RtcReconnectSuccessLow", "RtcBudgetBurnSlow"}
    assert {one["labels"]["code"] for one in first} <= {"53000", "53002"}
    assert all(f" {one['labels']['code']} " in one["annotations"]["summary"] for one in first)
    assert all(f"Most in {fleet.region}: " in one["annotations"]["description"] for one in first)
    assert all(f"var-code={one['labels']['code']}&" in one["annotations"]["dashboard_url"] for one in first)
