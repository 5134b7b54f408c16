"""The dashboards of Prometheus show the demo's story: hours of its fleet, in a real Prometheus that remembers them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from random import Random
from typing import Any, Final, NamedTuple

import pytest

from collector.demo.history import SPAN_US
from collector.demo.life import SECOND_US
from collector.store.engine import make_engine, migrate
from tests.dashboards.shown import PANELS
from tests.servers.prometheus import Prometheus
from tools.dashboards.lint_queries import substituted
from tools.preview.blocks import remembering
from tools.preview.lived import Collected, records, write_scrape

SESSIONS: Final = 600
STEP_S: Final = 120
RANGE_S: Final = 3 * 3_600
INTERVAL: Final = f"{4 * STEP_S}s"
"""What Grafana would make of $__rate_interval for scrapes so far apart."""

TARGETS: Final = {
    f"{name}, {target['refId']}": target
    for name, panel in PANELS.items()
    for target in panel["targets"]
    if "expr" in target
}
NEVER_IN_THE_STORY: Final = {
    "roomwatch-telemetry: Lost unread, A": "no topic is that short",
    "roomwatch-telemetry: Refused, lost unread, and lost by clients, B": "no topic is that short",
    "roomwatch-telemetry: Refused, lost unread, and lost by clients, C": "no outbox is that full",
    "roomwatch-telemetry: Behind, by partition, A": "the collector keeps up",
    "roomwatch-telemetry: Behind, by partition, B": "no watchdog runs, its sweeps are made by hand",
    "roomwatch-telemetry: Records waiting, A": "the collector keeps up",
    "roomwatch-telemetry: Behind, A": "the collector keeps up",
    "roomwatch-telemetry: Complete, A": "what sessions had sent is not counted where a collector is moved by hand",
    "roomwatch-outages: Flaps, A": "no outage follows another so soon",
    "roomwatch-drops: Top movers against last week, B": "the story has no week before",
    "roomwatch-overview: Telemetry behind, A": "the collector keeps up",
}
"""Queries that the demo's fleet answers with 0 or with nothing, and why."""


class Remembered(NamedTuple):
    """A Prometheus with the hours up to `now_s`."""

    server: Prometheus
    now_s: int

    def numbers(self, target: dict[str, Any]) -> list[float]:
        """What a query is answered with over the last three hours."""
        expr = substituted(target["expr"], range_=f"{RANGE_S}s", interval=INTERVAL)
        if target["instant"]:
            found = self.server.get("/api/v1/query", query=expr, time=str(self.now_s))["result"]
            return [float(one["value"][1]) for one in found]
        since = str(self.now_s - RANGE_S)
        path = "/api/v1/query_range"
        found = self.server.get(path, query=expr, start=since, end=str(self.now_s), step=f"{STEP_S}s")["result"]
        return [float(value) for one in found for _, value in one["values"]]


@pytest.fixture(scope="module")
def remembered(prometheus_binary: object, promtool: object, tmp_path_factory: Any) -> Iterator[Remembered]:
    """Six hours of the demo's fleet, scraped every two minutes."""
    del prometheus_binary, promtool
    folder = tmp_path_factory.mktemp("demo")
    now_s = time.time_ns() // 10**9 // STEP_S * STEP_S  # noqa: TID251 - a Prometheus keeps what is of these days
    engine = make_engine("sqlite://")
    migrate(engine)
    collected = Collected(engine)
    log = records(now_s * SECOND_US, Random(5), SESSIONS)
    with (folder / "scrapes").open("w") as out:
        for at_us in collected.live_through(log, now_s * SECOND_US, step_us=STEP_S * SECOND_US):
            write_scrape(collected.metrics, at_us, out)
        out.write("# EOF\n")
    engine.dispose()
    with remembering(folder / "scrapes", folder / "storage", now_s - RANGE_S, now_s) as server:
        assert server.query(f"count(rtc_collector_build_info offset {SPAN_US // SECOND_US // 2}s)")
        yield Remembered(server, now_s)


@pytest.mark.parametrize("name", sorted(TARGETS.keys() - NEVER_IN_THE_STORY.keys()))
def test_every_query_of_a_panel_tells_of_the_demos_fleet(remembered: Remembered, name: str) -> None:
    numbers = remembered.numbers(TARGETS[name])
    assert any(number > 0 for number in numbers), numbers[:5]


def test_what_the_story_has_not_is_answered_with_nothing_else(remembered: Remembered) -> None:
    told = {name: max(remembered.numbers(TARGETS[name]), default=0.0) for name in NEVER_IN_THE_STORY}
    assert told == dict.fromkeys(NEVER_IN_THE_STORY, 0.0)
