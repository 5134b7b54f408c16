"""What must be true after a round, whatever happened in it.

The topic's log is read again from its beginning and given to a plain model of the store, in one piece and in order: what
the collectors have left must be the same rows. What was promised to the producer is compared apart from that.
"""

from __future__ import annotations

from typing import Any, Final

from confluent_kafka import Consumer, TopicPartition

from collector.ingest.connection import dead_letters_topic
from collector.ingest.decode import Record
from collector.ingest.partitions import Holder
from collector.store.tables import kafka_offsets
from tests.contract.stored import Stored
from tests.faults.promised import Promised
from tests.faults.scene import PARTITIONS, Scene
from tests.reference_store import ReferenceStore, rollups_of
from tests.waiting import wait_until

_DIFFERS: Final = {"events": {"stored_at"}, "sessions": {"version", "lost_at"}}
"""When it was stored, and in how many batches."""
_STORED_WITHIN_S: Final = 90.0
_READ_TIMEOUT_S: Final = 20.0


def until_stored(scene: Scene, ends: dict[int, int]) -> None:
    """Waits until the collectors have stored all that the log holds."""

    def is_stored() -> bool:
        scene.tend()
        return _offsets(scene) == ends

    wait_until(is_stored, within_s=_STORED_WITHIN_S, every_s=0.1)


def log_of(scene: Scene) -> list[Record]:
    """The whole topic, partition by partition."""
    return [
        Record(raw.partition(), raw.offset(), raw.timestamp()[1] * 1000, raw.key(), raw.value())
        for raw in sorted(_read(scene, scene.topic, PARTITIONS), key=lambda raw: (raw.partition(), raw.offset()))
    ]


def ends_of(log: list[Record]) -> dict[int, int]:
    """Where each partition ends that holds anything."""
    return {record.partition: record.offset + 1 for record in log}


def assert_exactly_once(scene: Scene, promised: Promised, log: list[Record], now_us: int) -> None:
    """Every promised event is stored once, and every row says what the model's says."""
    stored, model = Stored(scene.engine), _model(scene.topic, log, now_us)
    tables = stored.tables(without=_DIFFERS)
    assert promised.stored_keys() == set(tables["events"])
    assert _differences(tables, model.tables(without=_DIFFERS)) == []
    rollups = {key: sums for key, sums in stored.rollups.items() if any(sums)}
    whole = stored.tables()
    assert rollups == rollups_of(whole["sessions"].values(), whole["outages"].values())
    assert rollups == {key: sums for key, sums in model.rollups.items() if any(sums)}
    assert _offsets(scene) == ends_of(log)
    assert stored.dead_letters == []
    assert _read(scene, dead_letters_topic(scene.topic), 1) == []


def _model(topic: str, log: list[Record], now_us: int) -> ReferenceStore:
    model = ReferenceStore()
    holder = Holder(topic, model.load, sessions_max=len(log) + 1)
    holder.assign(dict.fromkeys(range(PARTITIONS), 0))
    model.write(holder.take(log, now_us).changes)
    return model


def _differences(stored: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """Row by row and column by column: whole tables side by side tell nobody anything."""
    return [
        f"{table} {key}: {column} is {(mine or {}).get(column)!r}, should be {(other or {}).get(column)!r}"
        for table, rows in expected.items()
        for key in {*rows, *stored[table]}
        for mine, other in [(stored[table].get(key), rows.get(key))]
        for column in {*(mine or ()), *(other or ())}
        if (mine or {}).get(column) != (other or {}).get(column)
    ]


def _offsets(scene: Scene) -> dict[int, int]:
    rows = Stored(scene.engine).rows(kafka_offsets)
    return {row[2]: row[4] for row in rows if row[1] == scene.topic and row[4]}


def _read(scene: Scene, topic: str, partitions: int) -> list[Any]:
    """Every record of a topic."""
    consumer = Consumer({"bootstrap.servers": scene.servers.cluster.bootstrap, "group.id": "verdict", "log_level": 0})
    try:
        places = [TopicPartition(topic, partition) for partition in range(partitions)]
        ends = [consumer.get_watermark_offsets(place, timeout=_READ_TIMEOUT_S)[1] for place in places]
        consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
        found: list[Any] = []
        while len(found) < sum(ends):
            some = consumer.consume(sum(ends) - len(found), timeout=_READ_TIMEOUT_S)
            assert some, f"{topic} gave {len(found)} records, not {sum(ends)}"
            assert [raw.error() for raw in some if raw.error()] == []
            found += some
        return found
    finally:
        consumer.close()
