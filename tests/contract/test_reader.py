"""The Reader's contract, on SQLite and on PostgreSQL: the same lives, the same answers."""

import json
from collections import Counter
from typing import Final
from uuid import UUID

import pytest
from sqlalchemy import Engine

from collector.errors import RoomNotFound, SessionNotFound
from collector.ingest.decode import Record
from collector.store.questions import Clients, SessionFilters, Span, Who
from collector.store.reader import Reader
from collector.store.views import Ending, SessionView
from collector.store.views_kpis import Kpi
from session_core.errors import Origin
from tests.filling import fill
from tests.histories import CLIENTS, MINUTE_US, SECOND_US, YEAR_US, Life, fleet, session_id
from tests.pages.scene import NOW_US, ROOM_NAME, ROOM_SID, room_of_the_story

HOUR: Final = Span(NOW_US - 60 * MINUTE_US, NOW_US)
EVER: Final = Span(0, NOW_US + YEAR_US)


@pytest.fixture
def reader(store_engine: Engine) -> Reader:
    """The room of the story, two joins that failed, and a clock that is forty years off."""
    others = [_failed_join(), _cancelled_join(), _wrong_clock()]
    refused = Record(0, 0, NOW_US - MINUTE_US, b"key", b"not json")
    fill(store_engine, [*room_of_the_story(), *others], now_us=NOW_US, extra=[refused])
    return Reader(store_engine)


def _other(number: int, minutes_ago: int, skew_us: int = 0) -> Life:
    at_us = NOW_US - minutes_ago * MINUTE_US
    life = Life(session_id(number, at_us + skew_us), at_us, skew_us, room_name="elsewhere", identity="zoe")
    life.client = CLIENTS[1]
    return life


def _failed_join() -> Life:
    return _other(1, 30).connecting().later(900).connect_failed(53105)


def _cancelled_join() -> Life:
    return _other(2, 29).connecting().later(400).connect_failed(None, Origin.LOCAL)


def _wrong_clock() -> Life:
    life = _other(3, 28, skew_us=-40 * YEAR_US).connecting().later(500).connected(ttl_s=86_400)
    life.later(60_000).participant().loses().reconnecting("media").attempted().later(3_000).reconnected()
    return life.later(120_000).disconnected(reason="leave", origin=Origin.LOCAL)


def _names(sessions: tuple[SessionView, ...]) -> list[tuple[str | None, str]]:
    return [(one.identity, one.fate) for one in sessions]


def test_sessions_come_newest_first_and_every_one_is_on_one_page(reader: Reader) -> None:
    seen: list[SessionView] = []
    after = None
    for _ in range(10):
        page, after = reader.sessions(EVER, after=after, limit=3, now_us=NOW_US)
        seen += page.items
        if after is None:
            break
    assert [one.identity for one in seen] == ["ben", "zoe", None, None, "fatima", "emre", "dora", "chen", "ben", "ana"]


