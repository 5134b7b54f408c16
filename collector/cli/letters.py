"""Stored dead letters as text and JSON. What a stranger sent is shown so that it cannot speak to the terminal."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from collector.store.engine import make_engine, require_schema
from collector.store.letters import LetterFilters, Letters, ReasonCount, StoredLetter
from session_core.instants import utc_from_us

DETAIL_SHOWN: Final = 80


def listed(url: str, filters: LetterFilters, limit: int, form: str, *, by_reason: bool) -> str:
    """The letters, or their counts."""
    with _opened(url) as letters:
        counts = letters.by_reason(filters)
        found = [] if by_reason else letters.newest(filters, limit)
    if form == "json":
        return "\n".join(map(json.dumps, map(_counted, counts) if by_reason else map(_told, found)))
    return counted(counts) if by_reason else table(found, sum(count.letters for count in counts))


def stored(url: str, topic: str, partition: int, offset: int) -> StoredLetter:
    """One letter. Raises LetterNotFound."""
    with _opened(url) as letters:
        return letters.one(topic, partition, offset)


def table(letters: Sequence[StoredLetter], of: int) -> str:
    """The letters, a line each."""
    rows = [("APPENDED", "WHERE", "REASON", "PLACE", "DETAIL")]
    rows += [
        (
            _time(letter.append_at),
            f"{letter.partition}/{letter.offset}",
            letter.reason,
            _plain(letter.place, DETAIL_SHOWN),
            _plain(letter.detail, DETAIL_SHOWN) + (" (sent again)" if letter.replayed_at is not None else ""),
        )
        for letter in letters
    ]
    if not letters:
        return "no dead letters"
    more = f"{len(letters)} of {of:,}" if len(letters) < of else f"{of:,}"
    return f"{_columns(rows)}\n{more} dead letters; `roomwatch dead-letters show WHERE` shows one"


def counted(counts: Sequence[ReasonCount]) -> str:
    """Counts by reason."""
    if not counts:
        return "no dead letters"
    rows = [("LETTERS", "REASON", "FIRST", "LAST")]
    rows += [(f"{one.letters:,}", one.reason, _time(one.first_us), _time(one.last_us)) for one in counts]
    return _columns(rows)


def whole(letter: StoredLetter) -> str:
    """All that the store has of a letter."""
    facts = {
        "topic": letter.topic,
        "partition/offset": f"{letter.partition}/{letter.offset}",
        "appended": _time(letter.append_at),
        "refused": _time(letter.stored_at),
        "sent again": "no" if letter.replayed_at is None else _time(letter.replayed_at),
        "reason": letter.reason,
        "place": _plain(letter.place),
        "detail": _plain(letter.detail),
        "key": "none" if letter.key is None else _plain(_text(letter.key)),
    }
    width = max(map(len, facts)) + 2
    lines = [f"{name:<{width}}{value}" for name, value in facts.items()]
    if letter.value is None:
        return "\n".join([*lines, f"{'value':<{width}}none"])
    cut = ", cut: the topic of dead letters has all of it" if letter.is_cut else ""
    lines.append(f"{'value':<{width}}{len(letter.value):,} bytes{cut}")
    return "\n".join([*lines, "", _plain(_text(letter.value))])


@contextmanager
def _opened(url: str) -> Iterator[Letters]:
    engine = make_engine(url)
    try:
        require_schema(engine)
        yield Letters(engine)
    finally:
        engine.dispose()


def _told(letter: StoredLetter) -> dict[str, Any]:
    return {
        **letter._asdict(),
        "append_at": _time(letter.append_at),
        "stored_at": _time(letter.stored_at),
        "replayed_at": None if letter.replayed_at is None else _time(letter.replayed_at),
        "key": None if letter.key is None else base64.b64encode(letter.key).decode(),
        "value": None if letter.value is None else base64.b64encode(letter.value).decode(),
        "value_is_cut": letter.is_cut,
    }


def _counted(one: ReasonCount) -> dict[str, Any]:
    return {"reason": one.reason, "letters": one.letters, "first": _time(one.first_us), "last": _time(one.last_us)}


def _columns(rows: Iterable[tuple[str, ...]]) -> str:
    some = list(rows)
    widths = [max(map(len, column)) for column in zip(*some, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in some)


def _time(at_us: int) -> str:
    return utc_from_us(at_us).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")


def _plain(text: str, at_most: int | None = None) -> str:
    """Text without control characters, cut where there is a bound."""
    shown = "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
    return shown if at_most is None or len(shown) <= at_most else f"{shown[: at_most - 1]}…"
