"""Fates, outcomes and facts: pure functions of what the rows say."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from collector.ingest.decode import decode
from collector.ingest.derive import SILENCE_US, Rolled, derive, differences, facts
from collector.ingest.merge import merge
from collector.ingest.values import Difference, Told
from collector.store.changes import RollupKey, Session, Sums
from session_core.errors import Origin
from tests.histories import SECOND_US, START_US, YEAR_US, Life, lives, records, session_id

ID = session_id(1)
MINUTE = START_US // 60_000_000


def joined() -> Life:
    return Life(ID).connecting().later(300).connected().later(20_000)


def derived(life: Life, *, without: tuple[int, ...] = (), silent: bool = False) -> Session:
    """The session of a life of which some sendings never came."""
    life.sent = [sent for place, sent in enumerate(life.sent) if place not in without]
    session = Session(life.session_id)
    for record in records([life]):
        told = decode(record)
        assert isinstance(told, Told)
        merge(session, told, record.append_at_us)
    if silent:
        session.lost_at = session.last_append_at + SILENCE_US
    derive(session)
    return session


def standing(session: Session) -> tuple[str, str, int | None]:
    return session.fate, session.outage_rows[1].outcome, session.ended_at


ENDS: list[tuple[dict[str, Any], str, str]] = [
    ({"reason": "leave"}, "abandoned", "abandoned"),
    ({}, "removed", "closed"),
    ({"code": 53000, "origin": Origin.ATTEMPTS}, "dropped", "failed"),
    ({"code": 53002, "origin": Origin.WINDOW}, "dropped", "failed"),
    ({"code": 20104}, "dropped", "failed"),
    ({"code": 59999}, "dropped", "failed"),
    ({"code": 53205}, "superseded", "superseded"),
    ({"code": 53118}, "completed", "closed"),
    ({"code": 53216}, "completed", "closed"),
    ({"origin": Origin.RESTART}, "lost", "lost"),
]


@pytest.mark.parametrize(("end", "fate", "outcome"), ENDS)
def test_an_end_while_reconnecting_decides_the_fate_and_the_outage(
    end: dict[str, Any], fate: str, outcome: str
) -> None:
    session = derived(joined().reconnecting().later(4_000).disconnected(**end))
    assert (session.fate, session.outage_rows[1].outcome) == (fate, outcome)


@pytest.mark.parametrize(("end", "fate"), [(end, "left" if end.get("reason") else fate) for end, fate, _ in ENDS])
def test_an_end_while_connected_decides_the_fate_and_leaves_past_outages_recovered(
    end: dict[str, Any], fate: str
) -> None:
    session = derived(joined().reconnecting().later(900).reconnected().later(5_000).disconnected(**end))
    assert (session.fate, session.outage_rows[1].outcome) == (fate, "recovered")
    assert session.ended_at == session.terminal_at


@pytest.mark.parametrize("code", [53000, None])
def test_a_join_that_failed_is_not_joined(code: int | None) -> None:
    session = derived(Life(ID).connecting().later(200).connect_failed(code))
    assert session.fate == "not_joined"
    started, ended = facts(session)
    assert (started.kind, started.phase, started.code) == ("started", "session", -1)
    assert (ended.kind, ended.phase) == ("ended", "join")
    assert ended.code == (-1 if code is None else code)


def test_a_session_is_connecting_until_something_shows_that_it_joined() -> None:
    assert derived(Life(ID).connecting()).fate == "connecting"
    assert derived(joined()).fate == "live"
    assert derived(joined().reconnecting(), without=(1,)).fate == "live"
    assert derived(joined().participant(), without=(1,)).fate == "live"


def test_a_session_that_was_silent_too_long_is_lost_with_its_open_outage_until_it_speaks_again() -> None:
    life = joined().reconnecting().later(1_000)
    session = derived(life, silent=True)
    assert standing(session) == ("lost", "lost", session.last_event_at)
    session.last_append_at += 1
    derive(session)
    assert standing(session) == ("live", "open", None)


def test_a_terminal_event_outranks_silence() -> None:
    assert derived(joined().disconnected(reason="leave"), silent=True).fate == "left"


def test_an_outage_is_open_while_nothing_tells_of_its_end() -> None:
    assert derived(joined().reconnecting().later(9_000).alive()).outage_rows[1].outcome == "open"


@pytest.mark.parametrize(
    "life",
    [
        joined().reconnecting().later(900).reconnected().later(9_000).reconnecting(),
        joined().reconnecting().later(900).reconnected().later(9_000).alive(),
        joined().reconnecting().later(900).reconnected().later(9_000).disconnected(53118),
    ],
    ids=["a later outage", "a later event without an outage", "an end that left from connected"],
)
def test_an_outage_whose_end_was_lost_is_recovered_when_something_shows_it(life: Life) -> None:
    assert derived(life, without=(3,)).outage_rows[1].outcome == "recovered"


def test_an_outage_that_the_terminal_event_does_not_mention_ends_as_the_session_does() -> None:
    life = joined().reconnecting().later(900)
    life._outage = None
    assert derived(life.disconnected(53002, Origin.WINDOW)).outage_rows[1].outcome == "failed"


def test_a_report_of_losses_says_nothing_about_an_outage_that_is_open() -> None:
    life = joined().reconnecting().later(900).loses(0)
    assert derived(life).outage_rows[1].outcome == "open"


@given(lives())
@settings(max_examples=100, deadline=None)
def test_deriving_twice_changes_nothing(life: Life) -> None:
    session = derived(life)
    before = (session.fate, session.ended_at, facts(session))
    derive(session)
    assert (session.fate, session.ended_at, facts(session)) == before


def test_the_facts_of_a_session_say_when_what_and_how_much() -> None:
    life = joined().reconnecting().later(4_000).attempted().later(1_000).reconnected().later(60_000)
    session = derived(life.disconnected(53002, Origin.WINDOW))
    told = [
        (f.kind, (f.at_us - START_US) // 1000, f.code, f.cause, f.outcome, f.fate, f.a, f.b, f.c, f.d)
        for f in facts(session)
    ]
    assert told == [
        ("started", 0, -1, "", "", "", 0, 0, 0, 0),
        ("joined", 300, -1, "", "", "", 300, 0, 1, 1),
        ("outage", 20_300, -1, "signaling", "recovered", "", 0, 0, 0, 0),
        ("outage_ended", 25_300, -1, "signaling", "recovered", "", 5_000, 1, 1, 1),
        ("ended", 85_300, 53002, "", "", "dropped", 80_000, 5_000, 5, 5),
    ]


def test_an_end_says_how_much_was_received_of_how_much_and_a_late_event_says_it_anew() -> None:
    life = joined().reconnecting().later(4_000).reconnected().later(60_000).disconnected(reason="leave")
    late = records([life])[2]
    session = derived(life, without=(2,))
    assert _ends(session) == [(4, 5)]
    session.unsettled = False
    told = decode(late)
    assert isinstance(told, Told)
    merge(session, told, late.append_at_us)
    assert session.unsettled
    assert _ends(session) == [(5, 5)]


def _ends(session: Session) -> list[tuple[int, int]]:
    return [(f.c, f.d) for f in facts(session) if f.kind == "ended"]


def test_attempts_count_where_the_core_drives_alone() -> None:
    life = joined().reconnecting().later(4_000).attempted().later(1_000).reconnected()
    session = derived(life)
    session.policy = "observed"
    assert [(f.b, f.c, f.d) for f in facts(session) if f.kind == "outage_ended"] == [(0, 0, 0)]


def test_a_token_for_a_day_is_not_short() -> None:
    life = Life(session_id(1)).connecting().later(300).connected(86_400)
    assert [(f.c, f.d) for f in facts(derived(life)) if f.kind == "joined"] == [(1, 0)]


def test_an_outage_that_follows_another_within_ten_seconds_is_a_flap() -> None:
    life = joined().reconnecting().later(900).reconnected().later(9_000).reconnecting().later(900).reconnected()
    session = derived(life.later(11_000).reconnecting())
    assert [f.a for f in facts(session) if f.kind == "outage"] == [0, 1, 0]


@pytest.mark.parametrize("skew_us", [3 * SECOND_US, -YEAR_US])
def test_facts_of_a_wrong_clock_are_dated_by_the_brokers(skew_us: int) -> None:
    session = derived(Life(session_id(1, START_US + skew_us), skew_us=skew_us).connecting())
    (started,) = facts(session)
    assert abs(started.at_us - START_US) < SECOND_US


def test_a_session_whose_beginning_was_lost_began_when_its_id_says() -> None:
    started = facts(derived(joined(), without=(0,)))[0]
    assert (started.kind, started.at_us) == ("started", START_US)


def test_nothing_changed_is_no_difference() -> None:
    told = facts(derived(joined()))
    assert differences(told, facts(derived(joined()))) == []


def test_a_corrected_fact_is_taken_back_and_told_again_as_a_restatement() -> None:
    session = derived(joined())
    before = facts(session)
    session.region = "us1"
    changed = differences(before, facts(session))
    assert [(d.kind, d.sign, d.region, d.restates) for d in changed] == [
        ("started", -1, "ie1", True),
        ("started", 1, "us1", True),
        ("joined", -1, "ie1", True),
        ("joined", 1, "us1", True),
    ]


def test_an_end_that_turns_out_otherwise_is_no_restatement() -> None:
    life = joined()
    lost = facts(derived(life, silent=True))
    left = facts(derived(life.disconnected(reason="leave")))
    assert [(d.fate, d.sign, d.restates) for d in differences(lost, left)] == [
        ("lost", -1, False),
        ("left", 1, False),
    ]
    assert [(d.fate, d.sign, d.restates) for d in differences(lost, lost[:-1])] == [("lost", -1, False)]


def test_rollups_add_what_is_told_and_subtract_what_is_taken_back() -> None:
    rolled = Rolled()
    told = facts(derived(joined()))
    rolled.add(told, 3)
    assert rolled.sums() == {
        RollupKey(MINUTE, 3, "started", -1, "", "", "", "ie1", "roomwatch-python", "1.4.0", "7.2"): Sums(1),
        RollupKey(MINUTE, 3, "joined", -1, "", "", "", "ie1", "roomwatch-python", "1.4.0", "7.2"): Sums(
            1, 300, 0, 1, 1
        ),
    }
    rolled.add([_back(one) for one in told], 3)
    assert rolled.sums() == {}


def test_what_one_session_changes_may_be_of_other_words_than_before() -> None:
    rolled = Rolled()
    (started, *_) = facts(derived(joined()))
    rolled.add([_back(started), msgspec.structs.replace(started, region="us1"), started], 3)
    assert rolled.sums() == {
        RollupKey(MINUTE, 3, "started", -1, "", "", "", "us1", "roomwatch-python", "1.4.0", "7.2"): Sums(1),
    }


def _back(one: Difference) -> Difference:
    return msgspec.structs.replace(one, sign=-1)