def test_a_session_that_arrives_meanwhile_does_not_disturb_the_paging(reader: Reader, store_engine: Engine) -> None:
    whole = [one.session_id for one in reader.sessions(EVER, now_us=NOW_US)[0].items]
    first, after = reader.sessions(EVER, limit=4, now_us=NOW_US)
    fill(store_engine, [_other(9, 0).connecting()], now_us=NOW_US + MINUTE_US)
    rest, _ = reader.sessions(EVER, after=after, limit=50, now_us=NOW_US)
    assert [one.session_id for one in (*first.items, *rest.items)] == whole


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (SessionFilters(fate=("dropped",)), {("ben", "dropped"), ("chen", "dropped")}),
        (SessionFilters(fate=("dropped", "abandoned"), code=(53002,)), {("ben", "dropped")}),
        (SessionFilters(code=(53105,)), {(None, "not_joined")}),
        (SessionFilters(identity=("zoe",)), {("zoe", "left")}),
        (SessionFilters(room_sid=(ROOM_SID,), identity=("ben",)), {("ben", "dropped"), ("ben", "live")}),
        (SessionFilters(room_name=("elsewhere",), fate=("left",)), {("zoe", "left")}),
        (SessionFilters(participant_sid=(f"PA{5:032x}",)), {("dora", "abandoned")}),
        (SessionFilters(platform=("",)), {("zoe", "left"), (None, "not_joined")}),
        (SessionFilters(network_type=("cellular",), fate=("left",)), {("zoe", "left")}),
        (
            SessionFilters(region=("br1",), sdk=("twilio-video.js",), app_version=("5.12.1",), fate=("lost",)),
            {("fatima", "lost")},
        ),
        (SessionFilters(sdk_version=("0",)), set()),
    ],
)
def test_sessions_are_found_by_each_filter(
    reader: Reader, filters: SessionFilters, found: set[tuple[str | None, str]]
) -> None:
    page, _ = reader.sessions(EVER, filters, now_us=NOW_US)
    assert set(_names(page.items)) == found


def test_a_clock_that_is_forty_years_off_is_shown_and_found_by_the_time_it_was(reader: Reader) -> None:
    began_us = NOW_US - 28 * MINUTE_US
    page, _ = reader.sessions(Span(began_us - SECOND_US, began_us + SECOND_US), now_us=NOW_US)
    (session,) = page.items
    story = reader.session(session.session_id, now_us=NOW_US)
    assert session.clock_corrected
    assert abs(_us(session.started_at.timestamp()) - began_us) < SECOND_US
    assert [round(event.at.timestamp() - session.started_at.timestamp(), 1) for event in story.events] == [
        0.0, 0.5, 60.5, 63.5, 183.5,
    ]  # fmt: skip
    assert [round((outage.started_at - session.started_at).total_seconds(), 1) for outage in story.outages] == [60.5]


def _code(ending: Ending | None) -> int | None:
    return ending.error.code if ending and ending.error else None


def _us(seconds: float) -> int:
    return round(seconds * 1_000_000)


def test_a_session_tells_its_events_page_by_page(reader: Reader) -> None:
    dora = reader.find(f"PA{5:032x}")[0]
    first = reader.session(dora.session_id, limit=3, now_us=NOW_US)
    rest = reader.session(dora.session_id, after_seq=first.next, limit=3, now_us=NOW_US)
    assert [event.type for event in (*first.events, *rest.events)] == [
        "room.connecting",
        "room.connected",
        "room.reconnecting",
        "room.disconnected",
    ]
    assert (first.next, rest.next) == (2, None)
    assert first.session.ending is not None
    assert (first.session.ending.reason, first.session.ending.error) == ("leave", None)


def test_a_session_or_room_that_nobody_told_of_is_not_found(reader: Reader) -> None:
    with pytest.raises(SessionNotFound):
        reader.session(UUID(int=7), now_us=NOW_US)
    with pytest.raises(RoomNotFound):
        reader.room_timeline("RM0", now_us=NOW_US)


def test_a_room_has_a_lane_for_each_participant_and_a_rejoin_stays_on_it(reader: Reader) -> None:
    room = reader.room_timeline(ROOM_SID, now_us=NOW_US)
    lanes = {lane.identity: lane for lane in room.participants}
    assert list(lanes) == ["ana", "ben", "chen", "dora", "emre", "fatima"]
    assert (room.room_name, room.live) == (ROOM_NAME, 3)
    assert [(one.state, one.open, one.outage_number) for one in lanes["ben"].segments] == [
        ("connecting", False, None),
        ("connected", False, None),
        ("reconnecting", False, 1),
        ("connecting", False, None),
        ("connected", True, None),
    ]
    assert [(one.outcome, _code(one.ending)) for one in lanes["chen"].outages] == [("failed", 53000)]
    assert [one.outcome for one in lanes["emre"].outages] == ["recovered", "recovered", "open"]
    assert lanes["emre"].segments[-1].state == "reconnecting"
    assert lanes["fatima"].outages[0].end_inferred


