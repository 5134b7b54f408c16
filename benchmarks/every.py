"""How long every endpoint and page takes, cold and warm, while events are being written, beside SQL on raw events.

    make bench-reads, or: python benchmarks/every.py --events 10000000 --rate 10000 --store postgresql sqlite

The store holds a day (`history.py`); SQLite gets the rows that PostgreSQL has. What is asked is made of the routes of
the app (`routes.py`), so a new one is timed too.

Cold: the first time that a collector just started is asked, by a connection just made, after the database was restarted
and the kernel told to forget its files; each round begins with another question, since those before warm those after.
Warm: round after round over one connection, while the fleet tells. First paints are a browser's, which has what pages
share, while nothing is written. The peer is the same question by SQL on the table
`events` (`raw.py`), while nothing is written; where there is no such statement, the same address while nothing is.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from sqlalchemy import Engine, func, select

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import history, raw  # noqa: E402
from benchmarks.figures import Figure, percentile, say  # noqa: E402
from benchmarks.filling import make_topics  # noqa: E402
from benchmarks.pacing import paced  # noqa: E402
from benchmarks.paint import first_paints  # noqa: E402
from benchmarks.rig import Rig, add_code, rig  # noqa: E402
from benchmarks.routes import addresses  # noqa: E402
from collector.packet_keys import make_key  # noqa: E402
from collector.store.engine import make_engine, migrate  # noqa: E402
from collector.store.incidents import Alert, Incidents  # noqa: E402
from collector.store.tables import (  # noqa: E402
    events,
    kafka_offsets,
    outages,
    rollup_fives,
    rollup_hours,
    rollups,
    sessions,
    whole_fives,
    whole_hours,
)
from tests.plain_app import plain_app  # noqa: E402

SLICES: Final = 10
SETTLES_S: Final = 5.0
BYTES_MAX: Final = 4 * 2**20
"""What of one answer is read; an export of everything has more."""
ROWS: Final = 20_000
DAY_US: Final = 86_400_000_000
RAW_TIMES: Final = 3
EXPORTS: Final = "/api/v1/exports/"
"""They have a benchmark of their own, export.py; and few may be under way at once."""
PAGE_GOAL: Final = "< 300"
PAGES: Final = ("/", "/outages", "/rooms", "/rooms/{room_sid}", "/sessions", "/sessions/{session_id}", "/incidents",
    "/releases", "/codes", "/codes/{code}", "/telemetry", "/search")  # fmt: skip
GOALS: Final = {
    "/api/v1/breakdowns/failure-codes": "< 100",
    "/api/v1/rooms/{room_sid}/timeline": "< 30",
    "/api/v1/sessions": "< 30",
}
ALERT: Final = "5eed5eed5eed5eed"

Took = dict[str, list[float]]


@dataclass(frozen=True)
class Store:
    """A store that holds the day: what collectors are told of it, and how its caches are dropped."""

    name: str
    url: str
    database: str
    forget: Callable[[], None]
    packet_key: Path

    @property
    def settings(self) -> dict[str, object]:
        """What collectors are told beside."""
        return {"database_url": self.url, "packet_key_file": self.packet_key}


class Held(NamedTuple):
    """What the store holds, and when its day ends."""

    events: int
    until_us: int


def asked(url: str, of: Mapping[str, str], until: Callable[[], bool]) -> Took:
    """Asks all over one connection, round after round until it is told to end; one round at least."""
    took: Took = {}
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)
    while not (took and until()):
        for name, address in of.items():
            took.setdefault(name, []).append(_once(connection, address))
    connection.close()
    return took


def _once(connection: http.client.HTTPConnection, address: str) -> float:
    """Seconds from sending the question to the whole answer; of a stream that never ends, to its head."""
    began_s = time.perf_counter()
    connection.request("GET", address)
    answer = connection.getresponse()
    endless = (answer.headers["content-type"] or "").startswith("text/event-stream")
    body = b"" if endless else answer.read(BYTES_MAX)
    took_s = time.perf_counter() - began_s
    if endless or not answer.isclosed():
        answer.close()  # or the collector would wait for somebody who still reads
        connection.close()
    if answer.status >= 400:
        raise RuntimeError(f"{address} was answered with {answer.status}: {body[:300]!r}")
    return took_s


def cold(here: Rig, store: Store, topic: str, of: Mapping[str, str], rounds: int) -> Took:
    """Asks each once a round, of a collector and a database that have just begun."""
    took: Took = {}
    names = list(of)
    for number in range(rounds):
        store.forget()
        with here.collectors(1, store.database, topic, **store.settings) as (collector,):
            begin = number * len(names) // rounds
            for name in names[begin:] + names[:begin]:
                connection = http.client.HTTPConnection(urlsplit(collector.url).netloc, timeout=120)
                took.setdefault(name, []).append(_once(connection, of[name]))
                connection.close()
    return took


def measure(
    here: Rig, store: Store, held: Held, rate: float, seconds: float, rounds: int, paints: int
) -> Iterator[Figure]:
    """Asks cold, warm, and warm while it is written to; and has a browser open the pages."""
    engine = make_engine(store.url)
    topic = f"every-{store.name}"
    make_topics(here.kafka, topic, log_append_time=True)
    _keep_an_incident(engine, held.until_us)
    examples = _examples(engine, held.until_us)
    every = addresses(plain_app(engine, now_us=0), examples)
    of = {name: place for name, place in every.items() if not name.startswith(EXPORTS)}
    first = cold(here, store, topic, of, rounds)
    since_us = held.until_us - DAY_US
    beside = {
        name: raw.timed(engine, statement(since_us, examples), RAW_TIMES)
        for name, statement in raw.STATEMENTS.items()
        if name in of
    }
    with here.collectors(1, store.database, topic, **store.settings) as (collector,):
        asked(collector.url, of, lambda: True)  # so that nothing below is the first
        quiet = asked(collector.url, of, _after(seconds / 2))
        pages = {name: address for name, address in of.items() if name in PAGES}
        painted = asyncio.run(first_paints(collector.url, pages, paints))
        with paced(here.kafka.bootstrap, topic, rate, seconds) as pacing:
            pacing.wait_until_open()
            time.sleep(SETTLES_S)  # noqa: TID251 - the first events are news to everybody
            before, began_s = _stored(engine), time.perf_counter()
            busy = asked(collector.url, of, lambda: pacing.is_over)
            written = (_stored(engine) - before) / (time.perf_counter() - began_s)
    engine.dispose()
    told = {"store": store.name, "events": held.events, "written_a_s": round(written)}
    for name, times in painted.items():
        for percent in (50, 95):
            mine, answered = (percentile(values, percent) * 1000 for values in (times, quiet[name]))
            goal = PAGE_GOAL if percent == 95 else None
            what = f"{name}, first paint, p{percent}"
            yield Figure(what, mine, "ms", "its answer", answered, goal, {**told, "n": len(times)})
    for name in of:
        for percent in (50, 95):
            peer = "SQL on raw events" if name in beside else "while nothing is written"
            theirs = percentile(beside.get(name, quiet[name]), percent) * 1000
            for words, values in (("cold", first[name]), ("warm", busy[name])):
                mine = percentile(values, percent) * 1000
                goal = _goal(name) if (words, percent) == ("warm", 95) else None
                yield Figure(f"{name}, {words}, p{percent}", mine, "ms", peer, theirs, goal, {**told, "n": len(values)})


def _goal(path: str) -> str | None:
    """What is asked of an address; an answer in time for its page's first paint."""
    return GOALS.get(path, PAGE_GOAL if path in PAGES else None)


