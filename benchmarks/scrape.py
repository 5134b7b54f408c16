"""Whether a scrape stops a collector's event loop: how long /healthz, which the loop answers, takes meanwhile.

One collector that catches up on a backlog, with every series that it can have. First nobody scrapes it, then somebody
does again and again, as Prometheus would. /metrics is rendered in a thread, which shares the interpreter's lock with
the loop: what the loop waits for is the difference of the two, and what a busy machine adds is in both.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

import httpx
import psycopg

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.figures import Figure, percentile, say  # noqa: E402
from benchmarks.filling import fill  # noqa: E402
from benchmarks.rig import Rig, add_code, rig, stored  # noqa: E402

OPENMETRICS: Final = {"Accept": "application/openmetrics-text; version=1.0.0"}
PAUSE_S: Final = 0.005
KNOWN: Final = {
    "metrics_regions": ",".join(f"region-{number}" for number in range(20)),
    "metrics_sdks": ",".join(f"sdk-{number}" for number in range(5)),
}


class Scraper:
    """Scrapes in a thread of its own until told to stop; `took_s` is how long each scrape took."""

    def __init__(self, url: str, every_s: float) -> None:
        self.took_s: list[float] = []
        self.series = 0
        self._url, self._every_s = url, every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._scrape)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _scrape(self) -> None:
        with httpx.Client(headers=OPENMETRICS, timeout=30) as client:
            while not self._stop.wait(self._every_s):
                begun = time.perf_counter()
                text = client.get(f"{self._url}/metrics").text
                self.took_s.append(time.perf_counter() - begun)
                self.series = sum(not line.startswith("#") for line in text.splitlines())


def answers_s(url: str, seconds: float) -> list[float]:
    """How long each answer of the loop took."""
    took = []
    until = time.perf_counter() + seconds
    with httpx.Client(timeout=30) as client:
        client.get(f"{url}/healthz")
        while (begun := time.perf_counter()) < until:
            client.get(f"{url}/healthz")
            took.append(time.perf_counter() - begun)
            time.sleep(PAUSE_S)  # noqa: TID251 - between questions
    return took


def measure(here: Rig, events: int, seconds: float, every_s: float) -> Iterator[Figure]:
    """The loop's answers without scrapes and with them, of one collector at work."""
    events = fill(here.kafka, "scrape", events, 20_000)
    with (
        here.database(migrated=True) as database,
        psycopg.connect(here.place(database), autocommit=True) as connection,
        here.collectors(1, database, "scrape", **KNOWN) as (collector,),
    ):
        alone = answers_s(collector.url, seconds)
        with Scraper(collector.url, every_s) as scraper:
            scraped = answers_s(collector.url, seconds)
        if stored(connection) >= events:
            raise RuntimeError(f"{events:,} events were stored before {2 * seconds:g} s were over: take more events")
    of = {"series": scraper.series, "scrapes": len(scraper.took_s), "answers": len(scraped)}
    yield Figure("scrape, median", percentile(scraper.took_s, 50) * 1000, "ms", of=of)
    for name, percent in (("p50", 50), ("p99", 99), ("worst", 100)):
        while_scraped, before = (percentile(took, percent) * 1000 for took in (scraped, alone))
        goal = "< 20 more" if name == "worst" else None
        yield Figure(f"answer of the loop, {name}", while_scraped, "ms", "without scrapes", before, goal, of=of)


def main() -> None:
    """One run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=10, help="of each of the two")
    parser.add_argument("--every", type=float, default=0.2, help="seconds between scrapes")
    add_code(parser)
    told = parser.parse_args()
    with rig(told.code) as here:
        say(measure(here, told.events, told.seconds, told.every))


if __name__ == "__main__":
    main()