def test_the_segments_of_a_lane_follow_each_other(reader: Reader) -> None:
    room = reader.room_timeline(ROOM_SID, now_us=NOW_US)
    for lane in room.participants:
        for before, after in zip(lane.segments, lane.segments[1:], strict=False):
            assert before.until <= after.since
        assert all(one.since <= one.until for one in lane.segments)


def test_failures_are_counted_by_phase_and_code(reader: Reader) -> None:
    codes = reader.failure_codes(HOUR, now_us=NOW_US)
    assert [(one.phase, one.error.code, one.count, one.of, one.share) for one in codes.items] == [
        ("join", 53105, 1, 1, 1.0),
        ("session", 53000, 1, 2, 0.5),
        ("session", 53002, 1, 2, 0.5),
    ]
    assert codes.items[2].error.message == "Signaling connection timed out"


def test_failures_are_split_by_a_dimension_and_by_time(reader: Reader) -> None:
    codes = reader.failure_codes(HOUR, by=("region",), phase="session", bucket_us=5 * MINUTE_US, now_us=NOW_US)
    assert [(one.value, one.error.code, one.count, one.of) for one in codes.items] == [
        ("br1", 53000, 1, 2),
        ("br1", 53002, 1, 2),
    ]
    assert codes.buckets is not None
    assert [(one.code, one.count) for one in codes.buckets] == [(53000, 1), (53002, 1)]
    assert sum(one.count for one in codes.buckets) == sum(one.count for one in codes.items)


def test_filters_leave_only_whom_they_name(reader: Reader) -> None:
    codes = reader.failure_codes(HOUR, Who(region=("us1",)), now_us=NOW_US)
    assert [(one.phase, one.error.code) for one in codes.items] == [("join", 53105)]
    assert codes.completeness.sessions == 3


def test_who_is_hit_is_told_worst_first(reader: Reader) -> None:
    by_region = reader.affected(HOUR, by="region", now_us=NOW_US)
    rows = [one.model_dump() for one in by_region.items]
    assert rows == [
        {
            "value": "br1", "live": 3, "joined": 7, "join_failures": 0, "outages": 8, "recovered": 3,
            "not_recovered": 4, "dropped": 4, "ended": 4,
        },
        {
            "value": "us1", "live": 0, "joined": 1, "join_failures": 1, "outages": 1, "recovered": 1,
            "not_recovered": 0, "dropped": 0, "ended": 1,
        },
    ]  # fmt: skip


def test_every_figure_has_its_numerator_and_denominator(reader: Reader) -> None:
    told = reader.kpis(HOUR, now_us=NOW_US)
    counts = {name: (kpi.numerator, kpi.denominator) for name, kpi in told.kpis.items()}
    assert counts["join_success"] == (8, 9)  # ten asked for a room, one gave up itself
    assert counts["drop_rate"] == (4, 8)
    assert counts["drop_free_sessions"] == (1, 5)
    assert counts["reconnect_success_strict"] == (4, 8)
    assert counts["reconnect_success_lenient"] == (4, 7)
    assert counts["abandonment"] == (1, 8)
    assert counts["sessions_affected"] == (7, 8)
    assert counts["flaps"] == (0, 9)
    assert counts["recovered_at_first_attempt"] == (3, 4)
    assert counts["attempts_per_outage"] == (1 + 6 + 12 + 3 + 2 + 1 + 1 + 1, 8)
    assert counts["token_risk"] == (0, 3)
    assert counts["short_tokens"] == (7, 8)
    assert counts["reconnect_incidence"][0] == 9
    assert told.kpis["reconnect_success_strict"].value == 0.5
    assert counts["availability"][1] - counts["availability"][0] == pytest.approx(counts["time_reconnecting"][0] / 3600)


