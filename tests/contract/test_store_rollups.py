"""Rollups are, after every single write, the GROUP BY of what sessions and outages say. On both stores.

What is told late, taken back or corrected moves in the same transaction: there is no moment at which they differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from collector.errors import StoreUnavailable
from collector.ingest.decode import Record
from collector.ingest.derive import SILENCE_US
from collector.ingest.partitions import Holder
from collector.store.ageing import Ageing
from collector.store.changes import CLOCK_TOLERANCE_US, Changes
from collector.store.questions import Span
from collector.store.reader import Reader
from collector.store.retention import DAY_US, Retention
from collector.store.tables import outages, sessions
from session_core.errors import Origin
from tests.contract.stored import NOW_US, TOPIC, Stored
from tests.histories import CLIENTS, MINUTE_US, SECOND_US, START_US, Life, Sent, fleet, log_of, records, session_id
from tests.owners import TURNS, Turn, disorder, disorderly_run
from tests.reference_store import rollups_of

REAL = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,  # each example empties the store
    ],
)
MONTH: Final = Span(START_US - DAY_US, START_US + 31 * DAY_US)
MORNING: Final = Span(START_US, START_US + 360 * MINUTE_US)
HOUR: Final = Span(START_US + 60 * MINUTE_US, START_US + 120 * MINUTE_US)
MINUTES: Final = Span(START_US + 60 * MINUTE_US, START_US + 75 * MINUTE_US)


class Watched(Stored):
    """A store that is looked at after each write."""

    def write(self, changes: Changes) -> None:
        super().write(changes)
        self.check()

    def check(self) -> None:
        """Its rollups, and when its outages opened, are what its rows say."""
        tables = self.tables()
        for (whose, _), outage in tables["outages"].items():
            offset_us = tables["sessions"][whose]["clock_offset_us"]
            shift_us = offset_us if abs(offset_us) > CLOCK_TOLERANCE_US else 0
            assert outage["opened_at"] == outage["started_at"] + shift_us
        assert self.rollups == rollups_of(tables["sessions"].values(), tables["outages"].values())


class Reading:
    """An owner that reads a log as it comes, one record a transaction, and forgets all it held after each."""

    def __init__(self, engine: Engine) -> None:
        self.store = Watched(engine)
        self.holder = Holder(TOPIC, self.store.load)
        self.holder.assign({0: 0})

    def read(self, *sent: Sent) -> None:
        for one in sent:
            self.take(log_of([one])[0])

    def take(self, record: Record) -> None:
        at = self.holder.positions[0]
        self.store.write(self.holder.take([record._replace(offset=at)], NOW_US).changes)
        self.holder.forget(self.store.sessions)

    def sweep(self, stream_us: int) -> None:
        self.store.write(self.holder.sweep(0, stream_us, NOW_US, list(self.store.sessions)).changes)
        self.holder.forget(self.store.sessions)

    def said(self) -> dict[str, int]:
        """What the rollups count, by kind and by what became of it."""
        counted: Counter[str] = Counter()
        for key, (n, *_) in self.store.rollups.items():
            counted[" ".join(word for word in (key[2], key[5], key[6]) if word)] += n
        return {what: n for what, n in counted.items() if n}

    def minutes(self, kind: str) -> dict[int, int]:
        """How many of a kind there are in each minute."""
        counted: Counter[int] = Counter()
        for key, (n, *_) in self.store.rollups.items():
            counted[key[0]] += n if key[2] == kind else 0
        return {minute: n for minute, n in counted.items() if n}


@pytest.fixture
def reading(store_engine: Engine) -> Reading:
    return Reading(store_engine)


def joined() -> Life:
    return Life(session_id(1)).connecting().later(300).connected().later(20_000)


def test_an_event_that_comes_after_the_end_is_counted_where_it_belongs(reading: Reading) -> None:
    life = joined().reconnecting().later(3_000).attempted().reconnected().later(9_000).disconnected(reason="leave")
    connecting, connected, dropped, back, left = life.sent
    reading.read(connecting, connected, left)
    assert reading.said() == {"started": 1, "joined": 1, "ended left": 1}
    reading.read(dropped)
    assert reading.said()["outage_ended recovered"] == 1  # its end left from connected
    reading.read(back)
    assert reading.said() == {
        "started": 1,
        "joined": 1,
        "outage recovered": 1,
        "outage_ended recovered": 1,
        "ended left": 1,
    }
    assert list(reading.minutes("outage")) == [(START_US + 20_300_000) // MINUTE_US]


def test_the_beginning_that_comes_last_moves_what_was_guessed_of_it(reading: Reading) -> None:
    life = Life(session_id(1, START_US - 10 * MINUTE_US), START_US).connecting().later(61_000).connected()
    reading.read(life.sent[1])
    begun = reading.minutes("started")
    reading.read(life.sent[0])
    assert (list(begun), list(reading.minutes("started"))) == (
        [START_US // MINUTE_US - 10],
        [START_US // MINUTE_US],
    )


def test_a_session_that_was_lost_and_is_alive_again_is_taken_back_and_counted_as_it_ends(reading: Reading) -> None:
    life = joined().reconnecting()
    reading.read(*life.sent)
    assert reading.said() == {"started": 1, "joined": 1, "outage open": 1}
    reading.sweep(START_US + 21 * SECOND_US + SILENCE_US)
    lost = {"outage_ended lost": 1, "ended lost": 1}
    assert reading.said() == {"started": 1, "joined": 1, "outage lost": 1, **lost}
    alive = life.later(200_000).alive().sent[-1]
    reading.read(alive)
    assert reading.said() == {"started": 1, "joined": 1, "outage open": 1}
    reading.sweep(alive.append_at_us + SILENCE_US)
    assert reading.said() == {"started": 1, "joined": 1, "outage lost": 1, **lost}
    reading.read(life.later(300_000).disconnected(53002, Origin.WINDOW).sent[-1])
    ended = {"outage_ended failed": 1, "ended dropped": 1}
    assert reading.said() == {"started": 1, "joined": 1, "outage failed": 1, **ended}


def test_an_outage_whose_outcome_changes_is_counted_once_as_what_it_is(reading: Reading) -> None:
    life = joined().reconnecting().later(5_000).attempted().reconnected().later(4_000)
    *before, back = life.sent
    reading.read(*before)
    reading.sweep(START_US + 21 * SECOND_US + SILENCE_US)
    assert reading.said()["outage_ended lost"] == 1
    ended = life.disconnected(53000, Origin.ATTEMPTS).sent[-1]
    reading.read(ended)
    assert reading.said()["outage_ended recovered"] == 1  # it left from connected, so it must have come back
    reading.read(back)
    outcomes = {what: n for what, n in reading.said().items() if what.startswith("outage")}
    assert outcomes == {"outage recovered": 1, "outage_ended recovered": 1}


def test_an_outage_that_a_terminal_event_closed_and_that_had_come_back_before_is_recovered(reading: Reading) -> None:
    life = joined().reconnecting().later(5_000).attempted().reconnected().later(100).reconnecting()
    life.later(30_000).disconnected(53002, Origin.WINDOW)
    connecting, connected, first, back, second, ended = life.sent
    reading.read(connecting, connected, first, ended)
    assert reading.said()["outage_ended failed"] == 1
    reading.read(second)
    outcomes = {what: n for what, n in reading.said().items() if what.startswith("outage_")}
    assert outcomes == {"outage_ended failed": 1, "outage_ended recovered": 1}
    reading.read(back)
    assert {what: n for what, n in reading.said().items() if what.startswith("outage_")} == outcomes


def test_a_clock_offset_that_improves_moves_all_of_the_session_to_its_minutes(reading: Reading) -> None:
    life = joined().reconnecting().later(1_000).attempted().reconnected().later(90_000)
    late_us = 200 * SECOND_US
    waited = [sent._replace(append_at_us=sent.append_at_us + late_us) for sent in life.sent]
    reading.read(*waited)
    first = {kind: list(reading.minutes(kind)) for kind in ("started", "joined", "outage", "outage_ended")}
    reading.read(life.alive().sent[-1])
    then = {kind: list(reading.minutes(kind)) for kind in first}
    at_us = START_US, START_US + 300_000, START_US + 20_300_000, START_US + 21_300_000
    assert first == {kind: [(us + late_us) // MINUTE_US] for kind, us in zip(first, at_us, strict=True)}
    assert then == {kind: [us // MINUTE_US] for kind, us in zip(first, at_us, strict=True)}


def test_a_region_that_is_told_later_takes_the_session_with_it(reading: Reading) -> None:
    life = joined()
    life.client = CLIENTS[1]
    reading.read(*life.reconnecting().sent)
    regions = {key[7] for key, (n, *_) in reading.store.rollups.items() if n}
    assert regions == {CLIENTS[1].region}


def test_a_client_that_tells_another_version_with_every_event_leaves_rows_of_the_last_alone(reading: Reading) -> None:
    life = joined()
    for number in range(20):
        life.client = msgspec.structs.replace(CLIENTS[0], app_version=f"build {number}", region=f"region {number}")
        life.later(30_000).reconnecting().later(300).reconnected()
    reading.read(*life.sent)
    assert reading.said() == {"started": 1, "joined": 1, "outage recovered": 20, "outage_ended recovered": 20}
    assert {key[-1] for key in reading.store.rollups} == {"build 19"}
    assert len(reading.store.rollups) <= 42


def test_a_write_that_fails_moves_neither(reading: Reading) -> None:
    life = joined()
    reading.read(*life.sent)
    before = reading.store.everything()
    batch = reading.holder.take(
        [log_of(life.disconnected(reason="leave").sent[-1:])[0]._replace(offset=reading.holder.positions[0])], NOW_US
    )
    reading.store.away = True
    with pytest.raises(StoreUnavailable):
        reading.store.write(batch.changes)
    assert reading.store.everything() == before
    reading.store.away = False
    reading.store.write(batch.changes)
    assert reading.said() == {"started": 1, "joined": 1, "ended left": 1}


@given(disorder(), TURNS, st.integers(1, 4))
@REAL
def test_after_every_write_of_any_order_repetition_and_split_they_are_the_group_by(
    store: Stored, sent: tuple[list[Sent], list[Sent]], turns: list[Turn], sessions_max: int
) -> None:
    store.clear()
    disorderly_run(lambda: Watched(store.engine), sent[1], turns, sessions_max)
    Watched(store.engine).check()


def _figures(reader: Reader, span: Span) -> dict[str, Any]:
    """What the answers say that rollups tell, without what they say of the sessions that are left."""
    codes = reader.failure_codes(span, by=("region",), bucket_us=60 * MINUTE_US, now_us=NOW_US)
    told = reader.kpis(span, now_us=NOW_US).kpis
    affected = reader.affected(span, by="sdk", now_us=NOW_US).items
    return {
        "codes": (codes.items, codes.buckets),
        "kpis": {name: told[name] for name in ROLLED},
        "affected": [one.model_copy(update={"live": 0}) for one in affected],
    }


ROLLED: Final[Sequence[str]] = (
    "join_success",
    "drop_rate",
    "drop_free_sessions",
    "reconnect_incidence",
    "reconnect_success_strict",
    "reconnect_success_lenient",
    "abandonment",
    "time_reconnecting",
    "availability",
)


@pytest.mark.parametrize("span", [MONTH, MORNING, HOUR, MINUTES], ids=["month", "morning", "hour", "minutes"])
def test_failure_codes_counts_and_ratios_are_answered_from_rollups_alone(store: Stored, span: Span) -> None:
    lives = [life for life in fleet(300, every_us=600 * SECOND_US) if life.state == "disconnected"]
    holder = Holder(TOPIC, store.load)
    holder.assign({0: 0})
    store.write(holder.take(records(lives), NOW_US).changes)
    reader = Reader(store.engine)
    before = _figures(reader, span)
    assert before["affected"]
    assert bool(before["codes"][0]) or span != MONTH
    keeps = Retention(events_days=1, sessions_days=1, outages_days=1, rollups_days=4_000)
    assert Ageing(store.engine, keeps).run(NOW_US, lambda _: False, lambda _: None)
    assert store.rows(sessions) == store.rows(outages) == []
    assert _figures(reader, span) == before
