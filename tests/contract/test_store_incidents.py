"""Both stores keep what Alertmanager tells once, in whatever order it comes, and say whom it hit."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from collector.errors import IncidentNotFound
from collector.store.incidents import Alert, Incidents
from collector.store.questions import ANY_INCIDENT, IncidentFilters, Span
from collector.store.reader import Reader
from collector.store.reader_incidents import IncidentPlace
from tests.filling import fill
from tests.histories import MINUTE_US, Life, session_id
from tests.pages.scene import INCIDENT_REGION, NOW_US, ROOM_SID, SPIKE, lives, room_of_the_story

WHOLE = Span(0, NOW_US + 1)
PLACE = IncidentPlace(SPIKE.started_at_us, SPIKE.fingerprint)


def told(reader: Reader, filters: IncidentFilters = ANY_INCIDENT, span: Span = WHOLE) -> list[tuple[str, bool]]:
    page, _ = reader.incidents(span, filters, now_us=NOW_US)
    return [(one.alertname, one.ended_at is None) for one in page.items]


def test_an_alert_that_is_told_again_is_kept_once_with_its_last_words(store_engine: Engine) -> None:
    kept, reader = Incidents(store_engine), Reader(store_engine)
    kept.keep([SPIKE, SPIKE], NOW_US - MINUTE_US)
    kept.keep([replace(SPIKE, annotations={"summary": "More of them fail"})], NOW_US)
    (one,) = reader.incidents(WHOLE, now_us=NOW_US)[0].items
    assert (one.summary, one.description, one.ended_at, one.labels) == ("More of them fail", None, None, SPIKE.labels)
    assert one.told_at.timestamp() * 1e6 == pytest.approx(NOW_US)


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 1, 0)])
def test_an_end_that_was_told_stays_whatever_comes_late(store_engine: Engine, order: tuple[int, ...]) -> None:
    kept, reader = Incidents(store_engine), Reader(store_engine)
    words = (SPIKE, replace(SPIKE, ended_at_us=SPIKE.started_at_us + 7 * MINUTE_US))
    for number in order:
        kept.keep([words[number]], NOW_US)
    (one,) = reader.incidents(WHOLE, now_us=NOW_US)[0].items
    assert one.ended_at is not None
    assert (one.ended_at - one.started_at).total_seconds() == 7 * 60


def test_one_that_fires_again_is_another_incident(store_engine: Engine) -> None:
    kept, reader = Incidents(store_engine), Reader(store_engine)
    ended = replace(SPIKE, ended_at_us=SPIKE.started_at_us + MINUTE_US)
    kept.keep([ended, replace(SPIKE, started_at_us=NOW_US - MINUTE_US)], NOW_US)
    assert told(reader) == [("RtcFailureSpike", True), ("RtcFailureSpike", False)]


def test_incidents_are_found_by_time_name_severity_and_whether_they_go_on(store_engine: Engine) -> None:
    kept, reader = Incidents(store_engine), Reader(store_engine)
    ended = replace(SPIKE, ended_at_us=SPIKE.started_at_us + MINUTE_US)
    down = Alert("00", NOW_US - MINUTE_US, None, {"alertname": "RtcCollectorDown", "severity": "ticket"}, {})
    kept.keep([ended, down], NOW_US)
    assert told(reader) == [("RtcCollectorDown", True), ("RtcFailureSpike", False)]
    assert told(reader, IncidentFilters(alertname=("RtcFailureSpike",))) == [("RtcFailureSpike", False)]
    assert told(reader, IncidentFilters(severity=("ticket", "none"))) == [("RtcCollectorDown", True)]
    assert told(reader, IncidentFilters(open=True)) == [("RtcCollectorDown", True)]
    assert told(reader, IncidentFilters(open=False)) == [("RtcFailureSpike", False)]
    # One that goes on belongs to every range behind its start; one that ended to those that it reaches into.
    assert told(reader, span=Span(NOW_US, NOW_US + 1)) == [("RtcCollectorDown", True)]
    assert told(reader, span=Span(SPIKE.started_at_us, SPIKE.started_at_us + 1)) == [("RtcFailureSpike", False)]
    assert told(reader, span=Span(0, SPIKE.started_at_us)) == []


def test_pages_of_incidents_hold_each_once(store_engine: Engine) -> None:
    kept, reader = Incidents(store_engine), Reader(store_engine)
    kept.keep([replace(SPIKE, fingerprint=f"{n:x}", started_at_us=NOW_US - n // 2) for n in range(1, 8)], NOW_US)
    found, after = [], None
    while True:
        page, after = reader.incidents(WHOLE, after=after, limit=3, now_us=NOW_US)
        found += [one.incident_id for one in page.items]
        if after is None:
            break
    assert len(found) == len(set(found)) == 7


def test_an_incident_says_whom_it_hit_beside_the_rest(store_engine: Engine) -> None:
    fill(store_engine, lives(), now_us=NOW_US)
    Incidents(store_engine).keep([SPIKE], NOW_US)
    blast = Reader(store_engine).incident(PLACE, now_us=NOW_US).blast
    assert blast is not None
    assert (blast.code, blast.phase) == (53000, "session")
    (region,) = blast.by["region"]
    assert (region.value, region.affected, region.rest_affected) == (INCIDENT_REGION, blast.affected, 0)
    assert region.stands_out
    assert region.share_low < region.share < region.share_high
    assert region.sessions + region.rest_sessions == blast.sessions
    assert {one.client.region for one in blast.hit} == {INCIDENT_REGION}
    assert {one.ending.error.code for one in blast.hit if one.ending and one.ending.error} == {53000}
    assert len(blast.hit) == blast.affected == sum(room.affected for room in blast.rooms)
    # Of one region, no release is hit more than another.
    assert not any(one.stands_out for one in blast.by["app_version"])


def test_an_alert_about_rooms_without_a_code_hit_those_who_were_without_connection(store_engine: Engine) -> None:
    fill(store_engine, room_of_the_story(), now_us=NOW_US)
    stuck = replace(SPIKE, labels={"alertname": "RtcReconnectsStuck", "about": "rooms"}, started_at_us=NOW_US)
    Incidents(store_engine).keep([stuck], NOW_US)
    place = IncidentPlace(NOW_US, SPIKE.fingerprint)
    blast = Reader(store_engine).incident(place, now_us=NOW_US).blast
    assert blast is not None
    assert sorted(one.identity or "" for one in blast.hit) == ["ana", "emre"]
    assert [(room.room_sid, room.affected) for room in blast.rooms] == [(ROOM_SID, 2)]
    assert blast.sessions == 3


def test_who_has_been_without_connection_for_long_is_hit_too(store_engine: Engine) -> None:
    begun_us = NOW_US - 30 * MINUTE_US
    gone, back = (Life(session_id(n, begun_us), begun_us).connecting().later(800).connected() for n in (1, 2))
    gone.later(60_000).reconnecting().later(28 * 60_000).alive()
    back.later(60_000).reconnecting().later(5_000).reconnected().later(28 * 60_000).alive()
    fill(store_engine, [gone, back], now_us=NOW_US)
    stuck = replace(SPIKE, labels={"alertname": "RtcReconnectsStuck", "about": "rooms"}, started_at_us=NOW_US)
    Incidents(store_engine).keep([stuck], NOW_US)
    blast = Reader(store_engine).incident(IncidentPlace(NOW_US, SPIKE.fingerprint), now_us=NOW_US).blast
    assert blast is not None
    assert ([one.session_id for one in blast.hit], blast.sessions) == ([gone.session_id], 2)


def test_who_could_not_join_is_counted_among_those_who_tried(store_engine: Engine) -> None:
    at_us = NOW_US - 5 * MINUTE_US
    lives_of = []
    for number in range(12):
        life = Life(session_id(number, at_us + number), at_us + number).connecting().later(800)
        lives_of.append(life.connect_failed(53000) if number < 4 else life.connected().alive())
    fill(store_engine, lives_of, now_us=NOW_US)
    alert = replace(
        SPIKE, labels={"alertname": "RtcFailureSpike", "code": "53000", "phase": "join"}, started_at_us=at_us
    )
    Incidents(store_engine).keep([alert], NOW_US)
    blast = Reader(store_engine).incident(IncidentPlace(at_us, SPIKE.fingerprint), now_us=NOW_US).blast
    assert blast is not None
    assert (blast.affected, blast.sessions) == (4, 12)


def test_an_alert_about_the_collector_hit_no_session(store_engine: Engine) -> None:
    Incidents(store_engine).keep([replace(SPIKE, labels={"alertname": "RtcCollectorDown"})], NOW_US)
    assert Reader(store_engine).incident(PLACE, now_us=NOW_US).blast is None


def test_an_incident_that_nobody_told_of_is_not_found(store_engine: Engine) -> None:
    with pytest.raises(IncidentNotFound, match="4f8a2c91d03be657"):
        Reader(store_engine).incident(PLACE, now_us=NOW_US)
