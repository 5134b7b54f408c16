"""What the page of outages is drawn from."""

from collections.abc import Sequence

from collector.api.explore_charts import lasted, trend
from collector.api.exploring import Asked
from collector.api.linked_charts import Line
from collector.store.explored import EDGES_MS
from collector.store.questions import Span
from collector.store.views_explore import LastedBetween, OutagesAt, TimeToReconnect
from session_core.instants import utc_from_us
from tests.collector.api.untold import UNTOLD

MINUTE_US = 60_000_000
ASKED = Asked([("region", "br1")])


def told(counts: dict[int, tuple[int, int]], ranks: Sequence[int | None]) -> TimeToReconnect:
    """So many that came back and that did not, by the stretch that begins there."""
    pairs = zip(EDGES_MS, [*EDGES_MS[1:], None], strict=True)
    p50, p90, p99 = ranks
    return TimeToReconnect(
        since=utc_from_us(0),
        until=utc_from_us(1),
        one_in=1,
        buckets=tuple(
            LastedBetween(
                from_ms=edge,
                to_ms=beyond,
                recovered=counts.get(edge, (0, 0))[0],
                not_recovered=counts.get(edge, (0, 0))[1],
            )
            for edge, beyond in pairs
        ),
        recovered=sum(back for back, _ in counts.values()),
        p50_ms=p50,
        p90_ms=p90,
        p99_ms=p99,
        completeness=UNTOLD,
    )


def test_a_bar_of_the_trend_leads_to_its_time_and_a_cell_to_its_outages() -> None:
    counts = [
        OutagesAt(at=utc_from_us(MINUTE_US), outcome="recovered", count=3),
        OutagesAt(at=utc_from_us(MINUTE_US), outcome="failed", count=1),
    ]
    drawn = trend(counts, Span(0, 10 * MINUTE_US), MINUTE_US, ASKED)
    time = "since=1970-01-01T00%3A01%3A00.000Z&until=1970-01-01T00%3A02%3A00.000Z"
    (bar,) = drawn.bars
    assert (bar.x, bar.width, bar.title) == (11.0, 8.0, "00:01: 3 came back, 1 did not come back")
    assert bar.href == f"/outages?region=br1&{time}"
    assert drawn.rows[0].cells == (
        (3, f"/outages?region=br1&outcome=recovered&{time}"),
        (1, f"/outages?region=br1&outcome=failed&{time}"),
    )
    assert [(key, total, href) for key, _, total, href in drawn.series] == [
        ("recovered", 3, "/outages?region=br1&outcome=recovered"),
        ("failed", 1, "/outages?region=br1&outcome=failed"),
    ]


def test_a_time_of_several_days_says_the_day() -> None:
    counts = [OutagesAt(at=utc_from_us(0), outcome="open", count=1)]
    drawn = trend(counts, Span(0, 7 * 86_400_000_000), 10_800_000_000, ASKED)
    assert drawn.rows[0].label == "01 Jan 00:00"


def test_lengths_reach_from_what_there_is_to_the_window_at_least() -> None:
    drawn = lasted(told({2_000: (4, 1)}, [2_100, 2_900, 2_900]), ASKED)
    assert [row.label for row in drawn.rows] == [
        "1.5 s to 2.0 s", "2.0 s to 3.0 s", "3.0 s to 5.0 s", "5.0 s to 7.0 s", "7.0 s to 10 s", "10 s to 15 s",
        "15 s to 20 s", "20 s to 30 s", "30 s to 45 s",
    ]  # fmt: skip
    assert drawn.bars[1].href == "/outages?region=br1&lasted=2000-3000"
    assert [piece.key for piece in drawn.bars[1].pieces] == ["recovered", "failed"]


def test_percentiles_and_the_window_stand_where_they_belong() -> None:
    drawn = lasted(told({2_000: (4, 0)}, [2_000, 3_000, 3_000]), ASKED)
    ninth = 100 / 9
    assert drawn.lines == (
        Line(round(ninth, 3), "half came back 2.0 s", "rank", 0, "start"),
        Line(round(2 * ninth, 3), "90 % 3.0 s", "rank", 1, "start"),
        Line(round(2 * ninth, 3), "99 % 3.0 s", "rank", 2, "start"),
        Line(round(8 * ninth, 3), "window 30 s", "window", 3, "end"),
    )


def test_where_nothing_is_over_nothing_is_drawn() -> None:
    drawn = lasted(told({}, [None, None, None]), ASKED)
    assert (drawn.total, drawn.bars, drawn.lines) == (0, (), ())
