"""The widest ten seconds of each value."""

from hypothesis import given
from hypothesis import strategies as st

from collector.store.reader_blast import STRETCH_US, Opened, Widest, widest_stretches

SECOND_US = 1_000_000

outages = st.lists(
    st.builds(
        Opened,
        st.integers(0, 40).map(lambda s: s * SECOND_US),
        st.integers(0, 5),
        st.sampled_from(["a", "b"]),
    ),
    max_size=30,
).map(lambda found: sorted(found, key=lambda one: one.at_us))


def _opened(at_s: float, number: int, value: str | None = "a") -> Opened:
    return Opened(round(at_s * SECOND_US), number, value)


def test_sessions_that_lose_connection_within_ten_seconds_are_counted_together() -> None:
    opened = [_opened(0, 1), _opened(9.9, 2), _opened(10, 3), _opened(30, 4)]
    assert widest_stretches(opened) == [Widest(2, 0, "a")]


def test_a_session_that_flaps_counts_once() -> None:
    opened = [_opened(0, 1), _opened(2, 1), _opened(4, 1)]
    assert widest_stretches(opened) == [Widest(1, 0, "a")]


def test_the_widest_comes_first() -> None:
    opened = [_opened(0, 1), _opened(1, 2, "b"), _opened(2, 3, "b"), _opened(3, 4, None)]
    assert [(one.value, one.affected) for one in widest_stretches(opened)] == [("b", 2), ("a", 1), (None, 1)]


@given(outages)
def test_it_is_what_counting_every_stretch_gives(opened: list[Opened]) -> None:
    for one in widest_stretches(opened):
        its = [other for other in opened if other.value == one.value]
        inside = [{b.session for b in its if a.at_us <= b.at_us < a.at_us + STRETCH_US} for a in its]
        assert one.affected == max(map(len, inside))
