"""Metrics and rollups are two folds over the same differences: on the same on-time events they say the same."""

from collections import Counter
from collections.abc import Mapping

import pytest
from prometheus_client import CollectorRegistry

from collector import metric_labels
from collector.ingest.decode import Record
from collector.ingest.partitions import Holder
from collector.metrics import LATE_AFTER_US, Metrics
from collector.store.changes import RollupKey, Sums
from session_core.outbox import NUMBERS_USED_UP, OVERFLOW, REFUSED
from tests.histories import MINUTE_US, Life, fleet, records, session_id

Rollups = dict[RollupKey, list[int]]


def fold(log: list[Record], size: int, delay_us: int = 0) -> tuple[Metrics, Rollups]:
    """What a log counts to, taken in batches of `size`, each `delay_us` after its last record was appended."""
    metrics = Metrics(CollectorRegistry(), version="1")
    holder = Holder("events", lambda _: {}, token_window_us=60 * MINUTE_US)
    holder.assign({0: 0})
    rollups: Rollups = {}
    for start in range(0, len(log), size):
        part = log[start : start + size]
        now_us = part[-1].append_at_us + delay_us
        batch = holder.take(part, now_us)
        metrics.count(batch.differences, now_us=now_us, results=batch.results, transitions=batch.transitions)
        metrics.count_client_losses(batch.lost)
        metrics.count_dead_letters(letter.reason for letter in batch.changes.dead_letters)
        holder.wrote(batch)
        for partition, held in holder.held(now_us).items():
            metrics.hold(partition, held)
        add(rollups, batch.changes.rollups)
    return metrics, rollups


def add(rollups: Rollups, more: Mapping[RollupKey, Sums]) -> None:
    for key, sums in more.items():
        row = rollups.setdefault(key, [0] * len(sums))
        for place, value in enumerate(sums):
            row[place] += value


def counted(metrics: Metrics, name: str, *by: str) -> dict[tuple[str, ...], float]:
    """A counter summed by some of its labels, without what is 0."""
    sums: Counter[tuple[str, ...]] = Counter()
    for family in metrics.registry.collect():
        for sample in family.samples:
            if sample.name == name:
                sums[tuple(sample.labels[label] for label in by)] += sample.value  # type: ignore[assignment]
    return {key: value for key, value in sums.items() if value}


def rolled(rollups: Rollups, kind: str, *by: str, place: int = 0) -> dict[tuple[str, ...], int]:
    """Rows of a kind summed by some of their columns, without what is 0."""
    sums: Counter[tuple[str, ...]] = Counter()
    for key, row in rollups.items():
        if key.kind == kind:
            sums[tuple(str(getattr(key, column)) for column in by)] += row[place]
    return {key: value for key, value in sums.items() if value}


@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_counters_say_what_the_rollups_say(size: int) -> None:
    metrics, rollups = fold(records(fleet(120)), size)
    assert counted(metrics, "rtc_sessions_started_total") == rolled(rollups, "started")
    assert counted(metrics, "rtc_connect_attempts_total") == rolled(rollups, "started")
    assert counted(metrics, "rtc_sessions_joined_total") == rolled(rollups, "joined")
    assert counted(metrics, "rtc_sessions_ended_total", "fate") == rolled(rollups, "ended", "fate")
    assert counted(metrics, "rtc_outages_started_total", "cause") == rolled(rollups, "outage", "cause")
    assert counted(metrics, "rtc_outage_flaps_total", "cause") == rolled(rollups, "outage", "cause", place=1)
    assert counted(metrics, "rtc_outages_ended_total", "outcome") == rolled(rollups, "outage_ended", "outcome")
    assert sum(rolled(rollups, "outage_ended").values()) > 50  # a fleet without outages would prove nothing


@pytest.mark.parametrize("size", [1, 1_000])
def test_failures_by_phase_and_code_and_time_in_states_are_those_of_the_rollups(size: int) -> None:
    metrics, rollups = fold(records(fleet(120)), size)
    failed: Counter[tuple[str, str]] = Counter()
    for (fate, code), n in rolled(rollups, "ended", "fate", "code").items():
        if fate in metric_labels.FAILED_FATES and code != "-1":
            phase = "join" if fate == "not_joined" else "session"
            failed[phase, metric_labels.failure_code(int(code), phase)] += n
    assert counted(metrics, "rtc_terminal_failures_total", "phase", "code") == failed
    assert {phase for phase, _ in failed} == {"join", "session"}
    seconds = counted(metrics, "rtc_state_seconds_total", "state")
    assert seconds["connected",] == pytest.approx(rolled(rollups, "ended", place=1)[()] / 1000)
    assert seconds["reconnecting",] == pytest.approx(rolled(rollups, "ended", place=2)[()] / 1000)


