"""Every rule of verdicts, played out by lives in a store."""

import re
from collections.abc import Callable
from typing import Any, Final

import pytest
from sqlalchemy import Engine

from collector.store.ageing import Ageing
from collector.store.reader import Reader
from collector.store.retention import DAY_US, Retention
from collector.verdict import RULES, Verdict, verdict_of
from session_core import wire
from session_core.errors import Origin
from tests.dashboards.rule_files import ROOT
from tests.filling import fill
from tests.histories import MINUTE_US, SECOND_US, START_US, Life, session_id

AT_US: Final = START_US + 30 * MINUTE_US
NOW_US: Final = AT_US + 75 * SECOND_US
PAGE: Final = (ROOT / "docs" / "verdicts.md").read_text()

Ask = Callable[..., Verdict]


@pytest.fixture
def ask(empty_engine: Engine) -> Ask:
    def verdict(life: Life, *others: Life, now_us: int = NOW_US) -> Verdict:
        fill(empty_engine, [life, *others], now_us=now_us)
        return verdict_of(Reader(empty_engine).case(life.session_id, now_us=now_us))

    return verdict


def joining(
    number: int = 0, *, region: str | None = "ie1", room: int = 0, at_us: int = AT_US, version: str = "5.1"
) -> Life:
    """Somebody who asks for a room."""
    life = Life(session_id(number, at_us), at_us, room_name=f"room-{room}", identity=f"user-{number}")
    life.room_sid = f"RM{room:032x}"
    life.client = wire.ClientData(region=region, app_version=version, network_type="wifi")
    return life.connecting()


def there(number: int = 0, **told: Any) -> Life:
    """Somebody who has been in a room for some minutes when it happens."""
    return joining(number, at_us=AT_US - 5 * MINUTE_US, **told).later(400).connected().later(5 * 60_000 - 400)


def away(life: Life, ms: int = 30_000, cause: str = "signaling") -> Life:
    return life.reconnecting(cause).attempted().later(ms)


def dropped(life: Life, code: int = 53002, origin: Origin = Origin.WINDOW, **of: Any) -> Life:
    return away(life, **of).disconnected(code, origin)


