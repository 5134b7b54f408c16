"""What must be true after a round, whatever happened in it.

What the topic holds is given to a plain model of the store, in one piece and in order: what the collectors have left
must be the same rows. What was promised to the producer is compared apart from that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final, NamedTuple
from uuid import UUID

from confluent_kafka import Consumer, KafkaException, TopicPartition

from collector.ingest.cache import Bounds
from collector.ingest.connection import dead_letters_topic
from collector.ingest.decode import Record
from collector.ingest.partitions import Holder
from collector.ingest.taking import Batch
from collector.store.stretches import LENGTHS, Length
from collector.store.tables import kafka_offsets, sessions
from tests.contract.stored import Stored
from tests.faults.scene import PARTITIONS, Scene
from tests.reference_store import ReferenceStore, rollups_of
from tests.waiting import wait_until

_DIFFERS: Final[dict[str, set[str]]] = {"events": {"stored_at"}, "sessions": {"version", "lost_at"}}
"""When it was stored, and in how many batches."""
SUMS: Final = 5
"""Columns of a row of rollups that are sums: the last ones."""
_STORED_WITHIN_S: Final = 120.0
_READ_TIMEOUT_S: Final = 20.0


def until_stored(scene: Scene) -> None:
    """Reads on where the log was read to, and waits until the collectors have stored all that it holds."""
    scene.log += [
        Record(raw.partition(), raw.offset(), raw.timestamp()[1] * 1000, raw.key(), raw.value())
        for raw in _read(scene, scene.topic, {**dict.fromkeys(range(PARTITIONS), 0), **_ends(scene)})
    ]

    def is_stored() -> bool:
        scene.tend()
        return _offsets(scene) == _ends(scene)

    wait_until(is_stored, within_s=_STORED_WITHIN_S, every_s=0.1)


def assert_exactly_once(scene: Scene, promised: set[tuple[UUID, int]], clock_us: Callable[[], int]) -> None:
    """Every event that was promised, now and before, is stored once; and every row says what the model's says."""
    scene.promised |= promised
    stored = Stored(scene.engine)
    tables, rollups, summed = _read_whole(stored)
    # Read after the store, so that nobody was found lost later than this.
    model = _model(scene, tables["sessions"], clock_us())
    _assert_same("promised events", set(tables["events"]), scene.promised)
    _assert_same("rows", _values(tables), _values(model.tables()))
    counted = rollups_of(tables["sessions"].values(), tables["outages"].values())
    _assert_same("rollups beside what is counted", rollups, _pairs(counted))
    _assert_same("rollups", rollups, _pairs(model.rollups))
    for length, those in summed.items():
        _assert_same(length.sums.name, those.rows, _summed(rollups, length, those.whole))
    _assert_same("offsets", set(_offsets(scene).items()), set(_ends(scene).items()))
    _assert_same("dead letters", set(stored.dead_letters), set())
    _assert_same("records among the dead letters", set(_read(scene, dead_letters_topic(scene.topic), {0: 0})), set())


class Summed(NamedTuple):
    """Stretches of one length that are noted as whole, and their rows: key and sums."""

    whole: set[int]
    rows: set[Any]


def _read_whole(stored: Stored) -> tuple[dict[str, dict[Any, dict[str, Any]]], set[Any], dict[Length, Summed]]:
    """Tables and sums of one moment: whoever falls silent may be found lost between reading one and the other."""

    def looked() -> tuple[Any, ...]:
        return stored.rows(sessions), *(stored.rows(length.notes) for length in LENGTHS)

    while True:
        before = looked()
        tables, rollups = stored.tables(), _pairs(stored.rollups)
        rows = {length: stored.rows(length.sums) for length in LENGTHS}
        if looked() == before:
            whole = [{at for at, is_summed in notes if is_summed} for notes in before[1:]]
            return (
                tables,
                rollups,
                {
                    length: Summed(those, {(row[:-SUMS], row[-SUMS:]) for row in rows[length] if row[0] in those})
                    for length, those in zip(LENGTHS, whole, strict=True)
                },
            )


