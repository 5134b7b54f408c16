"""Breakdowns, on SQLite and on PostgreSQL."""

from collections import Counter
from typing import Any, Final

import msgspec
import pytest
from sqlalchemy import Engine

from collector.errors import BadFilter
from collector.store.questions import EVERYONE, By, Clients, Span, Who, Words
from collector.store.reader import Reader
from collector.store.reader_breakdowns import Split, breakdown, failure_codes
from collector.store.views_breakdowns import Breakdown
from session_core.errors import Origin
from tests.filling import fill
from tests.histories import CLIENT, CLIENTS, MINUTE_US, START_US, Life, fleet, session_id

NOW_US: Final = START_US + 300 * MINUTE_US
SPAN: Final = Span(START_US - 60 * MINUTE_US, NOW_US)
WORDS: Final[tuple[Words, ...]] = ("causes", "outcomes", "fates")


@pytest.fixture
def reader(store_engine: Engine) -> Reader:
    """A fleet in which everything happens, on clients of three kinds, some of which say little of themselves."""
    lives = fleet(120, begun_us=START_US)
    fill(store_engine, lives, now_us=NOW_US)
    return Reader(store_engine)


def _summed(told: Breakdown, *names: By) -> Counter[Any]:
    """Counts by word and by these of the values."""
    summed: Counter[Any] = Counter()
    for one in told.items:
        assert one.values is not None
        summed[one.word, *(one.values[name] for name in names)] += one.count
    return summed


@pytest.mark.parametrize("what", WORDS)
def test_what_is_counted_one_by_one_is_what_the_sums_say(reader: Reader, what: Words) -> None:
    by_sums = reader.breakdown(what, SPAN, by=("region",), limit=100, now_us=NOW_US)
    one_by_one = reader.breakdown(what, SPAN, by=("region", "network_type"), limit=100, now_us=NOW_US)
    assert len(by_sums.items) > 3
    assert _summed(one_by_one, "region") == _summed(by_sums, "region")


def test_failures_counted_one_by_one_are_those_of_the_sums(reader: Reader) -> None:
    def counted(by: tuple[By, ...]) -> Counter[Any]:
        told: Counter[Any] = Counter()
        for one in reader.failure_codes(SPAN, by=by, limit=100, now_us=NOW_US).items:
            told[one.phase, one.error.code, (one.values or {}).get("app_version")] += one.count
        return told

    assert len(counted(("app_version",))) > 3
    assert counted(("app_version", "platform")) == counted(("app_version",))


def test_figures_of_any_filter_are_those_of_the_sums(reader: Reader) -> None:
    said = tuple({client.network_type or "" for client in CLIENTS})
    every, filtered = (reader.kpis(SPAN, who, now_us=NOW_US).kpis for who in (Who(), Clients(network_type=said)))
    some = reader.kpis(SPAN, Clients(network_type=("cellular",)), now_us=NOW_US).kpis
    assert filtered == every
    assert 0 < some["join_success"].denominator < every["join_success"].denominator


def test_a_share_is_of_all_with_the_same_values(reader: Reader) -> None:
    told = reader.breakdown("outcomes", SPAN, by=("region",), now_us=NOW_US)
    for one in told.items:
        assert one.of == sum(other.count for other in told.items if other.values == one.values)
        assert one.low <= one.share == one.count / one.of <= one.high


@pytest.mark.parametrize("what", WORDS)
def test_what_is_split_by_time_adds_up(reader: Reader, what: Words) -> None:
    told = reader.breakdown(what, SPAN, by=("app_version",), bucket_us=5 * MINUTE_US, now_us=NOW_US)
    assert told.buckets
    whole: Counter[Any] = Counter()
    for one in told.buckets:
        assert one.at.timestamp() % 300 == 0
        whole[one.word, str(one.values)] += one.count
    assert whole == {(one.word, str(one.values)): one.count for one in told.items}


def test_causes_and_fates_by_code_name_the_code_that_ended_them(reader: Reader) -> None:
    causes = reader.breakdown("causes", SPAN, by=("code",), now_us=NOW_US)
    fates = reader.breakdown("fates", SPAN, by=("code", "phase"), phase="session", now_us=NOW_US)
    assert {53002} <= {(one.values or {})["code"] for one in causes.items}
    assert {(one.values or {})["phase"] for one in fates.items} == {"session"}
    assert {(one.values or {})["code"] for one in fates.items if one.word == "left"} == {None}


def _dropped(number: int, version: str, code: int) -> Life:
    life = Life(session_id(number), START_US + number * 1000)
    life.client = msgspec.structs.replace(CLIENT, app_version=version)
    life.connecting().later(10).connected().later(5_000).reconnecting().attempted().later(100)
    return life.disconnected(code, Origin.SERVER)


def test_values_beyond_the_largest_are_told_together(store_engine: Engine) -> None:
    lives = [_dropped(n, f"v{n // 3 if n < 6 else n}", 53002 if n % 2 else 53000) for n in range(20)]
    fill(store_engine, lives, now_us=NOW_US)
    reader = Reader(store_engine)
    told = reader.failure_codes(SPAN, by=("app_version",), limit=2, now_us=NOW_US)
    assert [(one.value, one.rest, one.error.code, one.count, one.of) for one in told.items] == [
        ("v0", False, 53000, 2, 3),
        ("v1", False, 53002, 2, 3),
        ("v1", False, 53000, 1, 3),
        ("v0", False, 53002, 1, 3),
        (None, True, 53000, 7, 14),
        (None, True, 53002, 7, 14),
    ]
    assert (told.values_left_out, told.codes_left_out) == (14, 0)
    fates = reader.breakdown("fates", SPAN, by=("app_version",), limit=2, bucket_us=MINUTE_US, now_us=NOW_US)
    assert [(one.values, one.rest, one.count) for one in fates.items] == [
        ({"app_version": "v0"}, False, 3),
        ({"app_version": "v1"}, False, 3),
        (None, True, 14),
    ]
    assert [(one.rest, one.count) for one in fates.buckets or ()] == [(False, 3), (False, 3), (True, 14)]


def test_codes_beyond_the_most_frequent_are_counted_and_not_told(store_engine: Engine) -> None:
    fill(store_engine, [_dropped(n, "1", 70_000 + n * n // 20) for n in range(10)], now_us=NOW_US)
    split = Split(bucket_us=MINUTE_US, codes_max=2)
    with store_engine.connect() as connection:
        told = failure_codes(connection, SPAN, EVERYONE, None, split, NOW_US)
    assert [(one.error.code, one.count, one.of) for one in told.items] == [(70_000, 5, 10), (70_001, 2, 10)]
    assert (told.codes_left_out, told.failures_left_out) == (3, 3)
    assert [(one.code, one.count) for one in told.buckets or ()] == [(70_000, 5), (70_001, 2)]


def test_more_counts_over_time_than_an_answer_may_hold_are_refused(store_engine: Engine) -> None:
    fill(store_engine, fleet(20, every_us=MINUTE_US), now_us=NOW_US)
    split = Split(bucket_us=MINUTE_US, rows_max=3)
    with store_engine.connect() as connection, pytest.raises(BadFilter, match="makes more than 3 counts"):
        breakdown(connection, "fates", SPAN, EVERYONE, None, split, NOW_US)


def test_an_empty_store_has_nothing_to_break_down(store_engine: Engine) -> None:
    reader = Reader(store_engine)
    assert reader.breakdown("causes", SPAN, by=("region", "platform"), now_us=NOW_US).items == ()
    assert reader.failure_codes(SPAN, by=("region", "platform"), bucket_us=MINUTE_US, now_us=NOW_US).buckets == ()