def crowd(count: int, first: int = 100, *, hit: int = 0, **told: Any) -> list[Life]:
    """Others, of whom some lose signaling for a moment at the same time."""
    lives = [there(first + number, room=first + number // 2, **told) for number in range(count)]
    for life in lives[:hit]:
        away(life, 3_000).reconnected()
    return [life.later(20_000).alive() for life in lives]


def test_a_session_that_goes_on_has_no_verdict_yet(ask: Ask) -> None:
    assert ask(there().alive()).sentence == "It has not ended, and it is connected."


def test_one_that_is_reconnecting_says_since_when(ask: Ask) -> None:
    found = ask(away(there(), 20_000).alive())
    assert (found.rule, found.evidence[0].says) == ("going-on", "signaling was lost")


@pytest.mark.parametrize(
    ("end", "rule"),
    [
        ({"code": 53118, "origin": Origin.SERVER}, "room-ended"),
        ({"code": 53216, "origin": Origin.SERVER}, "room-ended"),
        ({"code": 53205, "origin": Origin.SERVER}, "joined-elsewhere"),
        ({"origin": Origin.SERVER}, "removed"),
        ({"reason": "leave", "origin": Origin.LOCAL}, "left"),
        ({"origin": Origin.RESTART}, "process-died"),
    ],
)
def test_an_end_that_was_told_outright_is_the_verdict(ask: Ask, end: dict[str, Any], rule: str) -> None:
    found = ask(there().disconnected(**end))
    assert (found.rule, found.confidence) == (rule, "certain")


def test_who_leaves_shortly_after_an_outage_left_after_trouble(ask: Ask) -> None:
    life = away(there(), 9_000).reconnected().later(12_000).disconnected(reason="leave", origin=Origin.LOCAL)
    found = ask(life)
    assert (found.rule, found.sentence) == (
        "left-after-trouble",
        "The participant left, 12 s after an outage of 9.0 s had ended.",
    )


def test_an_expired_token_is_told_with_how_long_before(ask: Ask) -> None:
    life = joining(at_us=AT_US - 5 * MINUTE_US).later(400).connected(ttl_s=300).later(5 * 60_000 + 2_600)
    found = ask(away(life, 1_000).disconnected(20104, Origin.SERVER))
    assert found.rule == "token-expired"
    assert found.sentence == "The access token had expired, 3.6 s before, so the client was turned away."
    assert [line.says for line in found.evidence[:2]] == ["signaling was lost", "the access token expired"]


@pytest.mark.parametrize(
    ("code", "rule"), [(20101, "token-refused"), (20106, "token-refused"), (53105, "room-full"), (53006, "server-busy")]
)
def test_a_join_that_was_refused_for_a_reason_says_the_reason(ask: Ask, code: int, rule: str) -> None:
    assert ask(joining().later(300).connect_failed(code)).rule == rule


def test_a_join_that_was_given_up_was_cancelled(ask: Ask) -> None:
    assert ask(joining().later(300).connect_failed(None, Origin.LOCAL)).rule == "cancelled"


def test_a_join_that_failed_alone_says_that_others_could(ask: Ask) -> None:
    others = [joining(n, room=n).later(300).connected().later(20_000).alive() for n in range(1, 9)]
    found = ask(joining().later(300).connect_failed(53000), *others)
    assert (found.rule, found.confidence) == ("join-failed", "likely")
    assert found.sentence == "Joining failed: 53000, Signaling connection error, while others could join."


def test_joins_that_fail_in_one_region_are_the_region(ask: Ask) -> None:
    fail = [joining(n, room=n).later(300).connect_failed(53000) for n in range(1, 6)]
    fine = [joining(n, room=n, region="us1").later(300).connected().alive() for n in range(10, 20)]
    found = ask(joining().later(300).connect_failed(53000), *fail, *fine)
    assert (found.rule, found.confidence) == ("region", "certain")
    assert found.sentence.startswith("5 of 5 others in region ie1 failed to join at the same time")


def test_many_of_one_region_are_the_region_and_not_their_network(ask: Ask) -> None:
    found = ask(dropped(there()), *crowd(15, hit=14), *crowd(20, 200, region="us1"))
    assert (found.rule, found.confidence) == ("region", "certain")
    assert (
        found.sentence
        == "14 of 15 others in region ie1 lost connection at the same time: the region, not their network."
    )
    assert [line.says for line in found.evidence] == [
        "signaling was lost",
        "14 of 15 others in the region, in other rooms were hit too",
        "0 of 20 in other regions were hit too",
        "the reconnection window was over, with 53002 (Signaling connection timed out)",
    ]


def test_many_in_all_regions_are_everywhere(ask: Ask) -> None:
    found = ask(dropped(there()), *crowd(10, hit=8), *crowd(10, 200, region="us1", hit=7))
    assert (found.rule, found.sentence) == (
        "everywhere",
        "Connections broke in all regions at once: not their network.",
    )


def test_most_of_one_room_and_hardly_anybody_outside_are_the_room(ask: Ask) -> None:
    mates = [away(there(n), 4_000).reconnected().later(20_000).alive() for n in range(1, 4)]
    found = ask(dropped(there()), *mates, *crowd(20))
    assert (found.rule, found.confidence, found.missing) == ("room", "likely", ())


def test_a_room_without_others_to_compare_with_is_less_sure(ask: Ask) -> None:
    mates = [away(there(n), 4_000).reconnected().later(20_000).alive() for n in range(1, 4)]
    found = ask(dropped(there()), *mates)
    assert (found.rule, found.confidence) == ("room", "unsure")
    assert found.missing == ("others outside the room, to compare with",)


def test_a_version_that_loses_its_media_far_more_often_is_the_release(ask: Ask) -> None:
    bad = [there(n, room=n, version="5.2") for n in range(1, 13)]
    for place, life in enumerate(bad[:9]):
        away(life.later(10_000 * (place % 2)), 4_000, "media").reconnected()
    fine = crowd(40, 300, version="5.1")
    life = there(version="5.2").later(20_000)
    found = ask(dropped(life, 53405, Origin.MEDIA, cause="media"), *(one.alive() for one in bad), *fine)
    assert found.rule == "release"
    assert found.sentence.startswith(
        "App version 5.2 lost its media for 9 of 12 sessions within an hour, other versions"
    )


def test_another_kind_of_network_at_that_moment_is_the_change(ask: Ask) -> None:
    life = there().alive()
    life.client = wire.ClientData(region="ie1", app_version="5.1", network_type="cellular")
    found = ask(dropped(life), *crowd(20))
    assert found.rule == "network-changed"
    assert found.sentence == "Their network changed from wifi to cellular when connection was lost."


def test_who_is_hit_alone_has_lost_their_own_network(ask: Ask) -> None:
    found = ask(dropped(there()), *crowd(20))
    assert (found.rule, found.confidence) == ("own-network", "likely")
    assert found.sentence == (
        "Their own network: none of 20 others who were connected lost connection at the same time. "
        "Their reconnection window ended 30 s after connection was lost."
    )


def test_how_it_ended_stands_in_the_sentence(ask: Ask) -> None:
    attempts = away(there()).attempted().disconnected(53000, Origin.ATTEMPTS)
    assert ask(attempts, *crowd(9)).sentence.endswith("All 2 attempts to come back within 30 s failed.")


def test_who_left_while_reconnecting_is_judged_by_what_hit_them(ask: Ask) -> None:
    found = ask(away(there(), 8_000).disconnected(reason="leave", origin=Origin.LOCAL), *crowd(9))
    assert (found.rule, found.sentence.endswith("They left after 8.0 s of reconnecting.")) == ("own-network", True)


def test_nobody_to_compare_with_makes_it_unsure_and_says_so(ask: Ask) -> None:
    found = ask(dropped(there()))
    assert (found.rule, found.confidence) == ("connection-lost", "unsure")
    assert found.missing == ("others who were connected at the time, to compare with",)


def test_an_error_without_an_outage_is_told_as_it_came(ask: Ask) -> None:
    found = ask(there().disconnected(53003, Origin.SERVER), *crowd(9))
    assert (found.rule, found.confidence) == ("ended-by-error", "likely")


def test_who_was_not_heard_of_any_more_went_silent(ask: Ask) -> None:
    found = ask(there().alive(), now_us=NOW_US + 60 * MINUTE_US)
    assert (found.rule, found.confidence) == ("went-silent", "unsure")
    assert found.missing == ("what happened after its last event",)


def test_what_was_never_told_is_said_to_be_missing(empty_engine: Engine) -> None:
    life = away(there()).disconnected(reason="leave", origin=Origin.LOCAL)
    fill(empty_engine, [life], now_us=NOW_US)
    whole = Reader(empty_engine).case(life.session_id, now_us=NOW_US)
    session = whole.story.session.model_copy(update={"events_expected": whole.story.session.events_received + 3})
    # Three events never came, the outage among them, and those that came have aged out.
    story = whole.story.model_copy(update={"session": session, "events": (), "outages": ()})
    found = verdict_of(whole.model_copy(update={"story": story, "outage": None, "around": None}))
    assert found == Verdict(
        "not-enough-data",
        "Not enough data: what was told does not say why it ended, and its events have aged out.",
        "unsure",
        (),
        ("3 of its events", "its events, which have aged out"),
    )


@pytest.mark.parametrize(("days", "says"), [(35, "are kept 35 days"), (0, "have aged out")])
def test_a_verdict_on_a_session_whose_events_have_aged_out_says_so(empty_engine: Engine, days: int, says: str) -> None:
    alone, expired = dropped(there()), dropped(there(1), code=20104, origin=Origin.SERVER)
    fill(empty_engine, [alone, expired, *crowd(9)], now_us=NOW_US)
    lives = (alone.session_id, expired.session_id)
    before = [verdict_of(Reader(empty_engine).case(one, now_us=NOW_US)) for one in lives]
    later_us = NOW_US + 40 * DAY_US
    assert Ageing(empty_engine, Retention(events_days=35)).run(later_us, lambda _: False, lambda _: None)
    reader = Reader(empty_engine, Retention(events_days=days))
    after = [verdict_of(reader.case(one, now_us=later_us)) for one in lives]
    assert [(one.rule, one.confidence, one.missing) for one in before] == [
        ("own-network", "likely", ()),
        ("token-expired", "certain", ()),
    ]
    assert [(one.rule, one.confidence, one.missing) for one in after] == [
        ("own-network", "unsure", (f"its events, which {says}",)),
        ("token-expired", "certain", (f"its events, which {says}",)),
    ]


def test_a_rejoin_is_told(ask: Ask) -> None:
    life = dropped(there())
    again = joining(1, at_us=life.now_us + 5 * SECOND_US)
    again.previous_session_id = life.session_id
    found = ask(life, again.later(300).connected().alive(), *crowd(9))
    assert found.evidence[-1].says == f"came back as session {again.session_id}"


def test_the_same_case_has_the_same_verdict(empty_engine: Engine) -> None:
    life = dropped(there())
    fill(empty_engine, [life, *crowd(9)], now_us=NOW_US)
    reader = Reader(empty_engine)
    first, second = (verdict_of(reader.case(life.session_id, now_us=now)) for now in (NOW_US, NOW_US + MINUTE_US))
    assert first == second


def test_every_rule_has_a_paragraph_on_the_page_in_the_order_of_the_table() -> None:
    named = re.findall(r"^\| `([a-z-]+)`", PAGE, re.MULTILINE)
    here = [rule.__name__.replace("_", "-") for rule in RULES]
    assert [name for name in named if name != "left-after-trouble"] == here
