"""Questions that are asked together see one state of the store, and ask nothing twice."""

from typing import Any, Final

from sqlalchemy import Connection, Engine, event

from collector.store.questions import Span
from collector.store.reader import Reader
from tests.filling import fill
from tests.histories import START_US, Life, session_id

HOUR_US: Final = 3_600_000_000
NOW_US: Final = START_US + HOUR_US
SPAN: Final = Span(START_US - HOUR_US, NOW_US)


def life(number: int) -> Life:
    return Life(session_id(number), START_US).connecting().later(100).connected().later(900).reconnecting()


def test_what_is_stored_meanwhile_is_seen_by_none_of_them(store_engine: Engine) -> None:
    fill(store_engine, [life(1)], now_us=NOW_US)
    reader = Reader(store_engine)
    with reader.together() as seen:
        before = seen.completeness(SPAN, now_us=NOW_US).completeness.sessions
        fill(store_engine, [life(2)], now_us=NOW_US)
        after = (seen.accounts().sessions, seen.failure_codes(SPAN, now_us=NOW_US).completeness.sessions)
    assert (before, after) == (1, (1, 1))
    assert reader.completeness(SPAN, now_us=NOW_US).completeness.sessions == 2


def test_completeness_of_one_span_is_asked_once(store_engine: Engine) -> None:
    fill(store_engine, [life(1)], now_us=NOW_US)
    asked: list[str] = []

    def note(_connection: Connection, _cursor: object, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    event.listen(store_engine, "before_cursor_execute", note)
    reader = Reader(store_engine)
    with reader.together() as seen:
        told = [
            seen.failure_codes(SPAN, now_us=NOW_US).completeness,
            seen.latest_outages(SPAN, limit=5, now_us=NOW_US).completeness,
            seen.failure_codes(SPAN, code=53000, now_us=NOW_US).completeness,
        ]
    assert sum("received_more" in statement and "sum(" in statement for statement in asked) == 1
    assert told[1:] == [told[0], told[0]]
    assert told[0].sessions == 1


def test_those_who_have_not_ended_are_looked_at_once(store_engine: Engine) -> None:
    soon_us = START_US + 30_000_000
    fill(store_engine, [life(1), life(2), life(3).reconnected()], now_us=soon_us)
    asked: list[str] = []

    def note(_connection: Connection, _cursor: object, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    event.listen(store_engine, "before_cursor_execute", note)
    reader = Reader(store_engine)
    since, until = START_US - HOUR_US, soon_us + 30_000_000
    before, hour = Span(since, START_US - HOUR_US // 2), Span(since, until)

    def told(of: Reader) -> list[object]:
        spans = [of.completeness(span, now_us=soon_us).completeness for span in (hour, before)]
        kpis = of.kpis(hour, now_us=soon_us).kpis
        return [of.fleet(), *spans, kpis, of.affected(hour, by="region", now_us=soon_us).items]

    with reader.together() as seen:
        fleet, now, earlier, *_ = together = told(seen)
    passes = [statement for statement in asked if "GROUP BY sessions.fate, sessions.state" in statement]
    assert len(passes) == 1
    assert together == told(reader)
    assert (fleet.live, fleet.reconnecting, now.sessions, earlier.sessions) == (3, 2, 3, 0)  # type: ignore[attr-defined]
