"""What must be true after a round, whatever happened in it.

What the topic holds is given to a plain model of the store, in one piece and in order: what the collectors have left
must be the same rows. What was promised to the producer is compared apart from that.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from confluent_kafka import Consumer, TopicPartition

from collector.ingest.connection import dead_letters_topic
from collector.ingest.decode import Record
from collector.ingest.partitions import Holder
from collector.store.tables import kafka_offsets
from tests.contract.stored import Stored
from tests.faults.scene import PARTITIONS, Scene
from tests.reference_store import ReferenceStore, rollups_of
from tests.waiting import wait_until

_DIFFERS: Final[dict[str, set[str]]] = {"events": {"stored_at"}, "sessions": {"version", "lost_at"}}
"""When it was stored, and in how many batches."""
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


def assert_exactly_once(scene: Scene, promised: set[tuple[UUID, int]], now_us: int) -> None:
    """Every event that was promised, now and before, is stored once; and every row says what the model's says."""
    scene.promised |= promised
    stored, model = Stored(scene.engine), _model(scene, now_us)
    tables = stored.tables()
    assert scene.promised == set(tables["events"])
    assert _differences(tables, model.tables()) == []
    rollups = {key: sums for key, sums in stored.rollups.items() if any(sums)}
    assert rollups == rollups_of(tables["sessions"].values(), tables["outages"].values())
    assert rollups == {key: sums for key, sums in model.rollups.items() if any(sums)}
    assert _offsets(scene) == _ends(scene)
    assert stored.dead_letters == []
    assert _read(scene, dead_letters_topic(scene.topic), {0: 0}) == []


def _ends(scene: Scene) -> dict[int, int]:
    """Where each partition ends that holds anything."""
    return {record.partition: record.offset + 1 for record in scene.log}


def _model(scene: Scene, now_us: int) -> ReferenceStore:
    model = ReferenceStore()
    holder = Holder(scene.topic, model.load, sessions_max=len(scene.log) + 1)
    holder.assign(dict.fromkeys(range(PARTITIONS), 0))
    model.write(holder.take(scene.log, now_us).changes)
    return model


def _differences(stored: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """Row by row and column by column: whole tables side by side tell nobody anything."""
    return [
        f"{table} {key}: {column} is {(mine or {}).get(column)!r}, should be {(other or {}).get(column)!r}"
        for table, rows in expected.items()
        for key in {*rows, *stored[table]}
        for mine, other in [(stored[table].get(key), rows.get(key))]
        if mine != other
        for column in {*(mine or ()), *(other or ())} - _DIFFERS.get(table, set())
        if (mine or {}).get(column) != (other or {}).get(column)
    ]


def _offsets(scene: Scene) -> dict[int, int]:
    rows = Stored(scene.engine).rows(kafka_offsets)
    return {row[2]: row[4] for row in rows if row[1] == scene.topic and row[4]}


def _read(scene: Scene, topic: str, begin: dict[int, int]) -> list[Any]:
    """Every record of a topic from these offsets on, partition by partition."""
    consumer = Consumer({"bootstrap.servers": scene.servers.cluster.bootstrap, "group.id": "verdict", "log_level": 0})
    try:
        places = [TopicPartition(topic, partition, offset) for partition, offset in begin.items()]
        ends = {one.partition: consumer.get_watermark_offsets(one, timeout=_READ_TIMEOUT_S)[1] for one in places}
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