def test_a_figure_without_anything_to_judge_by_has_no_value(store_engine: Engine) -> None:
    told = Reader(store_engine).kpis(HOUR, now_us=NOW_US)
    assert {kpi.value for kpi in told.kpis.values()} == {None}
    assert {one.p50 for one in told.distributions.values()} == {None}
    assert told.completeness.share is None


def test_percentiles_are_values_that_occurred(reader: Reader) -> None:
    told = reader.kpis(HOUR, now_us=NOW_US).distributions
    recovered, every = told["time_to_reconnect"], told["downtime"]
    assert (recovered.count, recovered.p50, recovered.p95, recovered.p99) == (4, 3_000, 6_400, 6_400)
    assert (every.count, every.p50, every.p95) == (8, 4_200, 30_000)


def test_freshness_is_that_of_the_newest_sessions_whom_the_filters_leave(reader: Reader) -> None:
    told = reader.kpis(HOUR, now_us=NOW_US).distributions
    ours, theirs = told["freshness"], told["freshness_of_clients"]
    assert ours.count == theirs.count > 15
    assert ours.p50 is not None
    assert ours.p99 is not None
    assert 0 <= ours.p50 <= ours.p99
    assert theirs.p99 is not None
    assert theirs.p99 < 2_000
    nobody = reader.kpis(HOUR, Who(region=("nowhere",)), now_us=NOW_US).distributions
    assert (nobody["freshness"].count, nobody["freshness"].p99) == (0, None)


def test_the_ten_seconds_that_hit_the_most_stand_beside_the_rest(reader: Reader) -> None:
    by_room = reader.blast_radius(HOUR, by="room_sid", now_us=NOW_US)
    facts = [one.model_dump(exclude={"at"}) for one in by_room.items]
    assert facts == [
        {
            "value": ROOM_SID, "affected": 2, "connected": 5, "share": 0.4,
            "share_low": pytest.approx(0.1176, abs=5e-5), "share_high": pytest.approx(0.7693, abs=5e-5),
            "rest_affected": 0, "rest_connected": 0, "rest_share": None,
            "rest_share_low": None, "rest_share_high": None,
        },
    ]  # fmt: skip
    assert by_room.items[0].at.strftime("%H:%M:%S") == "16:17:06"


def test_how_far_trouble_spread_is_asked_of_any_clients(reader: Reader) -> None:
    every = reader.blast_radius(HOUR, by="room_sid", now_us=NOW_US)
    on_the_web = reader.blast_radius(HOUR, Clients(platform=("web",)), by="room_sid", now_us=NOW_US)
    elsewhere = reader.blast_radius(HOUR, Clients(network_type=("cellular",)), by="room_sid", now_us=NOW_US)
    assert (on_the_web.items, elsewhere.items) == (every.items, ())


def test_the_latest_outages_come_first_with_whom_they_happened_to(reader: Reader) -> None:
    latest = reader.latest_outages(HOUR, limit=3, now_us=NOW_US).items
    assert [(one.identity, one.room_name, one.outage.cause, one.outage.outcome) for one in latest] == [
        ("ana", ROOM_NAME, "media", "recovered"),
        ("emre", ROOM_NAME, "signaling", "open"),
        ("emre", ROOM_NAME, "signaling", "recovered"),
    ]


def test_every_outage_has_one_place_in_time_and_one_outcome(reader: Reader) -> None:
    buckets = reader.outage_buckets(HOUR, bucket_us=5 * MINUTE_US).items
    by_outcome: Counter[str] = Counter()
    for one in buckets:
        by_outcome[one.outcome] += one.count
    assert by_outcome == {"recovered": 4, "failed": 2, "abandoned": 1, "lost": 1, "open": 1}
    assert all(one.at.timestamp() % 300 == 0 for one in buckets)


def test_the_fleet_is_who_is_in_a_room_now(reader: Reader) -> None:
    now = reader.fleet()
    assert now.model_dump() == {"live": 3, "reconnecting": 1, "connecting": 0, "rooms": 1, "sessions_ever": True}


