"""Whether a scrape stops a collector's event loop: how long /healthz, which the loop answers, takes meanwhile.

One collector that catches up on a backlog, with every series that it can have. In turns nobody scrapes it, and somebody
does again and again, as Prometheus would. /metrics is rendered in a thread, which shares the interpreter's lock with
the loop: what the loop waits for is the difference of the two, and what a busy machine adds is in both. A collector is
slower to answer the longer it catches up, so that one half before the other would tell that instead.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
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
    """Scrapes in a process of its own while it is let; `took_s` is how long each scrape took, once it is closed.

    In a thread of this one it would hold up whoever asks the loop.
    """

    def __init__(self, url: str, every_s: float) -> None:
        self.took_s: list[float] = []
        self.series = 0
        context = multiprocessing.get_context("spawn")
        self.let = context.Event()
        self._stop = context.Event()
        self._told, telling = context.Pipe(duplex=False)
        self._process = context.Process(target=_scrape, args=(url, every_s, self.let, self._stop, telling))

    def __enter__(self) -> Self:
        self._process.start()
        self._told.recv()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self.took_s, self.series = self._told.recv()
        self._process.join()


def _scrape(url: str, every_s: float, let: Event, stop: Event, telling: Connection) -> None:
    """Says that it is there, and at the end how long each scrape took and how many series there were."""
    took, series = [], 0
    with httpx.Client(headers=OPENMETRICS, timeout=30) as client:
        telling.send(None)
        while not stop.wait(every_s):
            if not let.is_set():
                continue
            begun = time.perf_counter()
            text = client.get(f"{url}/metrics").text
            took.append(time.perf_counter() - begun)
            series = sum(not line.startswith("#") for line in text.splitlines())
    telling.send((took, series))


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


def measure(here: Rig, events: int, seconds: float, turns: int, every_s: float) -> Iterator[Figure]:
    """The loop's answers without scrapes and with them, of one collector at work."""
    events = fill(here.kafka, "scrape", events, 20_000)
    with (
        here.database(migrated=True) as database,
        psycopg.connect(here.place(database), autocommit=True) as connection,
        here.collectors(1, database, "scrape", **KNOWN) as (collector,),
    ):
        alone: list[float] = []
        scraped: list[float] = []
        with Scraper(collector.url, every_s) as scraper:
            for _ in range(turns):
                scraper.let.clear()
                alone += answers_s(collector.url, seconds)
                scraper.let.set()
                scraped += answers_s(collector.url, seconds)
        if stored(connection) >= events:
            raise RuntimeError(f"{events:,} events were stored before {2 * turns * seconds:g} s were over: take more")
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
    parser.add_argument("--seconds", type=float, default=2, help="of each of the two in a turn")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--every", type=float, default=0.2, help="seconds between scrapes")
    add_code(parser)
    told = parser.parse_args()
    with rig(told.code) as here:
        say(measure(here, told.events, told.seconds, told.turns, told.every))


if __name__ == "__main__":
    main()
