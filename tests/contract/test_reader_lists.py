"""The Reader's lists of rooms and outages, on SQLite and on PostgreSQL: filters, orders, pages and hashed names."""

from collections.abc import Callable, Sequence
from typing import Any, Final
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, event

from collector.errors import OutageNotFound, RoomNotFound, SessionNotFound
from collector.store.questions import (
    NamedFilters,
    OutageFilters,
    OutageSort,
    Range,
    SessionFilters,
    SessionSort,
    Span,
)
from collector.store.reader import Reader
from collector.store.views_lists import OutageItem, RoomView
from session_core.errors import Origin
from session_core.identity import hashed
from session_core.instants import utc_from_us
from tests.filling import fill
from tests.histories import MINUTE_US, SECOND_US, YEAR_US, Life, session_id
from tests.pages.scene import NOW_US, ROOM_NAME, ROOM_SID, room_of_the_story

HOUR_US: Final = 60 * MINUTE_US
EVER: Final = Span(0, NOW_US + YEAR_US)
KEY: Final = b"a key of the tests, no other"
ELSEWHERE: Final = "RM" + "e" * 32


@pytest.fixture
def reader(store_engine: Engine) -> Reader:
    """The room of the story, and one elsewhere with a clock that is forty years off."""
    fill(store_engine, [*room_of_the_story(), _wrong_clock()], now_us=NOW_US)
    return Reader(store_engine)


def _wrong_clock() -> Life:
    life = _elsewhere(3, 28 * MINUTE_US, skew_us=-40 * YEAR_US).connecting().later(500).connected(ttl_s=86_400)
    life.later(60_000).reconnecting("media").attempted().later(3_000).reconnected()
    return life.later(120_000).disconnected(reason="leave", origin=Origin.LOCAL)


def _elsewhere(number: int, us_ago: int, *, skew_us: int = 0, identity: str = "zoe") -> Life:
    at_us = NOW_US - us_ago
    life = Life(session_id(number, at_us + skew_us), at_us, skew_us, room_name="elsewhere", identity=identity)
    life.room_sid = ELSEWHERE
    return life


def _told(outages: tuple[OutageItem, ...]) -> list[tuple[str | None, str, int]]:
    return [(one.identity, one.outcome, one.downtime_ms) for one in outages]


NEWEST_FIRST: Final = [
    ("ana", "recovered", 4200),
    ("emre", "open", 4000),
    ("emre", "recovered", 2100),
    ("fatima", "lost", 1000),
    ("emre", "recovered", 6400),
    ("dora", "abandoned", 10998),
    ("chen", "failed", 21000),
    ("ben", "failed", 30000),
    ("zoe", "recovered", 3000),
]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("-started_at", NEWEST_FIRST),
        ("started_at", NEWEST_FIRST[::-1]),
        ("-downtime_ms", sorted(NEWEST_FIRST, key=lambda one: -one[2])),
    ],
)
def test_every_outage_is_on_one_page_in_every_order_whatever_its_clock_says(
    reader: Reader, sort: OutageSort, order: list[tuple[str, str, int]]
) -> None:
    seen: list[OutageItem] = []
    after = None
    for _ in range(10):
        page, after = reader.outages(EVER, sort=sort, after=after, limit=2, now_us=NOW_US)
        seen += page.items
        if after is None:
            break
    assert _told(tuple(seen)) == order


def test_outages_that_come_meanwhile_do_not_disturb_the_pages_that_follow(reader: Reader, store_engine: Engine) -> None:
    first, after = reader.outages(EVER, limit=4, now_us=NOW_US)
    newcomer = _elsewhere(9, MINUTE_US).connecting().later(100).connected().later(1_000).reconnecting()
    fill(store_engine, [newcomer], now_us=NOW_US)
    rest, _ = reader.outages(EVER, after=after, now_us=NOW_US)
    assert _told((*first.items, *rest.items)) == NEWEST_FIRST


OUTAGES_FOUND: Final = [
    (OutageFilters(cause=("media",)), {"ana", "zoe"}),
    (OutageFilters(outcome=("failed", "abandoned")), {"ben", "chen", "dora"}),
    (OutageFilters(code=(53002,)), {"ben"}),
    (OutageFilters(code=(53002, 53000), origin=("attempts",)), {"chen"}),
    (OutageFilters(downtime_ms=(Range(least=11_000),)), {"ben", "chen"}),
    (OutageFilters(downtime_ms=(Range(most=1_000), Range(least=30_000))), {"fatima", "ben"}),
    (OutageFilters(downtime_ms=(Range(4_000, 4_200),), attempts=(Range(1, 1),)), {"ana", "emre"}),
    (OutageFilters(signaling_down_ms=(Range(least=25_000),)), {"ben"}),
    (OutageFilters(media_down_ms=(Range(most=0),), outcome=("lost",)), {"fatima"}),
    (OutageFilters(region=("br1",), fate=("dropped",)), {"ben", "chen"}),
    (OutageFilters(room_name=("elsewhere",)), {"zoe"}),
    (OutageFilters(room_sid=(ROOM_SID,), identity=("emre",), outcome=("open",)), {"emre"}),
    (OutageFilters(network_type=("",)), set()),
]