def test_what_was_lost_and_came_back_is_counted_as_the_rollups_have_it() -> None:
    metrics = Metrics(CollectorRegistry(), version="1")
    holder = Holder("events", lambda session_ids: {})  # noqa: ARG005 - the store has nothing yet
    holder.assign({0: 0})
    rollups: Rollups = {}
    life = Life(session_id(1)).connecting().later(300).connected().later(60_000).reconnecting().later(200_000)
    log = records([life.reconnected().later(5_000).disconnected(reason="leave")])
    for part, swept in ((log[:3], True), (log[3:4], False), (log[4:], False)):
        now_us = part[-1].append_at_us
        batches = [holder.take(part, now_us)]
        if swept:
            now_us += 2 * MINUTE_US
            batches.append(holder.sweep(0, now_us, now_us))
        for batch in batches:
            metrics.count(batch.differences, now_us=now_us)
            add(rollups, batch.changes.rollups)
    ended, reopened = (
        counted(metrics, name, "outcome") for name in ("rtc_outages_ended_total", "rtc_outages_reopened_total")
    )
    assert (ended, reopened) == ({("lost",): 1, ("recovered",): 1}, {("lost",): 1})
    assert rolled(rollups, "outage_ended", "outcome") == {("recovered",): 1}
    assert counted(metrics, "rtc_state_seconds_total", "state") == {("connected",): 65, ("reconnecting",): 200}


def test_live_sessions_are_those_that_joined_and_have_not_ended() -> None:
    metrics, rollups = fold(records(fleet(120)), 50)
    ended = sum(n for (fate,), n in rolled(rollups, "ended", "fate").items() if fate != "not_joined")
    live = counted(metrics, "rtc_sessions_live")
    assert live[()] == rolled(rollups, "joined")[()] - ended > 0


def test_a_catch_up_after_a_quarter_of_an_hour_is_stored_and_moves_no_live_counter() -> None:
    metrics, rollups = fold(records(fleet(40)), 10_000, delay_us=LATE_AFTER_US + 60 * MINUTE_US)
    assert rolled(rollups, "started") == {(): 40}
    for name in ("rtc_sessions_started_total", "rtc_terminal_failures_total", "rtc_outages_started_total"):
        assert counted(metrics, name) == {}
    assert {result for (result,) in counted(metrics, "rtc_collector_events_total", "result")} == {"late"}
    assert counted(metrics, "rtc_state_transitions_total") == {}


def test_a_replay_of_a_million_old_events_moves_no_live_counter() -> None:
    log = records(fleet(400))
    metrics = Metrics(CollectorRegistry(), version="1")
    holder = Holder("events", lambda _: {}, token_window_us=60 * MINUTE_US)
    holder.assign({0: 0})
    now_us = log[-1].append_at_us + LATE_AFTER_US + 60 * MINUTE_US
    batch = holder.take(log, now_us)
    times = 1 + 1_000_000 // len(log)
    before = _of_rooms(metrics)
    for _ in range(times):
        metrics.count(batch.differences, now_us=now_us, results=batch.results, transitions=batch.transitions)
        metrics.count_client_losses(batch.lost)
    assert counted(metrics, "rtc_collector_events_total", "result") == {("late",): times * len(log)}
    assert _of_rooms(metrics) == before


def _of_rooms(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """All that is told of rooms, by name and labels; of the collector itself other things are told."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if not sample.name.startswith("rtc_collector_") and not sample.name.endswith("_created")
    }


def test_a_record_that_is_read_again_counts_as_a_duplicate_and_nowhere_else() -> None:
    log = records(fleet(20))
    once, _ = fold(log, 50)
    again = [record._replace(offset=record.offset + len(log)) for record in log]
    twice, _ = fold(log + again, 50)
    for name in ("rtc_sessions_started_total", "rtc_sessions_ended_total", "rtc_outages_ended_total"):
        assert counted(twice, name) == counted(once, name)
    assert ("duplicate",) in counted(twice, "rtc_collector_events_total", "result")


LOST = "rtc_client_events_lost_total"


def _lossy() -> list[Record]:
    """A session that lost three events, said so in two steps, and said the last of it on everything after."""
    life = Life(session_id(1)).connecting().connected().participant().participant().loses(2)
    return records([life.reconnecting().reconnected().participant().loses(1).disconnected(reason="leave")])


@pytest.mark.parametrize("size", [1, 2, 1_000])
def test_what_clients_lost_counts_once_however_often_it_is_told(size: int) -> None:
    log = _lossy()
    again = [record._replace(offset=record.offset + len(log)) for record in log]
    once, _ = fold(log, size)
    twice, _ = fold(log + again, size)
    assert counted(once, LOST, "reason") == counted(twice, LOST, "reason") == {("overflow",): 3}


def test_what_was_said_to_be_lost_a_quarter_of_an_hour_ago_is_no_loss_of_now() -> None:
    metrics, _ = fold(_lossy(), 1_000, delay_us=LATE_AFTER_US + 60 * MINUTE_US)
    assert counted(metrics, LOST) == {}


def test_a_reason_to_lose_events_that_is_not_known_is_other() -> None:
    metrics = Metrics(CollectorRegistry(), version="1")
    metrics.count_client_losses({"overflow": 2, "eaten": 1})
    assert counted(metrics, LOST, "reason") == {("overflow",): 2, ("other",): 1}
    assert metric_labels.LOSS_REASONS == (OVERFLOW, REFUSED, NUMBERS_USED_UP)
