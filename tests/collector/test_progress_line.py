"""The line of progress that long commands show."""

import io

import pytest

from collector.cli.progress import Progress, duration, line


@pytest.mark.parametrize(
    ("done", "of", "took_s", "says"),
    [
        (0, 100, 0.0, "[........................]   0%  0 of 100 records, 0/s"),
        (50, 100, 2.0, "[############............]  50%  50 of 100 records, 25/s, 2 s left"),
        (100, 100, 4.0, "[########################] 100%  100 of 100 records, 25/s"),
        (0, 0, 1.0, "[########################] 100%  0 of 0 records, 0/s"),
    ],
)
def test_it_says_how_far_how_fast_and_how_long_still(done: int, of: int, took_s: float, says: str) -> None:
    assert line("records", done, of, took_s) == says


@pytest.mark.parametrize(
    ("seconds", "says"), [(0.4, "0 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7_500, "2 h 5 min")]
)
def test_durations_are_said_in_two_units_at_most(seconds: float, says: str) -> None:
    assert duration(seconds) == says


def test_what_is_over_at_once_shows_nothing() -> None:
    out = io.StringIO()
    progress = Progress("records", out)
    progress.tell(1, 2)
    progress.end()
    assert out.getvalue() == ""
