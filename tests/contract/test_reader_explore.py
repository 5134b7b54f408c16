"""What the Reader answers to whoever explores outages, on SQLite and on PostgreSQL."""

from collections import Counter
from typing import Final
from uuid import UUID

import pytest
from sqlalchemy import Engine, insert

from collector.store.questions import DIMENSIONS, Range, Span
from collector.store.questions_explore import ANY_OUTAGE, ExploreFilters
from collector.store.reader import Reader
from collector.store.tables import outages, rollups, sessions
from collector.store.views_explore import LastedBetween
from collector.store.views_lists import OutageItem
from session_core.instants import utc_from_us
from tests.filling import fill
from tests.histories import CLIENTS, MINUTE_US, SECOND_US, YEAR_US, Life, session_id
from tests.pages.scene import NOW_US, room_of_the_story

HOUR: Final = Span(NOW_US - 60 * MINUTE_US, NOW_US + MINUTE_US)
FIVE_MINUTES_US: Final = 5 * MINUTE_US


def _wrong_clock() -> Life:
    at_us = NOW_US - 28 * MINUTE_US
    skew_us = -40 * YEAR_US
    life = Life(session_id(3, at_us + skew_us), at_us, skew_us, room_name="elsewhere", identity="zoe")
    life.client = CLIENTS[1]
    life.connecting().later(500).connected().later(60_000)
    return life.reconnecting("media").attempted().later(3_000).reconnected().later(120_000)


@pytest.fixture
def reader(store_engine: Engine) -> Reader:
    """The room of the story, and an outage of a client whose clock is forty years off."""
    fill(store_engine, [*room_of_the_story(), _wrong_clock()], now_us=NOW_US)
    return Reader(store_engine)


def test_every_outage_is_counted_once_in_every_way(reader: Reader) -> None:
    found = reader.explore(HOUR, bucket_us=FIVE_MINUTES_US, now_us=NOW_US)
    assert (found.one_in, found.count, found.recovered, found.settled) == (1, 9, 4, 8)
    assert {name: sum(row.count for row in rows) for name, rows in found.by.items()} == dict.fromkeys(found.by, 9)
    assert sum(one.count for one in found.trend) == 9
    assert [(row.value, row.count, row.recovered) for row in found.by["outcome"]] == [
        ("recovered", 4, 4),
        ("failed", 2, 0),
        ("abandoned", 1, 0),
        ("lost", 1, 0),
        ("open", 1, 0),
    ]
    assert [(row.value, row.count, row.settled) for row in found.by["code"]] == [
        (None, 7, 6),
        ("53000", 1, 1),
        ("53002", 1, 1),
    ]


def test_a_value_is_held_against_its_share_of_the_sessions_that_began(reader: Reader) -> None:
    found = reader.explore(HOUR, bucket_us=FIVE_MINUTES_US, now_us=NOW_US)
    (here, elsewhere) = found.by["region"]
    assert (here.value, here.count, here.share, here.fleet_share) == ("br1", 8, 8 / 9, 7 / 8)
    assert (elsewhere.count, elsewhere.fleet_share) == (1, 1 / 8)
    assert {row.fleet_share for name in ("cause", "outcome", "code") for row in found.by[name]} == {None}


def test_what_is_filtered_is_held_against_all_outages_of_the_fleet(reader: Reader) -> None:
    found = reader.explore(HOUR, ExploreFilters(region=("br1",)), bucket_us=FIVE_MINUTES_US, now_us=NOW_US)
    # Eight of the nine are over, and one of those, zoe's, was elsewhere.
    assert [(row.value, row.count, row.fleet_share) for row in found.by["outcome"]] == [
        ("recovered", 3, 4 / 8),
        ("failed", 2, 2 / 8),
        ("abandoned", 1, 1 / 8),
        ("lost", 1, 1 / 8),
        ("open", 1, 0.0),
    ]


def test_an_outage_of_a_wrong_clock_is_counted_when_it_was(reader: Reader) -> None:
    began_us = NOW_US - 27 * MINUTE_US + SECOND_US // 2
    around = Span(began_us - SECOND_US, began_us + SECOND_US)
    found = reader.explore(around, bucket_us=SECOND_US, now_us=NOW_US)
    page, _ = reader.outages(around, now_us=NOW_US)
    assert [(row.value, row.count) for row in found.by["cause"]] == [("media", 1)]
    assert [(one.identity, one.started_at) for one in page.items] == [("zoe", utc_from_us(began_us + 19_000))]