def test_outages_are_found_by_each_filter(reader: Reader) -> None:
    assert [
        {one.identity for one in reader.outages(EVER, filters, now_us=NOW_US)[0].items} for filters, _ in OUTAGES_FOUND
    ] == [found for _, found in OUTAGES_FOUND]


def test_outages_of_a_stretch_of_time_are_those_that_opened_in_it(reader: Reader) -> None:
    opened_us = NOW_US - 27 * MINUTE_US + SECOND_US // 2
    for sort in ("-started_at", "-downtime_ms"):
        page, _ = reader.outages(Span(opened_us - SECOND_US, opened_us + SECOND_US), sort=sort, now_us=NOW_US)
        assert _told(page.items) == [("zoe", "recovered", 3000)]
    assert page.completeness.sessions == 1


def test_an_outage_is_told_with_whom_it_happened_to(reader: Reader) -> None:
    chen = reader.find("chen")[0]
    story = reader.outage(chen.session_id, 1, now_us=NOW_US)
    assert _told((story.outage,)) == [("chen", "failed", 21000)]
    assert (story.outage.room_sid, story.outage.client.region, story.outage.fate) == (ROOM_SID, "br1", "dropped")
    assert story.completeness.sessions == 1
    with pytest.raises(OutageNotFound, match="outage 2 of session"):
        reader.outage(chen.session_id, 2, now_us=NOW_US)


def test_a_session_tells_its_outages_page_by_page(reader: Reader) -> None:
    emre = reader.find("emre")[0].session_id
    first, after = reader.outages_of(emre, limit=2, now_us=NOW_US)
    rest, end = reader.outages_of(emre, after_number=after or 0, limit=2, now_us=NOW_US)
    assert [one.downtime_ms for one in (*first.items, *rest.items)] == [6400, 2100, 4000]
    assert (after, end) == (2, None)
    with pytest.raises(SessionNotFound):
        reader.outages_of(UUID(int=7), now_us=NOW_US)


def test_a_session_tells_its_events_alone_page_by_page(reader: Reader) -> None:
    ben = reader.sessions(EVER, SessionFilters(identity=("ben",), fate=("dropped",)), now_us=NOW_US)[0].items[0]
    first, after = reader.events(ben.session_id, limit=3, now_us=NOW_US)
    rest, end = reader.events(ben.session_id, after_seq=after or 0, limit=3, now_us=NOW_US)
    assert [one.seq for one in (*first.items, *rest.items)] == [0, 1, 2, 3]
    assert (after, end) == (2, None)
    assert first.completeness.sessions == 1


def test_a_rejoin_is_told_from_both_sides(reader: Reader) -> None:
    again, before = reader.sessions(EVER, SessionFilters(identity=("ben",)), now_us=NOW_US)[0].items
    assert again.previous_session_id == before.session_id
    assert reader.session(before.session_id, now_us=NOW_US).next_session_id == again.session_id
    assert reader.session(again.session_id, now_us=NOW_US).next_session_id is None


def test_rooms_come_in_order_of_their_first_session_each_in_numbers(reader: Reader) -> None:
    page, after = reader.rooms(EVER, now_us=NOW_US)
    begun_us = NOW_US - 34 * MINUTE_US
    assert page.items[1] == RoomView(
        room_sid=ROOM_SID,
        room_name=ROOM_NAME,
        started_at=utc_from_us(begun_us),
        last_event_at=utc_from_us(NOW_US - 4_160_000),
        newest_append_at=utc_from_us(NOW_US - 4_140_000),
        live=3,
        sessions=7,
        participants=6,
        outages=8,
        reconnecting_ms=79698,
        dropped=2,
        ended_badly=4,
    )
    assert (page.items[0].room_sid, page.items[0].sessions, after) == (ELSEWHERE, 1, None)
    assert page.completeness.sessions == 8
    assert reader.room(ROOM_SID, now_us=NOW_US).room == page.items[1]
    with pytest.raises(RoomNotFound):
        reader.room("RM404", now_us=NOW_US)


