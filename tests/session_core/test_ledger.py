"""Time in states and outages add up, to the millisecond."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from session_core.events import Moment, Outage, Totals
from session_core.ledger import Ledger, OpenOutage
from session_core.transitions import Media, Signaling
from tests.session_core.playing import at


def facts(ledger: Ledger, ms: float) -> Outage | None:
    return None if ledger.outage is None else ledger.outage.facts(at(ms).steady_us)


STEPS_US = st.lists(st.integers(0, 5_000), min_size=1, max_size=40)


def moment_us(steady_us: int) -> Moment:
    return Moment(0, steady_us)


@given(STEPS_US, st.integers(0, 5_000))
def test_connected_and_reconnecting_are_together_all_the_time_since_the_join(steps_us: list[int], join_us: int) -> None:
    ledger, now_us, downtimes_ms = Ledger(), join_us, 0
    ledger.joined(moment_us(join_us))
    for step_us in steps_us:
        now_us += step_us
        outage = ledger.outage
        if outage is None:
            ledger.open_outage(moment_us(now_us), "media")
        else:
            downtimes_ms += outage.facts(now_us).downtime_ms
            ledger.close_outage(moment_us(now_us))
        totals = ledger.totals(moment_us(now_us))
        assert totals.connected_ms + totals.reconnecting_ms == now_us // 1000 - join_us // 1000
    assert ledger.totals(moment_us(now_us)).reconnecting_ms == downtimes_ms


@given(STEPS_US, st.data())
def test_links_that_take_turns_at_being_down_were_so_together_as_long_as_the_outage(
    steps_us: list[int], data: st.DataObject
) -> None:
    outage, now_us = OpenOutage(1, moment_us(0), "media", None), 0
    for step_us in steps_us:
        signaling, media = data.draw(
            st.sampled_from([(Signaling.DOWN, Media.OK), (Signaling.UP, Media.FAILED), (Signaling.DOWN, Media.PENDING)])
        )
        outage.note_links(now_us, signaling, media, failure_counts=False)
        now_us += step_us
    told = outage.facts(now_us)
    assert told.signaling_down_ms + told.media_down_ms == told.downtime_ms == now_us // 1000


def test_before_the_join_and_after_the_end_no_time_is_counted() -> None:
    ledger = Ledger()
    assert ledger.totals(at(5_000)) == Totals()
    ledger.joined(at(5_000))
    ledger.end(at(6_000))
    ledger.end(at(7_000))
    assert ledger.totals(at(9_000)) == Totals(connected_ms=1_000)


def test_a_session_that_never_joined_ends_without_time() -> None:
    ledger = Ledger()
    ledger.end(at(6_000))
    assert ledger.totals(at(9_000)) == Totals()


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
