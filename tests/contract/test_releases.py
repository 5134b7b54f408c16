"""Whether a release is worse, on SQLite and on PostgreSQL."""

from typing import Final

import msgspec
import pytest
from sqlalchemy import Engine

from collector.store.questions import Span, Who
from collector.store.reader import Reader
from collector.store.reader_releases import RELEASES_MAX, Pair, Seen, judged, of_all, verdict_of
from collector.store.shares import Share
from session_core.errors import Origin
from tests.filling import fill
from tests.histories import CLIENT, MINUTE_US, START_US, Life, session_id

NOW_US: Final = START_US + 180 * MINUTE_US
SPAN: Final = Span(START_US, NOW_US)


def _session(
    number: int, version: str, minute: int, *, dropped: bool = False, joins: bool = True, region: str = "ie1"
) -> Life:
    at_us = START_US + minute * MINUTE_US
    life = Life(session_id(number, at_us), at_us)
    life.client = msgspec.structs.replace(CLIENT, app_version=version, region=region)
    life.connecting().later(100)
    if not joins:
        return life.connect_failed(53000)
    life.connected().later(20_000)
    if dropped:
        return life.reconnecting().attempted().later(5_000).disconnected(53002, Origin.WINDOW)
    return life.disconnected(reason="leave", origin=Origin.LOCAL)


def _two_hours() -> list[Life]:
    """1.0 all the time, and bad in the first hour; 2.0 from the second hour on: in it a third are dropped."""
    old = [_session(n, "1.0", n, dropped=n < 60) for n in range(120)]
    new = [_session(200 + n, "2.0", 60 + n, dropped=n % 3 == 0) for n in range(60)]
    return [*old, *new, _session(400, "", 70)]


def test_a_release_is_compared_with_others_since_it_was_seen_first(store_engine: Engine) -> None:
    fill(store_engine, _two_hours(), now_us=NOW_US)
    told = Reader(store_engine).releases(SPAN, by="app_version", now_us=NOW_US)
    facts = {
        one.value: (
            one.first_seen.strftime("%H:%M"),
            one.last_seen.strftime("%H:%M"),
            one.sessions,
            (one.drop_free.good, one.drop_free.of),
            (one.drop_free.rest_good, one.drop_free.rest_of),
            one.verdict,
        )
        for one in told.items
    }
    assert facts == {
        "2.0": ("17:00", "17:45", 60, (40, 60), (61, 61), "worse"),
        "1.0": ("16:00", "17:45", 120, (60, 120), (41, 61), "too_few"),
        None: ("17:00", "17:00", 1, (1, 1), (25, 30), "too_few"),
    }
    assert [one.value for one in told.items] == ["2.0", None, "1.0"]
    assert told.left_out == 0
    assert told.completeness.sessions == 181


def test_joins_and_reconnects_are_judged_too(store_engine: Engine) -> None:
    old = [_session(n, "1.0", n, joins=n % 60 != 0) for n in range(120)]
    new = [_session(200 + n, "2.0", n, joins=n % 2 == 0) for n in range(60)]
    fill(store_engine, [*old, *new], now_us=NOW_US)
    newest, oldest = Reader(store_engine).releases(SPAN, by="app_version", now_us=NOW_US).items
    assert {one.value: (one.joined.good, one.joined.of, one.verdict) for one in (newest, oldest)} == {
        "1.0": (118, 120, "better"),
        "2.0": (30, 60, "worse"),
    }
    assert (newest.drop_free.verdict, newest.reconnected.verdict, newest.reconnected.share) == (
        "too_few",
        "too_few",
        None,
    )


def test_filters_leave_out_of_the_rest_too_whom_they_do_not_name(store_engine: Engine) -> None:
    elsewhere = _session(900, "3.0", 65, region="us1")
    fill(store_engine, [*_two_hours(), elsewhere], now_us=NOW_US)
    told = Reader(store_engine).releases(SPAN, Who(region=("ie1",)), by="app_version", now_us=NOW_US)
    assert {one.value: one.drop_free.rest_of for one in told.items} == {None: 30, "2.0": 61, "1.0": 61}


def test_more_versions_than_an_answer_holds_are_counted_among_the_rest(store_engine: Engine) -> None:
    lives = [_session(n, f"v{n:03}", n % 90) for n in range(RELEASES_MAX + 7)]
    fill(store_engine, [*lives, *(_session(500 + n, "big", n) for n in range(90))], now_us=NOW_US)
    told = Reader(store_engine).releases(SPAN, by="app_version", now_us=NOW_US)
    assert (len(told.items), told.left_out) == (RELEASES_MAX, 8)
    (big,) = (one for one in told.items if one.value == "big")
    assert big.drop_free.rest_of == RELEASES_MAX + 7


def test_an_empty_store_has_no_releases(store_engine: Engine) -> None:
    told = Reader(store_engine).releases(SPAN, by="sdk_version", now_us=NOW_US)
    assert (told.items, told.left_out) == ((), 0)


@pytest.mark.parametrize(
    ("ours", "rest", "adjusted", "verdict"),
    [
        (Share(900, 1_000), Share(9_900, 10_000), 1e-9, "worse"),
        (Share(9_900, 10_000), Share(900, 1_000), 1e-9, "better"),
        (Share(990, 1_000), Share(9_900, 10_000), 1.0, "no_difference_found"),
        (Share(30, 30), Share(9_900, 10_000), 1.0, "too_few"),
        (Share(1, 4), Share(9_900, 10_000), None, "too_few"),
    ],
)
def test_a_verdict_says_no_more_than_the_numbers(
    ours: Share, rest: Share, adjusted: float | None, verdict: str
) -> None:
    assert verdict_of(Pair(ours, rest), adjusted) == verdict


def test_one_bad_measure_makes_a_release_worse() -> None:
    assert of_all(("better", "worse", "too_few")) == "worse"
    assert of_all(("no_difference_found", "too_few", "better")) == "better"
    assert of_all(("no_difference_found", "too_few", "too_few")) == "no_difference_found"


def test_of_many_alike_none_is_found_worse_by_the_luck_of_many() -> None:
    alike, none = Pair(Share(90, 100), Share(4_800, 5_000)), Pair(Share(0, 0), Share(0, 0))
    alone = judged([Seen("1", 0, 1, (alike, none, none))])
    many = judged([Seen(str(n), n, 99, (alike, none, none)) for n in range(RELEASES_MAX)])
    assert [one.verdict for one in alone] == ["worse"]
    assert {one.verdict for one in many} == {"too_few"}