BY_FILTER: Final = {
    ANY_OUTAGE: {"ana": 1, "ben": 1, "chen": 1, "dora": 1, "emre": 3, "fatima": 1, "zoe": 1},
    ExploreFilters(region=("br1",), outcome=("failed",)): {"ben": 1, "chen": 1},
    ExploreFilters(code=("53002",)): {"ben": 1},
    ExploreFilters(code=("", "53000"), outcome=("failed", "abandoned")): {"chen": 1, "dora": 1},
    ExploreFilters(cause=("media",)): {"ana": 1, "zoe": 1},
    ExploreFilters(cause=("media",), platform=("web",)): {"ana": 1},
    ExploreFilters(platform=("",)): {"zoe": 1},
    ExploreFilters(network_type=("cellular",)): {"zoe": 1},
    ExploreFilters(lasted=((6_000, 12_000),)): {"dora": 1, "emre": 1},
    ExploreFilters(lasted=((4_200, 4_201), (30_000, 1 << 53))): {"ana": 1, "ben": 1},
    ExploreFilters(sdk_version=("0",)): {},
}


def test_outages_are_counted_and_listed_by_each_filter(reader: Reader) -> None:
    listed = {
        asked: Counter(one.identity for one in reader.outages(HOUR, asked.listed(), now_us=NOW_US)[0].items)
        for asked in BY_FILTER
    }
    counted = {asked: reader.explore(HOUR, asked, bucket_us=MINUTE_US, now_us=NOW_US).count for asked in BY_FILTER}
    assert listed == BY_FILTER
    assert counted == {asked: sum(found.values()) for asked, found in BY_FILTER.items()}


def test_the_list_begins_with_what_began_last_and_every_outage_is_on_one_page(reader: Reader) -> None:
    seen: list[OutageItem] = []
    after = None
    for _ in range(6):
        page, after = reader.outages(HOUR, after=after, limit=2, now_us=NOW_US)
        seen += page.items
        if after is None:
            break
    assert [one.identity for one in seen] == ["ana", "emre", "emre", "fatima", "emre", "dora", "chen", "ben", "zoe"]


def test_how_long_outages_lasted_is_told_by_stretches_and_percentiles(reader: Reader) -> None:
    told = reader.time_to_reconnect(HOUR, now_us=NOW_US)
    assert (told.recovered, told.p50_ms, told.p90_ms, told.p99_ms) == (4, 3_000, 6_400, 6_400)
    assert [one for one in told.buckets if one.recovered or one.not_recovered] == [
        LastedBetween(from_ms=1_000, to_ms=1_500, recovered=0, not_recovered=1),
        LastedBetween(from_ms=2_000, to_ms=3_000, recovered=1, not_recovered=0),
        LastedBetween(from_ms=3_000, to_ms=5_000, recovered=2, not_recovered=0),
        LastedBetween(from_ms=5_000, to_ms=7_000, recovered=1, not_recovered=0),
        LastedBetween(from_ms=10_000, to_ms=15_000, recovered=0, not_recovered=1),
        LastedBetween(from_ms=20_000, to_ms=30_000, recovered=0, not_recovered=1),
        LastedBetween(from_ms=30_000, to_ms=45_000, recovered=0, not_recovered=1),
    ]


def test_where_nothing_happened_there_is_nothing_to_count(reader: Reader) -> None:
    before = Span(NOW_US - 90 * MINUTE_US, NOW_US - 60 * MINUTE_US)
    found = reader.explore(before, bucket_us=FIVE_MINUTES_US, now_us=NOW_US)
    assert (found.count, found.trend, found.lasted.p50_ms, found.completeness.share) == (0, (), None, None)
    assert reader.outages(before, now_us=NOW_US)[0].items == ()


