"""A store that holds a day of a fleet: one slice written as collectors write it, and copies of it, each earlier.

The slice goes through the collector's own merging and writing, in two processes that share its partitions, with the
stream's own times. A copy is made in SQL: all times and session ids are shifted by whole slices, rooms and participants
get names of their own, sums are shifted by minutes. So a day of ten million events takes minutes, and its tables look
as if it had been lived through.
"""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from typing import Any, Final, NamedTuple
from uuid import UUID

import psycopg
from confluent_kafka.admin import AdminClient
from psycopg import sql
from sqlalchemy import Table

from benchmarks.filling import TELLERS, Window, rate_of
from benchmarks.load import PARTITIONS, Share
from benchmarks.rig import Rig
from collector.ingest.decode import Record
from collector.ingest.partitions import Holder
from collector.store.engine import make_engine
from collector.store.partitions_postgresql import Days
from collector.store.retention import Retention
from collector.store.statements import adding
from collector.store.stretches import Stretches
from collector.store.tables import Micros, events, outages, rollups, sessions
from collector.store.writer import Writer

BATCH: Final = 20_000
DAY_S: Final = 86_400
MINUTE_US: Final = 60_000_000
SILENT_US: Final = 3_600_000_000
TOPIC: Final = "history"
NAMED: Final = {"room_sid": "RM", "participant_sid": "PA"}


class Day(NamedTuple):
    """What the store holds: so many events in slices of so many seconds, the last of which ends at `until_us`."""

    events: int
    slices: int
    slice_s: int
    until_us: int

    @property
    def window(self) -> Window:
        """The slice that is written; the others are earlier."""
        live = round(self.events / self.slices / self.slice_s / rate_of(1))
        return Window(self.until_us - self.slice_s * 1_000_000, self.until_us, live)


def day_of(events_wanted: int, slices: int, until_us: int) -> Day:
    """A day of so many events, in whole minutes a slice."""
    return Day(events_wanted, slices, DAY_S // slices // 60 * 60, until_us)


def make(here: Rig, database: str, day: Day) -> int:
    """Fills the database; returns how many events the day has."""
    cluster_id = AdminClient({"bootstrap.servers": here.kafka.bootstrap}).list_topics(timeout=10).cluster_id
    url = here.postgresql.url(database)
    with ProcessPoolExecutor(TELLERS, multiprocessing.get_context("spawn")) as writers:
        shares = [Share(rest, TELLERS) for rest in range(TELLERS)]
        told = sum(writers.map(_write, *zip(*((url, cluster_id, day.window, share) for share in shares), strict=True)))
    with psycopg.connect(here.place(database), autocommit=True) as connection:
        begun_us = day.until_us - (day.slices * day.slice_s + 600) * 1_000_000
        moments = range(begun_us, day.until_us, 3600 * 1_000_000)
        Days(Retention()).make(connection, [(UUID(int=at // 1000 << 80),) for at in moments], day.until_us)
        for table in (events, sessions, outages, rollups):
            statement = _copy_of(table)
            template = sql.Identifier(f"slice_{table.name}")
            connection.execute(sql.SQL("CREATE TABLE {} AS TABLE {}").format(template, sql.Identifier(table.name)))
            for number in range(1, day.slices):
                connection.execute(statement, {"n": number, "s": number * day.slice_s})
            connection.execute(sql.SQL("DROP TABLE {}").format(template))
        engine = make_engine(url)
        Stretches(engine).sum_up(day.until_us + DAY_S * 1_000_000)
        engine.dispose()
        connection.execute("VACUUM ANALYZE")
    return told * day.slices


def _write(url: str, cluster_id: str, window: Window, share: Share) -> int:
    """What collectors would have written of some partitions, had they read them as they were told."""
    engine = make_engine(url)
    writer = Writer(engine, cluster_id, TOPIC, f"history-{share.rest}")
    holder = Holder(TOPIC, writer.load)
    partitions = [number for number in range(PARTITIONS) if number % share.of == share.rest]
    holder.assign(dict.fromkeys(partitions, 0))
    offsets = dict.fromkeys(partitions, 0)
    stream = window.told(share)
    while some := list(islice(stream, BATCH)):
        records = []
        for told in some:
            records.append(Record(told.partition, offsets[told.partition], told.append_at_us, told.key, told.value))
            offsets[told.partition] += 1
        batch = holder.take(records, some[-1].append_at_us)
        writer.write(batch.changes, some[-1].append_at_us)
        holder.wrote(batch)
    after_us = window.closes_us + SILENT_US
    for partition in partitions:  # who was in a call when the slice ended is never heard of again
        while silent := writer.silent_sessions(partition, window.closes_us + 1):
            batch = holder.sweep(partition, after_us, after_us, silent)
            writer.write(batch.changes, after_us)
            holder.wrote(batch)
    engine.dispose()
    return sum(offsets.values())


def _copy_of(table: Table) -> sql.Composed:
    """The statement that copies a table's slice: `n` is the copy's number, `s` how many seconds earlier it is."""
    names = [column.name for column in table.columns]
    # Slices do not end with a minute: those next to each other share one.
    shared = adding(rollups) if table is rollups else ""
    return sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} {}").format(
        sql.Identifier(table.name),
        sql.SQL(", ").join(map(sql.Identifier, names)),
        sql.SQL(", ").join(sql.SQL(_copied(column)) for column in table.columns),  # type: ignore[arg-type]
        sql.Identifier(f"slice_{table.name}"),
        sql.SQL(shared),  # type: ignore[arg-type]
    )


def _copied(column: Any) -> str:
    if isinstance(column.type, Micros):
        return f"{column.name} - make_interval(secs => %(s)s)"
    if column.name == "session_id":
        hexadecimal = "replace(session_id::text, '-', '')"
        begun_ms = f"('x' || left({hexadecimal}, 12))::bit(48)::int8"
        return f"(lpad(to_hex({begun_ms} - %(s)s::int8 * 1000), 12, '0') || substr({hexadecimal}, 13))::uuid"
    if column.name == "minute":
        return "minute - %(s)s::int4 / 60"
    if column.name in NAMED:
        return f"'{NAMED[column.name]}' || lpad(to_hex(%(n)s::int4), 4, '0') || substr({column.name}, 7)"
    return str(column.name)
