"""What a writer of today's events notices while a day of old ones leaves PostgreSQL.

    .venv/bin/python benchmarks/retention.py --rows 10000000

Fills a day of 40 days ago, runs `roomwatch retention --apply` on it, and watches: a writer that stores a batch of
today's events after the other and would rather fail than wait for a lock, and what `pg_locks` shows of whoever deletes.
Real PostgreSQL, fsync on. Prints one line of JSON a figure; ends with 1 where the writer waited or today's was locked.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final
from uuid import UUID

import psycopg

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from collector.store.partitions_postgresql import Days, first_id, partition_name  # noqa: E402
from collector.store.retention import DAY_US, Retention  # noqa: E402
from tests.servers.postgresql import PostgreSQL  # noqa: E402
from tests.stage import environment  # noqa: E402

AGO: Final = 40
SETTINGS: Final = ("shared_buffers=1GB", "max_wal_size=8GB", "checkpoint_timeout=15min")
BATCH: Final = 500
NOTICED_MS: Final = 100
"""A lock that is waited for so long fails the writer's batch."""
PUT: Final = (
    "INSERT INTO events (session_id, seq, type, event_at, append_at, stored_at, kafka_partition, kafka_offset,"
    " room_sid, participant_sid, extra)"
    " SELECT (%(prefix)s || lpad(to_hex(n / 10 + %(first)s), 12, '0'))::uuid, n %% 10,"
    " 'room.reconnecting', at, at, at, 0, n, 'lesson-' || n, 'user-' || n, repeat('x', 100)"
    " FROM generate_series(0, %(rows)s - 1) AS n, to_timestamp(%(at_s)s) AS at"
)


class Writer(threading.Thread):
    """Stores today's events until it is told to stop; notes how long each commit took, and which waited for a lock."""

    def __init__(self, place: str, now_us: int) -> None:
        super().__init__()
        self.took: list[tuple[float, float]] = []
        self.waited = 0
        self.stop = threading.Event()
        self._place, self._now_us = place, now_us

    def run(self) -> None:
        """One batch after the other."""
        with psycopg.connect(self._place, autocommit=True, application_name="writer") as connection:
            connection.execute(f"SET lock_timeout = {NOTICED_MS}")
            while not self.stop.is_set():
                began_s = time.perf_counter()
                try:
                    fill(connection, self._now_us, BATCH, first=BATCH * (len(self.took) + self.waited + 1))
                except psycopg.errors.LockNotAvailable:
                    self.waited += 1
                else:
                    self.took.append((began_s, time.perf_counter() - began_s))


class Locks(threading.Thread):
    """Looks at what is locked, by everybody but the writer, and at who waits for a lock."""

    def __init__(self, place: str) -> None:
        super().__init__()
        self.seen: set[tuple[str, str]] = set()
        self.waits = self.looks = 0
        self.stop = threading.Event()
        self._place = place

    def run(self) -> None:
        """Looks as often as it can."""
        with psycopg.connect(self._place, autocommit=True) as connection:
            while not self.stop.is_set():
                found = connection.execute(
                    "SELECT relation::regclass::text, mode, granted FROM pg_locks JOIN pg_stat_activity USING (pid)"
                    " WHERE locktype = 'relation' AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
                    " AND application_name <> 'writer' AND relation::regclass::text LIKE 'events%' OR NOT granted"
                ).fetchall()
                self.looks += 1
                self.seen |= {(name, mode) for name, mode, _ in found if name is not None}
                self.waits += sum(not granted for *_, granted in found)


def fill(connection: psycopg.Connection, at_us: int, rows: int, first: int = 0) -> None:
    """Events of sessions that began on that day, ten each."""
    prefix = str(first_id(at_us // DAY_US))[:24].replace("-0000-0000-", "-7000-8000-")
    connection.execute(PUT, {"prefix": prefix, "first": first, "rows": rows, "at_s": at_us / 1_000_000})


def main() -> None:
    """Fills, deletes, tells."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    told = parser.parse_args()
    now_us = time.time_ns() // 1000  # noqa: TID251 - the command's own clock is the machine's
    old_us = now_us - AGO * DAY_US
    with PostgreSQL(durable=True, settings=SETTINGS) as server:
        url = server.url(server.make_database(migrated=True))
        place = url.replace("+psycopg", "")
        today = partition_name(now_us // DAY_US, stray=False)
        with psycopg.connect(place, autocommit=True) as connection:
            far_back = Days(Retention(events_days=100))
            far_back.make(connection, [(UUID(int=first_id(old_us // DAY_US).int), 0)], now_us)
            fill(connection, old_us, told.rows)
            connection.execute("ANALYZE events")
            size = connection.execute(
                "SELECT pg_total_relation_size(%s::regclass)", [partition_name(old_us // DAY_US, stray=False)]
            ).fetchone()
        writer, locks = Writer(place, now_us), Locks(place)
        for thread in (writer, locks):
            thread.start()
        time.sleep(5)  # noqa: TID251 - how the writer fares when nobody deletes
        began_s = time.perf_counter()
        command = [sys.executable, "-m", "collector", "retention", "--apply"]
        told_url = environment({"database_url": url})
        ran = subprocess.run(command, env=told_url, cwd=ROOT, capture_output=True, text=True, check=False)
        ended_s = time.perf_counter()
        for thread in (writer, locks):
            thread.stop.set()
            thread.join()
    print(ran.stdout, ran.stderr, file=sys.stderr)
    before = [took * 1000 for at_s, took in writer.took if at_s < began_s]
    meanwhile = [took * 1000 for at_s, took in writer.took if at_s >= began_s]
    figures = {
        "rows deleted": told.rows, "MB deleted": round((size[0] if size else 0) / 1e6),
        "command, s": round(ended_s - began_s, 2), "looks at pg_locks": locks.looks,
        "locks of who deletes": sorted(f"{name}: {mode}" for name, mode in locks.seen),
        "locks waited for": locks.waits, "batches that waited": writer.waited,
        "commit before, ms, p50 and most": [round(statistics.median(before), 1), round(max(before), 1)],
        "commit meanwhile, ms, p50 and most": [round(statistics.median(meanwhile), 1), round(max(meanwhile), 1)],
    }  # fmt: skip
    for name, value in figures.items():
        print(json.dumps({"name": name, "value": value, "machine": platform.machine()}))
    gone = ran.returncode == 0 and "1 day of events" in ran.stdout
    # Asking how large the days are takes an ACCESS SHARE lock of each for a moment, which no writer meets.
    quiet = not writer.waited and {mode for name, mode in locks.seen if name.startswith(today)} <= {"AccessShareLock"}
    sys.exit(0 if gone and quiet else 1)


if __name__ == "__main__":
    main()
