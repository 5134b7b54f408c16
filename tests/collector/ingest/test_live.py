"""Live sessions counted as they come and go."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from collector.ingest.live import SECOND_US, LiveSessions
from collector.metrics import Held
from collector.store.changes import Standing

CALM = Standing(0, "ie1", reconnecting=False, expires_s=None)
AWAY = CALM._replace(reconnecting=True)

STANDINGS = st.builds(
    Standing, st.integers(0, 2), st.sampled_from((None, "ie1", "us1")), st.booleans(), st.none() | st.integers(0, 50)
)
STEPS = st.lists(st.tuples(st.none() | STANDINGS, st.integers(0, 5)), max_size=40)


def at_risk(live: LiveSessions, now_s: int) -> int:
    return sum(held.token_risk for regions in live.held(now_s * SECOND_US).values() for held in regions.values())


def test_a_session_counts_as_what_it_is_now() -> None:
    live = LiveSessions(0)
    live.begin(0)
    live.move([(None, CALM), (None, CALM), (CALM, AWAY)])
    assert live.held(0) == {0: {"ie1": Held(live=2, reconnecting=1)}}
    live.move([(AWAY, None), (CALM, None)])
    assert live.held(0) == {0: {}}


def test_a_session_that_moves_to_another_region_is_counted_there() -> None:
    live = LiveSessions(0)
    live.begin(0, [(CALM, 3)])
    live.move([(CALM, CALM._replace(region="us1"))])
    assert live.held(0) == {0: {"ie1": Held(live=2), "us1": Held(live=1)}}


def test_only_partitions_that_are_ours_are_counted() -> None:
    live = LiveSessions(0)
    live.begin(1)
    live.move([(None, CALM), (CALM, CALM._replace(partition=1))])
    assert live.held(0) == {1: {"ie1": Held(live=1)}}
    live.end(1)
    assert live.held(0) == {}


def test_a_token_is_at_risk_from_the_window_before_its_end_until_its_session_ends() -> None:
    one = CALM._replace(expires_s=1_000)
    live = LiveSessions(60 * SECOND_US)
    live.begin(0, [(one, 1)])
    assert [at_risk(live, now_s) for now_s in (0, 940, 941, 5_000)] == [0, 0, 1, 1]
    live.move([(one, None)])
    assert at_risk(live, 5_001) == 0


def test_a_clock_that_was_set_back_takes_no_risk_back() -> None:
    one = CALM._replace(expires_s=1_000)
    live = LiveSessions(0)
    live.begin(0, [(one, 1)])
    assert [at_risk(live, now_s) for now_s in (1_001, 10, 1_002)] == [1, 1, 1]
    live.move([(one, None), (None, one)])
    assert at_risk(live, 11) == 1


def test_what_others_took_away_never_shows_less_than_none() -> None:
    live = LiveSessions(0)
    live.begin(0, [(CALM, 1)])
    live.move([(AWAY._replace(expires_s=5), None), (None, CALM)])
    assert live.held(10 * SECOND_US) == {0: {"ie1": Held(live=1)}}


@given(STEPS, st.integers(0, 9))
def test_counts_are_those_of_looking_at_all_of_them(steps: list[tuple[Standing | None, int]], window_s: int) -> None:
    live = LiveSessions(window_s * SECOND_US)
    for partition in range(3):
        live.begin(partition)
    now: dict[int, Standing | None] = {}
    for at_s, (after, who) in enumerate(steps):
        live.move([(now.get(who), after)])
        now[who] = after
        expected: Counter[tuple[int, str | None, str]] = Counter()
        for one in now.values():
            if one is not None:
                expected[one.partition, one.region, "live"] += 1
                expected[one.partition, one.region, "reconnecting"] += one.reconnecting
                expected[one.partition, one.region, "token_risk"] += (
                    one.expires_s is not None and one.expires_s < at_s + window_s
                )
        found = {
            (partition, region, name): count
            for partition, regions in live.held(at_s * SECOND_US).items()
            for region, held in regions.items()
            for name, count in held._asdict().items()
        }
        assert {key: count for key, count in found.items() if count} == dict(+expected)
