"""What stands beside a number, on SQLite and on PostgreSQL: a list has exactly those that were counted."""

from dataclasses import replace
from typing import Final, get_args

import pytest
from sqlalchemy import Engine

from collector.store.incidents import Alert, Incidents
from collector.store.questions import (
    Among,
    Beside,
    OfIncident,
    OutageFilters,
    Range,
    SessionFilters,
    Span,
)
from collector.store.questions_explore import ExploreFilters
from collector.store.reader import Reader
from collector.store.reader_incidents import IncidentPlace
from session_core import wire
from session_core.errors import Origin
from tests.filling import fill
from tests.histories import MINUTE_US, Life, session_id
from tests.pages.scene import NOW_US, SPIKE, lives, session_of

HOUR: Final = Span(NOW_US - 72_000_000 - 59 * MINUTE_US, NOW_US + 48_000_000)
"""Whole minutes, up to now."""
EVER: Final = Span(0, NOW_US + MINUTE_US)
ROOMS_AWAY: Final = Alert("ab12", SPIKE.started_at_us, None, {"alertname": "RtcReconnects", "about": "rooms"}, {})
SLOW_JOINS: Final = Alert("cd34", SPIKE.started_at_us, None, {"alertname": "RtcJoins", "code": "53000"}, {})


@pytest.fixture
def reader(store_engine: Engine) -> Reader:
    """A fleet through an incident, two who gave up joining, and what Alertmanager told of."""
    fill(store_engine, [*lives(), _gave_up(1), _gave_up(2)], now_us=NOW_US)
    Incidents(store_engine).keep([SPIKE, ROOMS_AWAY, SLOW_JOINS], NOW_US)
    return Reader(store_engine)


def _gave_up(minutes_ago: int) -> Life:
    at_us = NOW_US - minutes_ago * MINUTE_US
    life = Life(session_id(70_000 + minutes_ago, at_us), at_us)
    life.client = wire.ClientData()
    return life.connecting().later(900).connect_failed(None, Origin.LOCAL)


def _count(reader: Reader, filters: SessionFilters) -> int:
    page, following = reader.sessions(EVER, filters, limit=5_000, now_us=NOW_US)
    assert following is None
    return len(page.items)


@pytest.mark.parametrize("name", ["dora", "chen"])
def test_others_that_a_verdict_counts_are_listed_and_those_of_them_that_were_hit(reader: Reader, name: str) -> None:
    its = session_of(name)
    around = reader.case(its, now_us=NOW_US).around
    assert around is not None
    found = {
        among: tuple(_count(reader, SessionFilters(beside=Beside(its, among, hit))) for hit in (True, False))
        for among in get_args(Among)
    }
    assert found == {among: (getattr(around, among).hit, getattr(around, among).there) for among in get_args(Among)}
    assert all(there > hit for hit, there in found.values())
    assert _count(reader, SessionFilters(beside=Beside(its))) == sum(
        found[among][1] for among in ("room", "region", "elsewhere")
    )


def test_nobody_is_beside_a_session_that_nothing_went_wrong_with_or_that_is_not_there(reader: Reader) -> None:
    (well,) = reader.sessions(EVER, SessionFilters(fate=("left",), outages=(Range(0, 0),)), limit=1, now_us=NOW_US)[
        0
    ].items
    unknown = session_id(99_999, NOW_US)
    assert [_count(reader, SessionFilters(beside=Beside(one))) for one in (well.session_id, unknown)] == [0, 0]


@pytest.mark.parametrize("alert", [SPIKE, ROOMS_AWAY, SLOW_JOINS], ids=lambda alert: alert.fingerprint)
def test_whom_an_incident_could_have_hit_is_listed_and_whom_it_did(reader: Reader, alert: Alert) -> None:
    blast = reader.incident(IncidentPlace(alert.started_at_us, alert.fingerprint), now_us=NOW_US).blast
    assert blast is not None
    there = OfIncident(alert.fingerprint, alert.started_at_us, NOW_US)
    hit = replace(there, hit=True)
    assert (_count(reader, SessionFilters(incident=hit)), _count(reader, SessionFilters(incident=there))) == (
        blast.affected,
        blast.sessions,
    )
    assert 0 < blast.affected < blast.sessions
    for one in blast.by["region"]:
        of_region = SessionFilters(region=(one.value or "",))
        assert _count(reader, replace(of_region, incident=hit)) == one.affected
        assert _count(reader, replace(of_region, incident=there)) == one.sessions


def test_rooms_and_exports_take_the_same(reader: Reader) -> None:
    beside = SessionFilters(beside=Beside(session_of("dora"), "room"))
    (room,) = reader.rooms(EVER, beside, now_us=NOW_US)[0].items
    assert room.room_name == "biology-101"
    with reader.export("sessions", EVER, beside) as export:
        assert len([row for some in export.rows(100) for row in some]) == _count(reader, beside)


def test_who_gave_up_joining_is_no_part_of_what_shares_are_of(reader: Reader) -> None:
    ended = SessionFilters(ended_at=(Range(HOUR.since_us, HOUR.until_us - 1),))
    rows = reader.affected(HOUR, by="app_version", now_us=NOW_US).items
    found = _count(reader, replace(ended, cancelled=("no",)))
    assert found == sum(one.ended + one.join_failures for one in rows)
    assert _count(reader, ended) - found == _count(reader, replace(ended, cancelled=("yes",))) >= 2


def test_all_but_some_are_those_beside_them_and_what_was_not_told(reader: Reader) -> None:
    whole = _count(reader, SessionFilters())
    some = _count(reader, SessionFilters(app_version=("5.13.0",)))
    assert 0 < some == whole - _count(reader, SessionFilters(not_app_version=("5.13.0",)))
    untold = _count(reader, SessionFilters(app_version=("",)))
    assert untold == whole - _count(reader, SessionFilters(not_app_version=("",))) == 2


def test_outages_that_ended_in_a_time_are_those_that_counts_have_whenever_they_began(reader: Reader) -> None:
    ended = (Range(HOUR.since_us, HOUR.until_us - 1),)
    counted = {one.word: one.count for one in reader.breakdown("outcomes", HOUR, now_us=NOW_US).items}
    page, _ = reader.outages(EVER, OutageFilters(ended_at=ended), limit=500, now_us=NOW_US)
    listed = {word: sum(one.outcome == word for one in page.items) for word in counted}
    assert listed == counted
    assert sum(counted.values()) == len(page.items)
    span = Span(HOUR.since_us - 24 * 60 * MINUTE_US, HOUR.until_us)
    found = reader.explore(span, ExploreFilters(ended_at=ended), bucket_us=3_600_000_000, now_us=NOW_US)
    assert found.count == len(page.items)
