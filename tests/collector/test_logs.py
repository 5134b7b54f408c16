"""Lines: one a record, bounded, without secrets, few of a kind."""

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest

from collector.logs import LINE_CHARACTERS_MAX, SAME_A_MINUTE_MAX, FewOfAKind, JsonLines, TextLines, set_up

AT = 1_795_000_000.25


def record(
    message: str, *args: object, level: int = logging.INFO, name: str = "collector", **facts: object
) -> logging.LogRecord:
    made = logging.LogRecord(name, level, "file.py", 1, message, args, None)
    made.created = AT
    vars(made).update(facts)
    return made


@pytest.fixture
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(capture=False)


def test_a_line_for_machines_is_one_json_object_with_its_facts() -> None:
    line = JsonLines().format(record("took %s", "on", partitions={2, 1}, level=logging.WARNING))
    assert json.loads(line) == {
        "at": "2026-11-18T11:06:40.250Z",
        "level": "warning",
        "logger": "collector",
        "message": "took on",
        "partitions": [1, 2],
    }


def test_a_line_for_people_says_its_level_where_it_matters() -> None:
    lines = [TextLines().format(record("came", n=1, level=level)) for level in (logging.INFO, logging.ERROR)]
    assert lines == ["11:06:40  came  n=1", "11:06:40  error: came  n=1"]


def test_a_line_is_bounded_and_stays_one() -> None:
    line = JsonLines().format(record("x" * 10_000, why="y\n" * 10_000))
    told = json.loads(line)
    assert "\n" not in line
    assert (len(told["message"]), len(told["why"])) == (LINE_CHARACTERS_MAX, LINE_CHARACTERS_MAX)


def test_a_traceback_is_a_field() -> None:
    made = record("broke")
    try:
        int("here")
    except ValueError:
        made.exc_info = sys.exc_info()
    assert json.loads(JsonLines().format(made))["traceback"].endswith("literal for int() with base 10: 'here'")
    assert TextLines().format(made).splitlines()[-1].startswith("ValueError: ")


def test_what_a_library_repeats_is_said_a_few_times_a_minute_and_then_how_often_it_was_held_back() -> None:
    few = FewOfAKind()
    passed = [few.filter(record("no leader", name="aiokafka.client")) for _ in range(20)]
    assert passed == [True] * SAME_A_MINUTE_MAX + [False] * (20 - SAME_A_MINUTE_MAX)
    later = record("no leader", name="aiokafka.client")
    later.created = AT + 61
    assert few.filter(later)
    assert vars(later)["held_back"] == 20 - SAME_A_MINUTE_MAX


def test_our_own_lines_all_pass() -> None:
    few = FewOfAKind()
    assert all(few.filter(record("told")) for _ in range(20))


@pytest.mark.usefixtures("_logging_as_before")
def test_auto_is_json_where_nobody_looks() -> None:
    stream = io.StringIO()
    set_up(stream, "auto", "info")
    logging.getLogger("collector.x").info("told")
    logging.getLogger("collector.x").debug("not told")
    logging.getLogger("aiokafka.x").info("not ours to tell")
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["told"]