def _keep_an_incident(engine: Engine, until_us: int) -> None:
    began_us = until_us - DAY_US // 48
    alert = Alert(ALERT, began_us, until_us, {"alertname": "RtcFailureSpike", "severity": "critical"}, {})
    Incidents(engine).keep([alert], until_us)


def _examples(engine: Engine, until_us: int) -> dict[str, str]:
    """What stands in paths: a room and a session with an outage in the middle of the day, the incident, a code."""
    middle = (
        select(sessions.c.session_id, sessions.c.room_sid, outages.c.number)
        .join(sessions, sessions.c.session_id == outages.c.session_id)
        .where(outages.c.opened_at >= until_us - DAY_US // 2, sessions.c.room_sid.is_not(None))
        .order_by(outages.c.opened_at, outages.c.session_id)
        .limit(1)
    )
    with engine.connect() as connection:
        row = connection.execute(middle).one()
    return {
        "session_id": str(row.session_id),
        "room_sid": row.room_sid,
        "incident_id": f"{ALERT}-{until_us - DAY_US // 48}",
        "code": "53000",
        "number": str(row.number),
    }


def _stored(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(select(func.coalesce(func.sum(kafka_offsets.c.next_offset), 0))).scalar_one())


def _after(seconds: float) -> Callable[[], bool]:
    ends_s = time.perf_counter() + seconds
    return lambda: time.perf_counter() > ends_s


def _forgotten(folder: Path) -> None:
    """Has the kernel forget what it holds of files, as far as they are on the disk already."""
    os.sync()
    for path in folder.rglob("*"):
        with suppress(OSError):
            file = os.open(path, os.O_RDONLY)
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(file)


@contextmanager
def stores(here: Rig, database: str, wanted: list[str]) -> Iterator[Iterator[Store]]:
    """The stores that hold the day, one after the other."""

    def begun_anew() -> None:
        here.postgresql.stop()
        _forgotten(here.postgresql.log_file.parent)
        here.postgresql.start()

    with tempfile.TemporaryDirectory(prefix="roomwatch-bench-") as name:
        key = Path(name) / "packet-key.pem"
        make_key(key)

        def each() -> Iterator[Store]:
            if "sqlite" in wanted:
                path = Path(name) / "roomwatch.db"
                _copy(make_engine(here.postgresql.url(database)), f"sqlite:///{path}")
                yield Store("sqlite", f"sqlite:///{path}", "sqlite", lambda: _forgotten(path.parent), key)
            if "postgresql" in wanted:
                yield Store("postgresql", here.postgresql.url(database), database, begun_anew, key)

        yield each()


def _copy(source: Engine, url: str) -> None:
    """The rows of one store into another, which is made."""
    target = make_engine(url)
    migrate(target)
    with source.connect() as reading, target.connect() as writing:
        for table in (sessions, outages, rollups, rollup_fives, rollup_hours, whole_fives, whole_hours, events):
            rows = reading.execution_options(stream_results=True).execute(select(table))
            for some in rows.mappings().partitions(ROWS):
                writing.execute(table.insert(), [dict(row) for row in some])
        writing.commit()
    for engine in (source, target):
        engine.dispose()
    with sqlite3.connect(target.url.database or "") as connection:
        connection.execute("ANALYZE")


def main() -> None:
    """One run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000_000, help="that the store holds before")
    parser.add_argument("--rate", type=float, default=10_000, help="events a second that are written meanwhile")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--cold-rounds", type=int, default=5)
    parser.add_argument("--paints", type=int, default=20, help="of each page")
    parser.add_argument("--store", nargs="+", choices=["postgresql", "sqlite"], default=["sqlite", "postgresql"])
    add_code(parser)
    told = parser.parse_args()
    with rig(told.code) as here, here.database(migrated=True) as database:
        until_us = time.time_ns() // 1000  # noqa: TID251 - the day that ends now
        held = Held(history.make(here, database, history.day_of(told.events, SLICES, until_us)), until_us)
        with stores(here, database, told.store) as each:
            for store in each:
                say(measure(here, store, held, told.rate, told.seconds, told.cold_rounds, told.paints))


if __name__ == "__main__":
    main()
