"""The loop against real Kafka and real stores, in processes that are stopped, killed and joined by others."""

import os
import re
import signal
import time
from collections.abc import Callable
from itertools import pairwise

from confluent_kafka import KafkaException
from sqlalchemy import text, update

from collector.ingest.connection import dead_letters_topic
from collector.store.tables import kafka_offsets
from session_core import wire
from tests.histories import Life, fleet, session_id
from tests.servers.kafka import Kafka
from tests.servers.postgresql import PostgreSQL
from tests.stage import Running, Stage
from tests.waiting import wait_until

SMALL_BATCHES = {"batch_records_max": 40, "batch_wait_ms": 0}


def lives_now(count: int) -> list[Life]:
    return fleet(count, begun_us=time.time_ns() // 1000 - 60_000_000, every_us=1_000)  # noqa: TID251 - sessions of today


def test_what_rooms_say_is_stored_exactly_once(stage: Stage) -> None:
    lives = lives_now(100)
    with stage.collector() as running:
        stage.until_stored(stage.tell(lives))
        wait_until(lambda: running.readiness()["ready"])
        seqs = [[sent.message.data.seq for sent in life.sent if sent.message.id.isdecimal()] for life in lives]
        wait_until(lambda: running.metric("rtc_collector_events_received_total") == sum(map(len, seqs)))
        assert running.metric("rtc_collector_events_expected_total") == sum(max(some, default=-1) + 1 for some in seqs)
        assert running.metric("rtc_collector_sweep_timestamp_seconds") * 1_000_000 > lives[0].sent[0].append_at_us
    stage.assert_told_exactly_once(lives)


def test_a_collector_that_is_killed_in_the_middle_goes_on_where_the_store_stands(stage: Stage) -> None:
    lives = lives_now(300)
    sent = stage.tell(lives)
    for share in (0.2, 0.5):
        with stage.collector(**SMALL_BATCHES) as running:
            stage.until_stored(int(sent * share))
            os.kill(running.pid, signal.SIGKILL)
            assert running.exit_code() == -signal.SIGKILL
        assert stage.stored_offsets() < sent
    with stage.collector():
        stage.until_stored(sent)
    stage.assert_told_exactly_once(lives)


def test_collectors_that_join_and_leave_hand_partitions_over(stage: Stage) -> None:
    lives = [*lives_now(370), *(_just_joined(number) for number in range(900, 930))]
    first, second, third = lives[:130], [*lives[130:260], *lives[385:]], lives[260:385]
    sent = stage.tell(first)
    with stage.collector(**SMALL_BATCHES) as stays:
        stage.until_stored(sent // 4)
        with stage.collector(**SMALL_BATCHES) as leaves:
            sent += stage.tell(second)
            wait_until(lambda: _partitions(leaves.readiness()) == 2 == _partitions(stays.readiness()), within_s=30)
            stage.until_stored(sent)
            wait_until(lambda: _live(stays) + _live(leaves) == stage.live_sessions("ie1") > 0, within_s=30)
            sent += stage.tell(third)
            leaves.interrupt()
            assert leaves.exit_code() == 0
        stage.until_stored(sent)
        wait_until(lambda: _partitions(stays.readiness()) == 4, within_s=30)
        wait_until(lambda: _live(stays) == stage.live_sessions("ie1") > 0, within_s=30)
    stage.assert_told_exactly_once(lives)


def test_no_session_or_partition_is_told_of_twice_while_partitions_move(make_stage: Callable[..., Stage]) -> None:
    stage, lives = make_stage(), [_just_joined(number) for number in range(60)]
    seen: list[float] = []

    def moved(gains: Running, loses: Running, partitions: int) -> bool:
        """Who gains is asked first: what moves between the two looks is then missing, and not there twice."""
        seen.append(_live(gains) + (_live(loses) if loses.process.is_running else 0.0))
        return _partitions(gains.readiness()) == partitions

    with stage.collector() as stays:
        stage.until_stored(stage.tell(lives))
        wait_until(lambda: _live(stays) == len(lives))
        with stage.collector() as joins:
            wait_until(lambda: moved(joins, stays, 2), within_s=30)
            wait_until(lambda: _live(joins) + _live(stays) == len(lives), within_s=30)
            assert sorted(_of_lag(joins) + _of_lag(stays)) == ["0", "1", "2", "3"]
            joins.interrupt()
            wait_until(lambda: moved(stays, joins, 4), within_s=30)
        wait_until(lambda: _live(stays) == len(lives), within_s=30)
    assert len(seen) > 2
    # Both do what they do when they hear of it: one look may fall between, two in a row may not.
    assert max(min(two) for two in pairwise(seen)) <= len(lives), seen


def test_a_collector_that_slept_through_the_loss_of_its_partitions_writes_nothing_twice(
    postgresql_url: str, make_stage: Callable[..., Stage]
) -> None:
    """On PostgreSQL: a sleeper may keep SQLite's one lock for as long as it sleeps, and nobody can take that away."""
    stage = make_stage(postgresql_url)
    lives = lives_now(300)
    sent = stage.tell(lives[:150])
    with stage.collector(**SMALL_BATCHES) as sleeps:
        stage.until_stored(sent // 4)
        sleeps.interrupt(signal.SIGSTOP)
        with stage.collector(**SMALL_BATCHES):
            sent += stage.tell(lives[150:])
            # A sleeper in the middle of a COPY keeps its rows until the statement's time is over, which is a minute.
            wait_until(lambda: stage.stored_offsets() > sent // 2, within_s=110)
            sleeps.interrupt(signal.SIGCONT)
            stage.until_stored(sent)
            wait_until(lambda: _partitions(sleeps.readiness()) == 2, within_s=30)
    stage.assert_told_exactly_once(lives)


def test_a_broker_that_was_gone_is_read_on_from(kafka: Kafka, make_stage: Callable[..., Stage]) -> None:
    stage = make_stage()
    lives = lives_now(200)
    sent = stage.tell(lives[:100])
    with stage.collector(**SMALL_BATCHES) as running:
        stage.until_stored(sent // 2)
        kafka.kill()
        try:
            wait_until(lambda: _failing(running.readiness()) == {"kafka"}, within_s=40)
        finally:
            kafka.start()
        sent += stage.tell(lives[100:])
        stage.until_stored(sent, within_s=90)
        wait_until(lambda: running.readiness()["ready"], within_s=30)
    stage.assert_told_exactly_once(lives)


def test_a_database_that_was_gone_gets_every_batch_once(
    postgresql: PostgreSQL, postgresql_url: str, make_stage: Callable[..., Stage]
) -> None:
    stage = make_stage(postgresql_url)
    lives = lives_now(200)
    sent = stage.tell(lives[:100])
    with stage.collector(**SMALL_BATCHES) as running:
        stage.until_stored(sent // 4)
        postgresql.kill()
        sent += stage.tell(lives[100:])
        wait_until(lambda: "store" in _failing(running.readiness()), within_s=30)
        postgresql.start()
        stage.until_stored(sent, within_s=60)
        wait_until(lambda: running.readiness()["ready"], within_s=30)
    stage.assert_told_exactly_once(lives)


def test_what_cannot_be_read_becomes_a_dead_letter_and_the_rest_goes_on(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(partitions=1)
    lives = lives_now(20)
    one = lives[0].sent[0]
    key, value = one.key(), one.value()
    poison: list[tuple[bytes | None, bytes | None, str]] = [
        (None, None, "empty"),
        (key, None, "empty"),
        (key, b"\xff\xfe", "not-utf8"),
        (key, value[:-20], "not-json"),
        (key, b" " * (wire.VALUE_BYTES_MAX + 1), "too-large"),
        (b"somebody-else", value, "wrong-key"),
        (key, value.replace(b"urn:roomwatch:event:1", b"urn:roomwatch:event:2"), "unknown-major"),
    ]
    stage.put([(key, value) for key, value, _ in poison], headers=[("traceparent", b"00-1")])
    sent = stage.tell(lives)
    with stage.collector() as running:
        stage.until_stored(len(poison) + sent)
        assert running.metric('rtc_collector_dead_letters_total{reason="wrong-key"}') == 1
    stage.assert_told_exactly_once(lives)
    letters = stage.letters(len(poison))
    assert stage.refused() == [(0, offset, reason) for offset, (_, _, reason) in enumerate(poison)]
    assert [(letter.key(), letter.value()) for letter in letters] == [(key, value) for key, value, _ in poison]
    headers = [dict(letter.headers()) for letter in letters]
    assert [one["roomwatch-offset"] for one in headers] == [str(offset).encode() for offset in range(len(poison))]
    assert headers[6] == {
        "traceparent": b"00-1",
        "roomwatch-reason": b"unknown-major",
        "roomwatch-place": b"$.dataschema",
        "roomwatch-detail": headers[6]["roomwatch-detail"],
        "roomwatch-topic": stage.topic.encode(),
        "roomwatch-partition": b"0",
        "roomwatch-offset": b"6",
        "roomwatch-append-time": headers[6]["roomwatch-append-time"],
        "roomwatch-collector-version": b"0.1.0",
    }


def test_a_refused_record_waits_for_its_topic_and_is_never_dropped(
    kafka: Kafka, make_stage: Callable[..., Stage]
) -> None:
    stage = make_stage(partitions=1)
    lives = lives_now(5)
    with stage.collector() as running:
        kafka.delete_topic(dead_letters_topic(stage.topic))
        stage.put([(b"x", b"poison")])
        sent = stage.tell(lives)
        wait_until(lambda: "store" in _failing(running.readiness()), within_s=60)
        assert stage.stored_offsets() == 0
        kafka.create_topic(dead_letters_topic(stage.topic))
        stage.until_stored(1 + sent, within_s=60)
    assert [letter.value() for letter in stage.letters(1)] == [b"poison"]
    stage.assert_told_exactly_once(lives)


def test_records_that_the_log_dropped_unread_are_counted_as_lost(
    kafka: Kafka, make_stage: Callable[..., Stage]
) -> None:
    stage = make_stage(partitions=1)
    lives = lives_now(40)
    sent = stage.tell(lives[:10])
    with stage.collector():
        stage.until_stored(sent)
    unread = stage.tell(lives[10:20])
    kafka.delete_records(stage.topic, {0: sent + unread})
    with stage.collector() as running:
        sent += unread + stage.tell(lives[20:])
        stage.until_stored(sent)
        assert running.metric("rtc_collector_records_lost_total") == unread
    stage.assert_told_exactly_once(lives[:10] + lives[20:])


def test_a_store_that_is_ahead_of_the_log_stops_the_collector(kafka: Kafka, make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(partitions=1)
    sent = stage.tell(lives_now(5))
    with stage.collector():
        stage.until_stored(sent)
    kafka.delete_topic(stage.topic)
    wait_until(lambda: _made_anew(kafka, stage.topic))
    running = stage.start()
    assert running.exit_code() == 2
    said = running.process.log_file.read_text().splitlines()[-1]
    assert said.startswith(
        f"roomwatch: partition 0 of topic {stage.topic} ends at offset 0, the store has read up to {sent}"
    )


def test_a_topic_that_is_made_anew_under_a_collector_stops_it(kafka: Kafka, make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(partitions=1)
    with stage.collector() as running:
        stage.until_stored(stage.tell(lives_now(20)))
        kafka.delete_topic(stage.topic)
        wait_until(lambda: _made_anew(kafka, stage.topic))
        stage.tell(lives_now(2))
        assert running.exit_code(within_s=60) == 2
    assert "was the topic made anew?" in running.process.log_file.read_text().splitlines()[-1]


def test_partitions_that_are_added_while_collectors_run_are_read_with_the_sessions_that_move_there(
    kafka: Kafka, make_stage: Callable[..., Stage], postgresql_url: str
) -> None:
    stage = make_stage(postgresql_url, partitions=1)
    lives = [*lives_now(100), *(_just_joined(number) for number in range(900, 930))]
    halves = [(life.sent[: len(life.sent) // 2], life.sent[len(life.sent) // 2 :]) for life in lives]
    early, late = ([one for half in halves for one in half[which]] for which in (0, 1))
    with stage.collector(**SMALL_BATCHES) as one, stage.collector(**SMALL_BATCHES) as other:
        stage.put((sent.key(), sent.value()) for sent in early)
        stage.until_stored(len(early))
        kafka.add_partitions(stage.topic, 4)
        stage.partitions = 4
        stage.put((sent.key(), sent.value()) for sent in late)
        stage.until_stored(len(early) + len(late), within_s=60)
        wait_until(lambda: _partitions(one.readiness()) == 2 == _partitions(other.readiness()), within_s=30)
        wait_until(lambda: _live(one) + _live(other) == stage.live_sessions("ie1") > 0, within_s=60)
    stage.assert_told_exactly_once(lives)


def test_a_stop_finishes_the_batch_and_leaves_nothing_half_done(stage: Stage) -> None:
    lives = lives_now(200)
    sent = stage.tell(lives)
    with stage.collector(**SMALL_BATCHES) as running:
        stage.until_stored(sent // 4)
        running.interrupt()
        assert running.exit_code() == 0
    with stage.collector():
        stage.until_stored(sent)
    stage.assert_told_exactly_once(lives)


def test_a_stop_while_the_broker_is_away_is_in_order_too(kafka: Kafka, make_stage: Callable[..., Stage]) -> None:
    stage = make_stage()
    with stage.collector() as running:
        stage.until_stored(stage.tell(lives_now(10)))
        kafka.kill()
        try:
            running.interrupt()
            assert running.exit_code() == 0
        finally:
            kafka.start()


def test_a_stop_that_takes_too_long_is_cut_off_and_loses_nothing(
    postgresql_url: str, make_stage: Callable[..., Stage]
) -> None:
    stage = make_stage(postgresql_url, partitions=1)
    lives = lives_now(20)
    sent = stage.tell(lives[:10])
    with stage.collector(stop_within_s=1) as running:
        stage.until_stored(sent)
        with stage.engine.connect() as connection:
            connection.execute(update(kafka_offsets).values(next_offset=kafka_offsets.c.next_offset))
            sent += stage.tell(lives[10:])
            wait_until(lambda: _waiting_for_locks(stage) > 0)
            running.interrupt()
            assert running.exit_code() == 1
            connection.rollback()
    assert running.process.log_file.read_text().splitlines()[-1] == (
        "roomwatch: the batch in hand was not finished within 1 s; it will be read again"
    )
    with stage.collector():
        stage.until_stored(sent)
    stage.assert_told_exactly_once(lives)


def _just_joined(number: int) -> Life:
    return Life(session_id(number, time.time_ns() // 1000)).connecting().later(200).connected()  # noqa: TID251 - as above


def _live(running: Running) -> float:
    return running.metric('rtc_sessions_live{region="ie1"}')


def _of_lag(running: Running) -> list[str]:
    """The partitions whose lag it tells."""
    return re.findall(r'^rtc_collector_lag_messages\{partition="(\d+)"\}', running.metrics(), re.MULTILINE)


def _waiting_for_locks(stage: Stage) -> int:
    with stage.engine.connect() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")) or 0)


def _made_anew(kafka: Kafka, topic: str) -> bool:
    """Kafka removes a topic some time after it said so."""
    try:
        kafka.create_topic(topic)
    except KafkaException:
        return False
    return True


def _partitions(readiness: dict[str, object]) -> int:
    checks = readiness["checks"]
    assert isinstance(checks, list)
    detail = str(next(check["detail"] for check in checks if check["name"] == "assignment"))
    return int(detail.split(maxsplit=1)[0]) if detail.endswith("partitions") else 0


def _failing(readiness: dict[str, object]) -> set[str]:
    checks = readiness["checks"]
    assert isinstance(checks, list)
    return {check["name"] for check in checks if not check["ok"]}