ROOMS_FOUND: Final = [
    (SessionFilters(fate=("dropped",)), [ROOM_SID]),
    (SessionFilters(fate=("dropped",), code=(53105,)), []),
    (SessionFilters(room_name=("elsewhere", ROOM_NAME)), [ELSEWHERE, ROOM_SID]),
    (SessionFilters(identity=("zoe",)), [ELSEWHERE]),
    (SessionFilters(outages=(Range(least=3),)), [ROOM_SID]),
    (SessionFilters(reconnecting_ms=(Range(3_000, 3_000),)), [ELSEWHERE]),
    (SessionFilters(region=("br1",), network_type=("wifi",)), [ROOM_SID]),
]


def test_a_room_is_found_where_one_of_its_sessions_passes_all_filters(reader: Reader) -> None:
    assert [
        [one.room_sid for one in reader.rooms(EVER, filters, now_us=NOW_US)[0].items] for filters, _ in ROOMS_FOUND
    ] == [found for _, found in ROOMS_FOUND]


def test_rooms_of_a_stretch_of_time_are_those_that_began_in_it(reader: Reader) -> None:
    span = Span(NOW_US - 33 * MINUTE_US, NOW_US)
    assert [one.room_sid for one in reader.rooms(span, now_us=NOW_US)[0].items] == [ELSEWHERE]


def test_a_session_that_joins_a_room_meanwhile_moves_no_room(reader: Reader, store_engine: Engine) -> None:
    first, after = reader.rooms(EVER, limit=1, now_us=NOW_US)
    newcomer = _elsewhere(9, MINUTE_US).connecting().later(100).connected()
    newcomer.room_sid = ROOM_SID
    fill(store_engine, [newcomer], now_us=NOW_US)
    rest, end = reader.rooms(EVER, after=after, limit=1, now_us=NOW_US)
    assert [one.room_sid for one in (*first.items, *rest.items)] == [ELSEWHERE, ROOM_SID]
    assert end is None


@pytest.mark.parametrize("sort", ["-started_at", "started_at"])
def test_pages_of_sessions_and_rooms_go_in_either_order(reader: Reader, sort: SessionSort) -> None:
    down = sort == "-started_at"
    sessions, after = reader.sessions(EVER, sort=sort, limit=5, now_us=NOW_US)
    more, _ = reader.sessions(EVER, sort=sort, after=after, limit=5, now_us=NOW_US)
    names = [one.identity for one in (*sessions.items, *more.items)]
    rooms = [one.room_sid for one in reader.rooms(EVER, sort=sort, now_us=NOW_US)[0].items]
    in_time = ["ana", "ben", "chen", "dora", "emre", "fatima", "zoe", "ben"]
    assert (names, rooms) == ((in_time[::-1], [ELSEWHERE, ROOM_SID]) if down else (in_time, [ROOM_SID, ELSEWHERE]))


SESSIONS_FOUND: Final = [
    (SessionFilters(outages=(Range(2, 3),)), {"emre"}),
    (SessionFilters(outages=(Range(most=0),)), {"ben"}),
    (SessionFilters(connected_ms=(Range(most=200_000),)), {"zoe"}),
    (SessionFilters(ended_at=(Range(least=NOW_US - 17 * MINUTE_US),)), {"fatima"}),
    (SessionFilters(joined_at=(Range(NOW_US - 28 * MINUTE_US, NOW_US - 27 * MINUTE_US),)), {"zoe"}),
    (SessionFilters(origin=("window", "attempts")), {"ben", "chen"}),
    (SessionFilters(media_region=("br1",), fate=("lost",)), {"fatima"}),
]


def test_sessions_are_found_by_ranges_of_numbers_and_of_corrected_times(reader: Reader) -> None:
    assert [
        {one.identity for one in reader.sessions(EVER, filters, now_us=NOW_US)[0].items}
        for filters, _ in SESSIONS_FOUND
    ] == [found for _, found in SESSIONS_FOUND]


def test_a_session_that_was_told_a_week_late_is_found_by_when_it_began(store_engine: Engine) -> None:
    began_us = NOW_US - 10 * 24 * HOUR_US
    late = Life(session_id(1, began_us), began_us, identity="late", delay_us=7 * 24 * HOUR_US)
    late.connecting().later(300).connected().later(1_000).disconnected(reason="leave")
    # What an outbox kept for a week is sent with the time of sending.
    late.sent = [one._replace(sent_at_us=one.append_at_us - 20_000) for one in late.sent]
    fill(store_engine, [late, *room_of_the_story()], now_us=NOW_US)
    span = Span(began_us - HOUR_US, began_us + HOUR_US)
    reader = Reader(store_engine)
    assert [one.identity for one in reader.sessions(span, now_us=NOW_US)[0].items] == ["late"]
    assert len(reader.rooms(span, now_us=NOW_US)[0].items) == 1