def test_how_complete_it_is_is_told_of_the_sessions_that_began(reader: Reader) -> None:
    told = reader.explore(HOUR, bucket_us=FIVE_MINUTES_US, now_us=NOW_US).completeness
    assert (told.sessions, told.share, told.silent_sessions) == (8, 1.0, 2)


def test_of_many_outages_some_are_looked_at_evenly_and_counts_are_multiplied(
    reader: Reader, store_engine: Engine
) -> None:
    _many(store_engine, 4_000)
    web = ExploreFilters(cause=("media",), platform=("web",))
    found = reader.explore(HOUR, web, bucket_us=FIVE_MINUTES_US, looked_at_max=500, now_us=NOW_US)
    assert (found.one_in, found.exact, found.exact_trend) == (9, False, False)
    assert found.count % 9 == 0
    assert abs(found.count - 4_001) < 600
    few = reader.explore(HOUR, web, bucket_us=FIVE_MINUTES_US, looked_at_max=50, now_us=NOW_US)
    assert (few.one_in, few.count % 128) == (128, 0)
    assert abs(few.count - 4_001) < 600
    busy = [one.count for one in found.trend if one.outcome == "closed"]
    assert [round(count, -2) for count in busy[1:-1]] == [500] * 7


SIX_SECONDS: Final = Span(HOUR.since_us + 6 * SECOND_US, HOUR.until_us - 54 * SECOND_US)
"""Not of whole minutes, at either end."""


@pytest.mark.parametrize(
    ("filters", "span", "exact", "exact_trend"),
    [
        (ANY_OUTAGE, Span(HOUR.since_us - 12 * SECOND_US, HOUR.until_us - 12 * SECOND_US), True, True),
        (ExploreFilters(region=("br1",), cause=("media",)), SIX_SECONDS, True, False),
        (ExploreFilters(outcome=("closed", "recovered")), SIX_SECONDS, True, False),
        (ExploreFilters(code=("",)), SIX_SECONDS, True, False),
        (ExploreFilters(ended_at=(Range(None, NOW_US),), region=("br1",)), HOUR, True, False),
        (ExploreFilters(lasted=((0, 60_000),), region=("br1",)), HOUR, False, False),
    ],
)
def test_of_many_outages_it_is_said_how_many_there_are_where_sums_or_a_count_know(
    reader: Reader, store_engine: Engine, filters: ExploreFilters, span: Span, *, exact: bool, exact_trend: bool
) -> None:
    _many(store_engine, 2_000)
    every = reader.explore(span, filters, bucket_us=MINUTE_US, now_us=NOW_US)
    some = reader.explore(span, filters, bucket_us=MINUTE_US, looked_at_max=100, now_us=NOW_US)
    assert (every.one_in, some.one_in > 1) == (1, True)
    assert (some.exact, some.exact_trend) == (exact, exact_trend)
    counted = (every.count, every.recovered, every.settled)
    assert ((some.count, some.recovered, some.settled) == counted, some.trend == every.trend) == (exact, exact_trend)


def _many(engine: Engine, count: int) -> None:
    """So many outages of one session, one every .6 s, by a clock that tells tenths of a second."""
    with engine.begin() as connection:
        row = connection.execute(sessions.select().where(sessions.c.identity == "ana")).one()._asdict()
        owner = UUID(int=row["session_id"].int + 1)
        connection.execute(insert(sessions), [row | {"session_id": owner}])
        template = connection.execute(outages.select().where(outages.c.session_id == row["session_id"])).one()._asdict()
        began = [NOW_US - 40 * MINUTE_US + n * 600_000 for n in range(count)]
        connection.execute(
            insert(outages),
            [
                template
                | {"session_id": owner, "number": n + 1, "outcome": "closed"}
                | dict.fromkeys(("started_at", "opened_at"), at_us)
                for n, at_us in enumerate(began)
            ],
        )
        summed = Counter(at_us // MINUTE_US for at_us in began)
        none = {column.name: "" for column in rollups.primary_key} | dict.fromkeys(("kafka_partition", *"abcd"), 0)
        none |= {name: row[name] for name in DIMENSIONS}
        kept = none | {"kind": "outage", "code": -1, "cause": template["cause"], "outcome": "closed"}
        connection.execute(insert(rollups), [kept | {"minute": minute, "n": n} for minute, n in summed.items()])
