"""Time in states and outages add up, to the millisecond."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from session_core.events import Outage, Totals
from session_core.ledger import Ledger, Stopwatch
from session_core.transitions import Media, Signaling
from tests.session_core.playing import at


def facts(ledger: Ledger, ms: float) -> Outage | None:
    return None if ledger.outage is None else ledger.outage.facts(at(ms).steady_us)


@given(st.lists(st.integers(0, 5_000), min_size=2, max_size=40), st.data())
def test_two_watches_that_take_turns_show_together_all_the_time_there_was(
    steps_us: list[int], data: st.DataObject
) -> None:
    one, other, now_us = Stopwatch(), Stopwatch(), 0
    for step_us in steps_us:
        turn = data.draw(st.booleans())
        one.run(now_us, running=turn)
        other.run(now_us, running=not turn)
        now_us += step_us
    assert one.read_ms(now_us) + other.read_ms(now_us) == now_us // 1000


def test_a_watch_that_runs_runs_on_and_one_that_stands_stands() -> None:
    watch = Stopwatch()
    watch.run(1_000, running=False)
    watch.run(2_000, running=True)
    watch.run(5_000, running=True)
    assert watch.read_ms(9_999) == 7
    watch.run(9_999, running=False)
    watch.run(20_000, running=False)
    assert watch.read_ms(99_000) == 7


def test_an_outage_is_told_with_both_links() -> None:
    ledger = Ledger()
    ledger.joined(at(0))
    ledger.open_outage(at(1_000), "media")
    assert ledger.outage is not None
    for ms, signaling, media in (
        (1_000, Signaling.UP, Media.FAILED),
        (1_100, Signaling.DOWN, Media.PENDING),
        (1_250, Signaling.DOWN, Media.OK),
        (1_300, Signaling.DOWN, Media.PENDING),
    ):
        ledger.outage.note_links(at(ms).steady_us, signaling, media, failure_counts=True)
    assert facts(ledger, 1_400) == Outage(
        number=1, started_at=at(1_000).utc, cause="media", signaling_down_ms=300, media_down_ms=350, downtime_ms=400
    )


def test_the_next_outage_tells_how_long_the_room_was_well() -> None:
    ledger = Ledger()
    ledger.joined(at(0))
    ledger.open_outage(at(1_000), "media")
    ledger.close_outage(at(1_400))
    ledger.close_outage(at(1_500))
    ledger.open_outage(at(4_400), "signaling")
    assert facts(ledger, 4_400) == Outage(
        number=2, started_at=at(4_400).utc, cause="signaling", since_previous_ms=3_000
    )
    ledger.end(at(5_000))
    assert facts(ledger, 5_000) is None
    assert ledger.totals(at(9_000)) == Totals(outages=2, reconnecting_ms=1_000, connected_ms=4_000)
