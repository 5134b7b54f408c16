"""What benchmarks print."""

import json

from benchmarks.figures import Figure, percentile


def test_a_figure_is_told_with_its_peer_and_the_ratio_of_the_two() -> None:
    line = json.loads(Figure("stored", 30_000.0, "events/s", "a script", 10_000.0, "> 40,000", {"live": 20_000}).line())

    machine = line.pop("machine")
    assert machine
    assert line == {
        "name": "stored", "value": 30_000.0, "unit": "events/s", "peer": "a script", "peer_value": 10_000.0,
        "ratio": 3.0, "goal": "> 40,000", "live": 20_000,
    }  # fmt: skip


def test_a_figure_without_a_peer_has_the_same_fields() -> None:
    alone = json.loads(Figure("memory", 700.0, "MB").line())
    beside = json.loads(Figure("memory", 700.0, "MB", "a script", 70.0).line())

    assert alone.keys() == beside.keys()
    assert alone["ratio"] is None


def test_a_percentile_is_a_value_that_was_seen() -> None:
    values = [float(value) for value in range(100, 0, -1)]

    assert [percentile(values, percent) for percent in (0, 50, 99, 100)] == [1.0, 51.0, 100.0, 100.0]