def test_names_are_found_as_people_know_them_where_clients_hash_them(store_engine: Engine) -> None:
    hide = hashed(KEY)
    hidden, plain = _elsewhere(1, 5 * MINUTE_US), _elsewhere(2, 4 * MINUTE_US)
    hidden.identity, hidden.room_name = hide("zoe"), str(hide("elsewhere"))
    lives = [one.connecting().later(100).connected().later(900).reconnecting() for one in (hidden, plain)]
    fill(store_engine, lives, now_us=NOW_US)
    knows, does_not = Reader(store_engine, hashed=hide), Reader(store_engine)
    by_name, by_room = SessionFilters(identity=("zoe",)), SessionFilters(room_name=("elsewhere",))

    def counts(reader: Reader) -> list[int]:
        return [
            len(reader.sessions(EVER, by_name, now_us=NOW_US)[0].items),
            len(reader.sessions(EVER, by_room, now_us=NOW_US)[0].items),
            len(reader.outages(EVER, OutageFilters(identity=("zoe",)), now_us=NOW_US)[0].items),
            reader.completeness(EVER, NamedFilters(identity=("zoe",)), now_us=NOW_US).completeness.sessions,
            len(reader.find("zoe")),
            len(reader.find("elsewhere")),
        ]

    assert (counts(knows), counts(does_not)) == ([2] * 6, [1] * 6)
    assert len(knows.rooms(EVER, by_name, now_us=NOW_US)[0].items) == 1
    assert {one.identity for one in knows.find("zoe")} == {"zoe", hide("zoe")}


def test_completeness_of_a_range_is_of_those_that_the_filters_leave(reader: Reader) -> None:
    told = reader.completeness(Span(NOW_US - HOUR_US, NOW_US), NamedFilters(room_sid=(ELSEWHERE,)), now_us=NOW_US)
    assert (told.since, told.until) == (utc_from_us(NOW_US - HOUR_US), utc_from_us(NOW_US))
    assert (told.completeness.sessions, told.completeness.share) == (1, 1.0)


FIRST_PAGES: Final[list[tuple[Callable[[Reader], object], str]]] = [
    (lambda reader: reader.sessions(EVER, now_us=NOW_US), "sessions_started"),
    (lambda reader: reader.sessions(EVER, SessionFilters(identity=("ben",)), now_us=NOW_US), "sessions_identity"),
    (lambda reader: reader.sessions(Span(1, NOW_US - HOUR_US), now_us=NOW_US), "sessions_told_late"),
    (lambda reader: reader.outages(EVER, now_us=NOW_US), "outages_opened"),
    (lambda reader: reader.outages(EVER, sort="-downtime_ms", now_us=NOW_US), "outages_downtime"),
    (lambda reader: reader.rooms(EVER, now_us=NOW_US), "sessions_room"),
    (lambda reader: reader.completeness(EVER, now_us=NOW_US), "sessions_odd"),
    (lambda reader: reader.find("ana"), "sessions_identity"),
    (lambda reader: reader.find("ana"), "sessions_room_name"),
    (lambda reader: reader.find("ana"), "sessions_participant_sid"),
    (lambda reader: reader.find("ana"), "sessions_room "),
    (lambda reader: reader.session(reader.find("ana")[0].session_id, now_us=NOW_US), "sessions_previous"),
]


def test_a_first_page_comes_through_an_index(reader: Reader, store_engine: Engine) -> None:
    asked: list[tuple[str, Any]] = []

    def note(_connection: Connection, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:
        asked.append((statement, parameters))

    event.listen(store_engine, "before_cursor_execute", note)
    without = []
    for question, index in FIRST_PAGES:
        asked.clear()
        question(reader)
        if index not in _plans(store_engine, [one for one in asked if one[0].startswith("SELECT")]):
            without.append(index)
    assert without == []


def _plans(engine: Engine, asked: list[tuple[str, Any]]) -> str:
    if engine.dialect.name != "postgresql":
        return _explained(engine, "EXPLAIN QUERY PLAN", asked)
    # A small table is read as a whole and sorted, whatever indexes there are, and versions differ in when. An index
    # that finds a few rows shows itself without reading the whole, one that carries an order without sorting too.
    without = ("SET LOCAL enable_seqscan = off", "SET LOCAL enable_sort = off")
    return "\n".join(_explained(engine, "EXPLAIN", asked, without[:many]) for many in (1, 2))


def _explained(engine: Engine, explain: str, asked: list[tuple[str, Any]], first: Sequence[str] = ()) -> str:
    with engine.connect() as connection:
        for one in first:
            connection.exec_driver_sql(one)
        rows = [row for told in asked for row in connection.exec_driver_sql(f"{explain} {told[0]}", told[1])]
    return "\n".join(str(row) for row in rows)
