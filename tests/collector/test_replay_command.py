"""`roomwatch replay`: a stretch of the topic merged once more, beside what is there and who is at work."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import delete, select

from collector.store.tables import events, metadata, outages, rollups, sessions
from session_core.events import SEQLESS_TYPES
from tests.collector.ingest.test_consumer import lives_now
from tests.histories import Life
from tests.stage import Stage, roomwatch

WHEN_WRITTEN = {"stored_at", "version"}


def tables(stage: Stage) -> dict[str, list[tuple[Any, ...]]]:
    """All rows, but for what tells when and how often they were written."""
    with stage.engine.connect() as connection:
        return {
            name: sorted(
                (
                    tuple(str(value) for column, value in row._mapping.items() if column not in WHEN_WRITTEN)
                    for row in connection.execute(select(table))
                ),
            )
            for name, table in metadata.tables.items()
        }


def replay(stage: Stage, *arguments: str) -> tuple[int, str, str]:
    """Runs the command on the stage."""
    done = roomwatch(
        "replay",
        *arguments,
        database_url=stage.url,
        kafka_bootstrap_servers=stage.kafka.bootstrap,
        kafka_topic=stage.topic,
        kafka_group=stage.group,
    )
    return done.returncode, done.stdout, done.stderr


def read_in(stage: Stage, lives: Sequence[Life]) -> int:
    """Has a collector store all of it."""
    sent = stage.tell(lives)
    with stage.collector():
        stage.until_stored(sent)
    return sent


def says(lives: Sequence[Life], *, stored: bool) -> str:
    """What a replay of these lives says."""
    told = [one.message.type for life in lives for one in life.sent]
    alive = sum(kind in SEQLESS_TYPES for kind in told)
    new = len(told) - alive if stored else 0
    there = 0 if stored else len(told) - alive
    return (
        f"{len(told)} records read: {new} events stored, {there} were there already; "
        f"{alive} signs of life, 0 dead letters, 0 too old to keep\n"
    )


def forget_all_but_offsets(stage: Stage) -> None:
    """What an operator is left with who has restored the wrong tables."""
    with stage.engine.begin() as connection:
        for table in (events, sessions, outages, rollups):
            connection.execute(delete(table))


def test_what_is_there_already_stays_as_it_is(stage: Stage) -> None:
    lives = lives_now(40)
    read_in(stage, lives)
    before = tables(stage)
    assert replay(stage, "--from", "1h") == (0, says(lives, stored=False), "")
    assert tables(stage) == before


def test_what_is_not_there_is_stored(stage: Stage) -> None:
    lives = lives_now(40)
    read_in(stage, lives)
    before = tables(stage)
    forget_all_but_offsets(stage)
    assert replay(stage, "--from", "1h") == (0, says(lives, stored=True), "")
    stage.assert_told_exactly_once(lives)
    assert tables(stage) == before


def test_a_dry_run_says_what_it_would_store_and_stores_nothing(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage()
    lives = lives_now(10)
    read_in(stage, lives)
    forget_all_but_offsets(stage)
    before = tables(stage)
    code, out, _ = replay(stage, "--from", "1h", "--dry-run")
    assert (code, out) == (0, says(lives, stored=True).replace("events stored", "events would be stored"))
    assert tables(stage) == before


def test_collectors_at_work_are_not_disturbed_and_count_nothing(
    postgresql_url: str, make_stage: Callable[..., Stage]
) -> None:
    stage = make_stage(postgresql_url)
    lives = lives_now(80)
    sent = stage.tell(lives[:40])
    with stage.collector() as running:
        stage.until_stored(sent)
        forget_all_but_offsets(stage)
        counted = running.metric('rtc_collector_events_total{result="stored",type="room.connected"}')
        sent += stage.tell(lives[40:])
        joined = sum(one.message.type == "room.connected" for life in lives[40:] for one in life.sent)
        code, _, _ = replay(stage, "--from", "1h")
        stage.until_stored(sent)
        assert code == 0
        assert running.metric('rtc_collector_events_total{result="stored",type="room.connected"}') == counted + joined
    assert replay(stage, "--from", "1h")[0] == 0
    stage.assert_told_exactly_once(lives)


def test_what_was_appended_before_and_after_is_left_out(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage()
    read_in(stage, lives_now(5))
    forget_all_but_offsets(stage)
    code, out, _ = replay(stage, "--from", "2h", "--to", "1h")
    assert (code, out.partition(",")[0]) == (0, "0 records read: 0 events stored")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--from", "tomorrow"), "argument --from: tomorrow is not a time: take ISO 8601"),
        (("--from", "1h", "--to", "2h"), "--from = '-1h': must be before --to"),
        ((), "the following arguments are required: --from"),
    ],
)
def test_times_that_cannot_be_used_are_refused(
    make_stage: Callable[..., Stage], arguments: tuple[str, ...], says: str
) -> None:
    code, out, err = replay(make_stage(), *arguments)
    assert (code, out) == (2, "")
    assert says in err


def test_a_group_that_never_stored_anything_has_nothing_to_replay(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage()
    code, _, err = replay(stage, "--from", "1h")
    assert code == 2
    assert err == (
        f"roomwatch: nothing of topic {stage.topic} was ever stored for group roomwatch; correct kafka_topic or "
        "kafka_group, or start `roomwatch run`, which reads from the beginning\n"
    )
