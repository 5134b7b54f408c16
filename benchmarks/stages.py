"""Where a collector's CPU goes: every stage of a batch alone, on the events of the same fleet, in µs of CPU an event.

    decode     bytes to a checked event; against json.loads of the same bytes, which checks nothing
    rows       the row of an event
    merge      sessions, outages, what follows for each, sums: what taking a batch costs beyond the two above
    send       the client's part of writing all tables, which is mostly binary COPY
    tables     PostgreSQL's part, one table at a time; events against psycopg's COPY of the same rows into a bare table

The interpreter is set as a collector's is. Reading Kafka is not here: `end_to_end.py` says what the collector's threads
take while all of it runs. To time the compiled path, put its folder on PYTHONPATH; the figures say which was timed.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))  # behind PYTHONPATH, where a compiled package may lie

from benchmarks.figures import Figure, say  # noqa: E402
from benchmarks.filling import window  # noqa: E402
from benchmarks.load import PARTITIONS  # noqa: E402
from benchmarks.processes import cpu_s  # noqa: E402
from benchmarks.rig import POSTGRESQL  # noqa: E402
from benchmarks.yardsticks import bare_copy  # noqa: E402
from collector.cli.collecting import tune_for_throughput  # noqa: E402
from collector.ingest import merge  # noqa: E402
from collector.ingest.cache import Bounds  # noqa: E402
from collector.ingest.decode import Record, Refusal, decode  # noqa: E402
from collector.ingest.partitions import Holder  # noqa: E402
from collector.ingest.rows import event_row  # noqa: E402
from collector.store.changes import Changes  # noqa: E402
from collector.store.engine import make_engine  # noqa: E402
from collector.store.writer import Writer  # noqa: E402
from session_core import wire  # noqa: E402
from tests.servers.postgresql import PostgreSQL  # noqa: E402

TABLES: Final = ("events", "sessions", "outages", "rollups")


def records(events: int, live: int) -> list[Record]:
    """What a collector that catches up reads."""
    offsets = [0] * PARTITIONS
    made = []
    for told in window(events, live).told():
        made.append(Record(told.partition, offsets[told.partition], told.append_at_us, told.key, told.value))
        offsets[told.partition] += 1
    return made


def spent_s(run: Callable[[], object]) -> float:
    """CPU seconds of this process."""
    gc.collect()
    begun = time.process_time()
    run()
    return time.process_time() - begun


def taken(log: Sequence[Record], size: int, now_us: int) -> list[Changes]:
    """The whole of a collector's own work, batch by batch, nothing written."""
    holder = Holder("stages", lambda _: {}, bounds=Bounds(1_000_000, 1 << 40))
    holder.assign(dict.fromkeys(range(PARTITIONS), 0))
    made = []
    for begin in range(0, len(log), size):
        batch = holder.take(log[begin : begin + size], now_us)
        holder.wrote(batch)
        made.append(batch.changes)
    return made


def alone(changes: Changes, table: str) -> Changes:
    """What a batch changes in one table."""
    only = Changes(offsets=changes.offsets)
    setattr(only, table, getattr(changes, table))
    return only


def write(server: PostgreSQL, batches: Sequence[Changes], now_us: int) -> tuple[float, float]:
    """Writes them into an empty store; CPU seconds of this process and of PostgreSQL."""
    name = server.make_database(migrated=True)
    engine = make_engine(server.url(name))
    writer = Writer(engine, "cluster", "stages", "group")
    before = settled_cpu_s(server)

    def run() -> None:
        for changes in batches:
            writer.write(changes, now_us)
        engine.dispose()

    mine, theirs = spent_s(run), settled_cpu_s(server) - before
    server.drop_database(name)
    return mine, theirs


def settled_cpu_s(server: PostgreSQL) -> float:
    """CPU seconds of a server so far. What a backend took that is just ending is nowhere to be found for a moment."""
    time.sleep(0.5)  # noqa: TID251 - that moment
    return cpu_s(server.pid)


def figures(log: Sequence[Record], size: int, live: int) -> Iterator[Figure]:
    """Every stage."""
    now_us = time.time_ns() // 1000  # noqa: TID251 - stands for the wall clock of a collector
    of = {"events": len(log), "live": live, "batch": size, "compiled": not str(merge.__file__).endswith(".py")}
    a_us = 1e6 / len(log)
    values = [record.value or b"" for record in log]
    decoding = spent_s(lambda: [decode(record) for record in log])
    checking = spent_s(lambda: [wire.decode(value) for value in values])
    loading = spent_s(lambda: [json.loads(value) for value in values])
    yield Figure("cpu, decode", decoding * a_us, "us/event", "json.loads", loading * a_us, of=of)
    yield Figure("cpu, decode, of which the wire", checking * a_us, "us/event", of=of)
    told = [one for record in log if not isinstance(one := decode(record), Refusal)]
    with_rows = [(one, record) for one, record in zip(told, log, strict=True) if not one.n]
    making = spent_s(lambda: [event_row(one, record, now_us) for one, record in with_rows])
    yield Figure("cpu, rows", making * a_us, "us/event", of=of)
    taking = spent_s(lambda: taken(log, size, now_us))
    yield Figure("cpu, merge", (taking - decoding - making) * a_us, "us/event", of=of)
    with PostgreSQL(durable=True, on_disk=True, settings=POSTGRESQL) as server:
        yield from _written(server, taken(log, size, now_us), a_us, now_us, of)


def _written(
    server: PostgreSQL, batches: list[Changes], a_us: float, now_us: int, of: dict[str, object]
) -> Iterator[Figure]:
    mine, theirs = write(server, batches, now_us)
    yield Figure("cpu, send", mine * a_us, "us/event", of=of)
    yield Figure("cpu, postgresql, all tables", theirs * a_us, "us/event", of=of)
    rows = [row for changes in batches for row in changes.events]
    name = server.make_database(migrated=False)
    before = settled_cpu_s(server)
    bare_copy(rows, max(1, len(rows) // len(batches)), server.url(name))
    bare = settled_cpu_s(server) - before
    server.drop_database(name)
    for table in TABLES:
        _, spent = write(server, [alone(changes, table) for changes in batches], now_us)
        peer = ("COPY into a bare table", bare * a_us) if table == "events" else (None, None)
        yield Figure(f"cpu, postgresql, {table}", spent * a_us, "us/event", *peer, of=of)


def main() -> None:
    """One batch size after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=400_000)
    parser.add_argument("--live", type=int, default=20_000, help="sessions that live at once")
    parser.add_argument("--batch", type=int, nargs="+", default=[50_000], help="records a batch")
    told = parser.parse_args()
    tune_for_throughput(max(told.batch))
    log = records(told.events, told.live)
    say(figure for size in told.batch for figure in figures(log, size, told.live))


if __name__ == "__main__":
    main()
