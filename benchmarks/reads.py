"""How long questions take over ten million events, while ten thousand more are written every second.

    make bench-e2e, or: python benchmarks/reads.py --events 10000000 --rate 10000 --seconds 60

The store holds a day (`history.py`). Then one collector, its API in the same process as by default, is asked over HTTP,
one question after the other with a pause: first while nothing is written, which is the peer, then while a fleet tells.
"""

from __future__ import annotations

import argparse
import http.client
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Final
from urllib.parse import urlsplit

import psycopg

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import history  # noqa: E402
from benchmarks.figures import Figure, percentile, say  # noqa: E402
from benchmarks.filling import make_topics  # noqa: E402
from benchmarks.pacing import paced  # noqa: E402
from benchmarks.rig import Rig, add_code, rig, stored  # noqa: E402

SLICES: Final = 10
PAUSE_S: Final = 0.05
SETTLES_S: Final = 5.0
TOPIC: Final = "reads"
GOALS: Final = {"breakdown of the day": "< 100", "timeline of a room": "< 30", "list of sessions": "< 30"}
API: Final = "/api/v1"

Took = dict[str, list[float]]


def questions(rooms: Sequence[str], rng: Random) -> dict[str, str]:
    """What is asked in a round."""
    return {
        "breakdown of the day": f"{API}/breakdowns/failure-codes?since=-24h&by=region",
        "breakdown of the last hour": f"{API}/breakdowns/failure-codes?since=-1h&by=region",
        "timeline of a room": f"{API}/rooms/{rng.choice(rooms)}/timeline",
        "list of sessions": f"{API}/sessions?since=-24h&limit=50",
        "list of sessions, one fate": f"{API}/sessions?since=-24h&fate=dropped&limit=50",
    }


def asked(url: str, rooms: Sequence[str], until: Callable[[], bool]) -> Took:
    """Asks round after round until it is told to end; seconds of each question, from sending it to the whole answer."""
    took: Took = {}
    rng = Random(11)
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    while not until():
        for name, path in questions(rooms, rng).items():
            began_s = time.perf_counter()
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            took.setdefault(name, []).append(time.perf_counter() - began_s)
            if answer.status != 200:
                raise RuntimeError(f"{path} was answered with {answer.status}: {body[:300]!r}")
            time.sleep(PAUSE_S)  # noqa: TID251 - as somebody who reads
    connection.close()
    return took


def measure(here: Rig, events: int, rate: float, seconds: float) -> Iterator[Figure]:
    """Fills the store, asks while it is quiet, and asks while it is written to."""
    with here.database(migrated=True) as database:
        now_us = time.time_ns() // 1000  # noqa: TID251 - the day that ends now
        held = history.make(here, database, history.day_of(events, SLICES, now_us))
        make_topics(here.kafka, TOPIC, log_append_time=True)
        place = here.place(database)
        with (
            psycopg.connect(place, autocommit=True) as connection,
            here.collectors(1, database, TOPIC) as (collector,),
        ):
            rooms = _rooms(connection)
            quiet = asked(collector.url, rooms, _after(seconds / 2))
            with paced(here.kafka.bootstrap, TOPIC, rate, seconds) as pacing:
                pacing.wait_until_open()
                time.sleep(SETTLES_S)  # noqa: TID251 - the first events are news to everybody
                before, began_s = stored(connection), time.perf_counter()
                busy = asked(collector.url, rooms, lambda: pacing.is_over)
                written = (stored(connection) - before) / (time.perf_counter() - began_s)
    of = {"events": held, "written_a_s": round(written)}
    for name, values in busy.items():
        for percent in (50, 95):
            mine, theirs = (percentile(some, percent) * 1000 for some in (values, quiet[name]))
            goal = GOALS.get(name) if percent == 95 else None
            yield Figure(f"{name}, p{percent}", mine, "ms", "while nothing is written", theirs, goal, of)


def _rooms(connection: psycopg.Connection) -> list[str]:
    query = "SELECT DISTINCT room_sid FROM sessions TABLESAMPLE BERNOULLI (5) LIMIT 500"
    return sorted(str(row[0]) for row in connection.execute(query) if row[0])


def _after(seconds: float) -> Callable[[], bool]:
    ends_s = time.perf_counter() + seconds
    return lambda: time.perf_counter() > ends_s


def main() -> None:
    """One run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000_000, help="that the store holds before")
    parser.add_argument("--rate", type=float, default=10_000, help="events a second that are written meanwhile")
    parser.add_argument("--seconds", type=float, default=60)
    add_code(parser)
    told = parser.parse_args()
    with rig(told.code) as here:
        say(measure(here, told.events, told.rate, told.seconds))


if __name__ == "__main__":
    main()