def test_an_empty_store_says_so(store_engine: Engine) -> None:
    reader = Reader(store_engine)
    assert reader.answers()
    assert reader.fleet().model_dump() == {
        "live": 0,
        "reconnecting": 0,
        "connecting": 0,
        "rooms": 0,
        "sessions_ever": False,
    }
    assert reader.sessions(EVER, now_us=NOW_US)[0].items == ()
    assert reader.find("ana") == ()


@pytest.mark.parametrize(
    ("word", "count"),
    [("ana", 1), ("ben", 2), (ROOM_SID, 7), (ROOM_NAME, 7), (f"PA{1:032x}", 1), ("nobody", 0), ("AN", 0)],
)
def test_a_word_finds_what_bears_it(reader: Reader, word: str, count: int) -> None:
    assert len(reader.find(word)) == count


def test_a_session_is_found_by_its_id(reader: Reader) -> None:
    ana = reader.find("ana")[0]
    assert reader.find(str(ana.session_id)) == (ana,)


def test_an_answer_says_what_was_lost_and_what_was_refused(reader: Reader) -> None:
    told = reader.kpis(HOUR, now_us=NOW_US).completeness
    assert (told.sessions, told.sessions_with_gaps, told.silent_sessions) == (10, 1, 1)
    assert told.events_expected - told.events_received == 1
    assert told.events_dropped_by_clients == 1
    assert told.share == told.events_received / told.events_expected
    assert told.age_s is not None
    assert told.age_s < 10


def test_the_completeness_of_a_page_is_that_of_its_sessions(reader: Reader) -> None:
    page, _ = reader.sessions(EVER, SessionFilters(identity=("zoe",)), now_us=NOW_US)
    assert (page.completeness.sessions, page.completeness.events_received, page.completeness.events_expected) == (
        1,
        5,
        6,
    )


def test_records_that_were_refused_in_the_time_are_counted(store_engine: Engine) -> None:
    refused = Record(0, 0, NOW_US, b"key", b"not json")
    fill(store_engine, room_of_the_story(), now_us=NOW_US, extra=[refused, refused])
    told = Reader(store_engine).kpis(Span(HOUR.since_us, NOW_US + MINUTE_US), now_us=NOW_US + MINUTE_US)
    assert told.completeness.dead_letters == 2


def test_what_sums_over_minutes_say_is_what_the_sessions_say(store_engine: Engine) -> None:
    lives = fleet(80, begun_us=HOUR.since_us + MINUTE_US)
    fill(store_engine, lives, now_us=NOW_US)
    reader = Reader(store_engine)
    sessions = reader.sessions(EVER, limit=500, now_us=NOW_US)[0].items
    fates = Counter(one.fate for one in sessions)
    kpis = reader.kpis(HOUR, now_us=NOW_US).kpis
    joined = sum(one.state != "connecting" and one.fate != "not_joined" for one in sessions)
    assert _pair(kpis["join_success"]) == (joined, len(sessions))
    assert _pair(kpis["drop_rate"]) == (fates["dropped"] + fates["abandoned"] + fates["lost"], joined)
    failed = Counter(code for one in sessions if one.fate in {"dropped", "not_joined"} if (code := _code(one.ending)))
    counted: Counter[int] = Counter()
    for one in reader.failure_codes(HOUR, now_us=NOW_US).items:
        counted[one.error.code] += one.count
    assert counted == failed
    outages = sum(one.count for one in reader.outage_buckets(HOUR, bucket_us=MINUTE_US).items)
    assert outages == kpis["reconnect_incidence"].numerator


def _pair(kpi: Kpi) -> tuple[float, float]:
    return (kpi.numerator, kpi.denominator)


def test_views_are_json(reader: Reader) -> None:
    room = json.loads(reader.room_timeline(ROOM_SID, now_us=NOW_US).model_dump_json())
    assert room["since"].endswith("Z")
