"""Where charts put what, to the percent."""

from datetime import UTC, datetime

import pytest

from collector.api.charts import HEIGHT, Bar, Piece, Series, Tick, stacked, time_ticks
from collector.store.questions import Span
from session_core.instants import us_from_utc, utc_from_us

HOUR_US = 3_600_000_000
NOON_US = us_from_utc(datetime(2026, 11, 24, 12, tzinfo=UTC))
SPAN = Span(NOON_US, NOON_US + HOUR_US)


def test_counts_are_stacked_in_the_order_of_the_labels() -> None:
    at = utc_from_us(NOON_US + HOUR_US // 2)
    chart = stacked([(at, "bad", 1), (at, "good", 3)], {"good": "went well", "bad": "did not"}, SPAN, HOUR_US // 10)
    assert chart.bars == (
        Bar(
            51.0,
            8.0,
            "12:30: 3 went well, 1 did not",
            (Piece("good", 40, 120), Piece("bad", 0, 40)),
            "2026-11-24T12:30:00.000Z",
        ),
    )
    assert chart.series == (Series("good", "went well", 3), Series("bad", "did not", 1))
    assert chart.rows == (("12:30", (3, 1)),)
    assert chart.whens == ("2026-11-24T12:30:00.000Z",)
    assert chart.y_ticks == (Tick(HEIGHT / 2, "2"), Tick(0, "4"))


def test_what_never_happened_is_not_in_the_legend() -> None:
    at = utc_from_us(NOON_US)
    chart = stacked([(at, "good", 1)], {"good": "well", "bad": "badly"}, SPAN, HOUR_US)
    assert [one.key for one in chart.series] == ["good"]


def test_a_chart_of_nothing_has_nothing() -> None:
    chart = stacked([], {"good": "well"}, SPAN, HOUR_US)
    assert (chart.total, chart.bars, chart.series) == (0, (), ())


@pytest.mark.parametrize(
    ("count", "top"), [(1, "2"), (3, "4"), (7, "8"), (11, "12"), (99, "100"), (161, "200"), (750, "800")]
)
def test_the_axis_ends_at_a_round_even_number(count: int, top: str) -> None:
    chart = stacked([(utc_from_us(NOON_US), "a", count)], {"a": "a"}, SPAN, HOUR_US)
    assert chart.y_ticks[-1].label == top


@pytest.mark.parametrize(
    ("seconds", "labels"),
    [
        (6, ["12:00:01", "12:00:02", "12:00:03", "12:00:04", "12:00:05"]),
        (3600, ["12:10", "12:20", "12:30", "12:40", "12:50"]),
        (6 * 3600, ["13:00", "14:00", "15:00", "16:00", "17:00"]),
        (7 * 86_400, ["25 Nov", "26 Nov", "27 Nov", "28 Nov", "29 Nov", "30 Nov", "01 Dec"]),
    ],
)
def test_the_axis_of_time_has_round_times_and_none_at_the_edges(seconds: int, labels: list[str]) -> None:
    assert [tick.label for tick in time_ticks(Span(NOON_US, NOON_US + seconds * 1_000_000))] == labels
