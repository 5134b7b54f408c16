"""Whether it can be trusted, in sentences."""

from typing import Any

import pytest

from collector.api.trust import Finding, answer, findings
from collector.store.views import Completeness
from collector.store.views_telemetry import Clocks, Delays, Telemetry
from session_core.instants import utc_from_us

NOW = utc_from_us(1_764_000_000_000_000)
WHOLE: dict[str, Any] = {
    "sessions": 1_000,
    "events_received": 9_000,
    "events_expected": 9_000,
    "share": 1.0,
    "sessions_with_gaps": 0,
    "events_dropped_by_clients": 0,
    "silent_sessions": 0,
    "dead_letters": 0,
    "newest_append_at": NOW,
    "age_s": 1.2,
}


def told(
    *, clocks: tuple[int, int, int, int] = (1_000, 0, 0, 0), to_store_ms: int = 900, live: int = 3, **facts: Any
) -> Telemetry:
    right, seconds, minutes, hours = clocks
    return Telemetry(
        since=NOW,
        until=NOW,
        bucket_s=60,
        live=live,
        by={},
        over_time=(),
        gaps=(),
        silent=(),
        lost=(),
        refused=(),
        refused_last=(),
        clocks=Clocks(right=right, seconds=seconds, minutes=minutes, hours=hours, worst=()),
        delays=Delays(
            events=500, to_broker_p50_ms=20, to_broker_p99_ms=90, to_store_p50_ms=400, to_store_p99_ms=to_store_ms
        ),
        kept=(),
        schema_version="1",
        reading=(),
        completeness=Completeness(**(WHOLE | facts)),
    )


def test_where_all_is_well_every_sentence_says_so_and_nothing_is_to_be_done() -> None:
    found = findings(told())
    assert [(one.tone, one.says, one.do) for one in found] == [
        ("good", "The newest event is 1.2 s old.", ""),
        ("good", "100 % of the events that were sent are here; 0 are missing.", ""),
        ("good", "No session went silent.", ""),
        ("good", "No client had to drop an event.", ""),
        ("good", "No record was refused.", ""),
        ("good", "Every client's clock is within 2 s of the broker's.", ""),
        ("good", "Of the newest 500 events, 99 % were stored within 900 ms.", ""),
    ]
    assert answer(found, told()) == "Yes"


@pytest.mark.parametrize(
    ("facts", "tone", "part", "says"),
    [
        ({"age_s": 600.0}, "bad", "freshness", "The newest event is 10 min old. 3 sessions should be live"),
        (
            {"share": 0.98, "events_received": 8_820, "sessions_with_gaps": 1},
            "bad",
            "completeness",
            "98.0 % of the events",
        ),
        ({"share": 0.995, "events_received": 8_955}, "unsure", "completeness", "99.50 % of the events"),
        ({"silent_sessions": 30}, "unsure", "silent", "30 sessions of 1\u202f000 went silent (3.0 %)"),
        ({"events_dropped_by_clients": 1}, "unsure", "lost", "Clients told that they had to drop 1 event."),
        ({"dead_letters": 1}, "unsure", "refused", "1 record was refused: what they told"),
        ({"clocks": (900, 50, 40, 10)}, "unsure", "clocks", "100 sessions of 1\u202f000 (10.0 %) told times"),
        ({"to_store_ms": 90_000}, "unsure", "delays", "Of the newest 500 events, 99 % were stored within 90 s."),
    ],
)
def test_what_is_the_matter_comes_first_with_what_to_do(facts: dict[str, Any], tone: str, part: str, says: str) -> None:
    worst, *others = findings(told(**facts))
    assert (worst.tone, worst.part, worst.says[: len(says)], worst.do != "") == (tone, part, says, True)
    assert {one.tone for one in others} == {"good"}
    assert answer((worst, *others), told()).split(":")[0] == {"bad": "No", "unsure": "Mostly"}[tone]


def test_silence_of_an_empty_fleet_and_some_of_a_great_one_is_as_it_should_be() -> None:
    found = findings(told(age_s=600.0, live=0, silent_sessions=11))
    assert {one.tone for one in found} == {"good"}


def test_where_nothing_was_told_there_is_nothing_to_trust() -> None:
    nothing = told(
        **dict.fromkeys(("sessions", "events_received", "events_expected"), 0), share=None, age_s=None, clocks=(0,) * 4
    )
    found = findings(nothing)
    assert found[0][:2] == Finding("unsure", "No event arrived in this time.", "", "")[:2]
    assert answer(found, nothing) == "There is nothing to trust: no session told anything"
