"""How this process logs: one line a record on stderr, a JSON object for machines or text for people. Standard logging.

Rules:
1. A line says what happened as a sentence that is always the same; what differs goes into `extra`, as facts.
2. Lines are bounded, in length each and in number: what a library repeats in its distress is said a few times a minute.
3. No secret goes into a line. Nobody who logs holds one: errors and reprs leave them out.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal, TextIO

LINE_CHARACTERS_MAX: Final = 4_000
SAME_A_MINUTE_MAX: Final = 2
"""Of a library's line, told apart by logger and place: enough to see it, few enough to see the rest."""
_TEMPLATES_MAX: Final = 1_000

_LIBRARIES: Final = ("aiokafka", "uvicorn", "asyncio", "sqlalchemy", "alembic")
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class JsonLines(logging.Formatter):
    """One JSON object a line: at, level, logger, message, the facts, and the traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "at": _at(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _bounded(record.getMessage()),
            **{name: _plain(value) for name, value in _facts(record).items()},
        }
        if record.exc_info:
            line["traceback"] = _bounded(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)


class TextLines(logging.Formatter):
    """Text for people: time, level where it matters, message, facts."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; a traceback makes it several."""
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        facts = "".join(f"  {name}={_plain(value)}" for name, value in _facts(record).items())
        line = f"{_at(record)[11:19]}  {level}{_bounded(record.getMessage())}{facts}"
        return f"{line}\n{_bounded(self.formatException(record.exc_info))}" if record.exc_info else line


class FewOfAKind(logging.Filter):
    """Lets a line of a library pass a few times a minute; the next that passes says how many were held back."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[tuple[str, str, int], tuple[int, int]] = {}  # of a place: its minute, how many since

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is written. Time is the record's own."""
        if not record.name.startswith(_LIBRARIES):
            return True
        place = (record.name, record.pathname, record.lineno)
        minute = int(record.created // 60)
        began, count = self._seen.get(place, (minute, 0))
        if began != minute:
            if count > SAME_A_MINUTE_MAX:
                record.held_back = count - SAME_A_MINUTE_MAX
            began, count = minute, 0
        if len(self._seen) >= _TEMPLATES_MAX:
            self._seen.clear()
        self._seen[place] = (began, count + 1)
        return count < SAME_A_MINUTE_MAX


def set_up(stream: TextIO, form: Literal["auto", "json", "text"], level: str) -> None:
    """Makes the whole process log to `stream`. "auto" is text where the stream is a terminal."""
    handler = logging.StreamHandler(stream)
    as_text = form == "text" or (form == "auto" and stream.isatty())
    handler.setFormatter(TextLines() if as_text else JsonLines())
    handler.addFilter(FewOfAKind())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for library in _LIBRARIES:
        # What libraries do all day is theirs; what goes wrong in them is ours.
        logging.getLogger(library).setLevel(logging.DEBUG if level == "debug" else logging.WARNING)
    logging.captureWarnings(capture=True)


def _facts(record: logging.LogRecord) -> Mapping[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


def _at(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain(value: object) -> Any:
    if isinstance(value, str):
        return _bounded(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in list(value)[:50]]
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in list(value.items())[:50]}
    return _bounded(str(value))


def _bounded(text: str) -> str:
    return text if len(text) <= LINE_CHARACTERS_MAX else text[: LINE_CHARACTERS_MAX - 3] + "..."
