"""How `roomwatch retention` shows what is old, and how deleting it goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TextIO

from collector.cli.progress import duration
from collector.store.retention import Due, Gone

TERMINAL_EVERY_US: Final = 500_000
FILE_EVERY_US: Final = 10_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def plan_lines(dues: Sequence[Due], *, estimated: bool) -> list[str]:
    """A line for each kind of row."""
    lines = []
    for due in dues:
        kept = f"{due.days} days" if due.days else "forever"
        line = f"  {due.kind:<12} kept {kept:<10}"
        if due.before_us is not None:
            line += f" before {moment(due.before_us)}  {_count(due, estimated=estimated)}"
        lines.append(line.rstrip())
    return lines


class Progress:
    """Tells how a run goes: on a terminal in one line that is written over, else in a line now and then."""

    def __init__(self, dues: Sequence[Due], clock_us: Callable[[], int], out: TextIO) -> None:
        self._dues = {due.kind: due for due in dues}
        self._clock_us = clock_us
        self._out = out
        self._over = out.isatty()
        self._rows: Counter[str] = Counter()
        self._days: list[str] = []
        self._begun_us: dict[str, int] = {}
        self._shown_us = clock_us()
        self._width = 0

    def tell(self, gone: Gone) -> None:
        """A step was done."""
        now_us = self._clock_us()
        self._begun_us.setdefault(gone.kind, now_us)
        self._rows[gone.kind] += gone.rows
        if gone.day in self._dues["events"].whole_days:
            self._days.append(gone.day)
        if now_us - self._shown_us >= (TERMINAL_EVERY_US if self._over else FILE_EVERY_US):
            self._shown_us = now_us
            self._show(self._line(gone.kind, now_us))

    def end(self) -> None:
        """The line is free again."""
        if self._width:
            self._show("")
            self._out.write("\r" if self._over else "")
            self._out.flush()

    def summary(self) -> str:
        """What went in all."""
        went = [f"{rows:,} {kind.replace('_', ' ')}" for kind, rows in self._rows.items() if rows]
        if self._days:
            went.append(f"{_days(len(self._days))} of events as a whole")
        return ", ".join(went) or "nothing"

    def _line(self, kind: str, now_us: int) -> str:
        rows, due = self._rows[kind], self._dues[kind]
        line = f"{kind}: {rows:,} of {max(due.rows, rows):,} rows"
        if kind == "events" and due.whole_days:
            line += f", {len(self._days)} of {len(due.whole_days)} days"
        spent_s = (now_us - self._begun_us[kind]) / 1_000_000
        if rows and spent_s > 0:
            left = duration(max(0, due.rows - rows) * spent_s / rows)
            line += f", {rows / spent_s:,.0f}/s, {left} left"
        return line

    def _show(self, line: str) -> None:
        if self._over:
            self._out.write(f"\r{line:<{self._width}}")
            self._width = max(self._width, len(line))
        elif line:
            self._out.write(f"{line}\n")
        self._out.flush()


def _count(due: Due, *, estimated: bool) -> str:
    about = "about " if estimated and due.kind == "events" and due.rows else ""
    text = f"{about}{due.rows:,} rows"
    if due.whole_days:
        size = "" if due.size is None else f", {due.size / 1_000_000:,.1f} MB"
        text += f" in {_days(len(due.whole_days), 'whole ')}{size}"
    return text


def _days(count: int, kind: str = "") -> str:
    return f"{count} {kind}day{'' if count == 1 else 's'}"


def moment(at_us: int) -> str:
    """A time as people read it."""
    return f"{_EPOCH + timedelta(microseconds=at_us):%Y-%m-%d %H:%M} UTC"