def _summed(rollups: set[Any], length: Length, whole: set[int]) -> set[Any]:
    """What stretches must say, by the minutes."""
    sums: dict[Any, list[int]] = defaultdict(lambda: [0] * SUMS)
    for (minute, _, *key), values in rollups:
        if minute // length.minutes in whole:
            kept = sums[minute // length.minutes, *key]
            kept[:] = [old + more for old, more in zip(kept, values, strict=True)]
    return {(key, tuple(values)) for key, values in sums.items() if any(values)}


def _assert_same(what: str, stored: set[Any], expected: set[Any]) -> None:
    """Whole tables side by side tell nobody anything."""
    missing, more = sorted(map(str, expected - stored)), sorted(map(str, stored - expected))
    assert not missing + more, f"{what}: missing {len(missing)}: {missing[:20]}; too many {len(more)}: {more[:20]}"


def _values(tables: dict[str, dict[Any, dict[str, Any]]]) -> set[tuple[str, str, str, str]]:
    """Every value of every row that may not differ, by table, key and column."""
    return {
        (table, str(key), column, repr(value))
        for table, rows in tables.items()
        for key, row in rows.items()
        for column, value in row.items()
        if column not in _DIFFERS.get(table, set())
    }


def _pairs(rollups: dict[Any, list[int]]) -> set[tuple[Any, tuple[int, ...]]]:
    return {(key, tuple(sums)) for key, sums in rollups.items() if any(sums)}


def _ends(scene: Scene) -> dict[int, int]:
    """Where each partition ends that holds anything."""
    return {record.partition: record.offset + 1 for record in scene.log}


def _model(scene: Scene, stored: dict[Any, dict[str, Any]], now_us: int) -> ReferenceStore:
    """What the whole log makes of an empty store.

    When silence was looked for is up to the collectors. So whom they found lost the model looks for as well, and finds
    lost only whoever is silent by the log.
    """
    model = ReferenceStore()
    holder = Holder(scene.topic, model.load, bounds=Bounds(len(scene.log) + 1))
    holder.assign(dict.fromkeys(range(PARTITIONS), 0))
    _write(model, holder, holder.take(scene.log, now_us))
    for partition in range(PARTITIONS):
        lost = [one for one, row in stored.items() if (row["fate"], row["kafka_partition"]) == ("lost", partition)]
        _write(model, holder, holder.sweep(partition, now_us, now_us, lost))
    return model


def _write(model: ReferenceStore, holder: Holder, batch: Batch) -> None:
    if batch.changes.offsets:
        model.write(batch.changes)
    holder.wrote(batch)


def _offsets(scene: Scene) -> dict[int, int]:
    rows = Stored(scene.engine).rows(kafka_offsets)
    return {row[2]: row[4] for row in rows if row[1] == scene.topic and row[4]}


def _read(scene: Scene, topic: str, begin: dict[int, int]) -> list[Any]:
    """Every record of a topic from these offsets on, partition by partition."""
    consumer = Consumer({"bootstrap.servers": scene.servers.cluster.bootstrap, "group.id": "verdict", "log_level": 0})
    try:
        places = [TopicPartition(topic, partition, offset) for partition, offset in begin.items()]
        ends = {one.partition: _end(consumer, one) for one in places}
        expected = sum(ends.values()) - sum(begin.values())
        consumer.assign(places)
        found: list[Any] = []
        while len(found) < expected:
            some = consumer.consume(expected - len(found), timeout=_READ_TIMEOUT_S)
            assert some, f"{topic} gave {len(found)} records, not {expected}"
            assert [raw.error() for raw in some if raw.error()] == []
            found += some
        return sorted(found, key=lambda raw: (raw.partition(), raw.offset()))
    finally:
        consumer.close()


def _end(consumer: Consumer, place: TopicPartition) -> int:
    """Where a partition ends; shortly after the death of a broker another one is about to lead it."""

    def ask() -> tuple[int, ...]:
        try:
            return consumer.get_watermark_offsets(place, timeout=_READ_TIMEOUT_S)
        except KafkaException:
            return ()

    return wait_until(ask, within_s=_READ_TIMEOUT_S)[1]
