"""One line of progress on the terminal, rewritten in place; elsewhere now and then a line."""

from __future__ import annotations

import sys
import time
from typing import Final, TextIO

TERMINAL_EVERY_S: Final = 0.2
FILE_EVERY_S: Final = 10.0
BAR: Final = 24


class Progress:
    """How far something is, at what rate, and how long it will take; of what it counts nothing is known here."""

    def __init__(self, unit: str, out: TextIO | None = None) -> None:
        """`unit` is what the parts of the work are called: records, rows."""
        self._unit = unit
        self._out = sys.stderr if out is None else out
        self._is_terminal = self._out.isatty()
        self._began_s = self._shown_s = time.monotonic()  # noqa: TID251 - for people's eyes alone
        self._width = 0

    def tell(self, done: int, of: int) -> None:
        """So many parts are done of so many. Says so when it is time to."""
        now_s = time.monotonic()  # noqa: TID251 - as above
        if now_s - self._shown_s >= (TERMINAL_EVERY_S if self._is_terminal else FILE_EVERY_S):
            self._shown_s = now_s
            self._show(line(self._unit, done, of, now_s - self._began_s))

    def end(self) -> None:
        """Takes the line away."""
        if self._width:
            self._out.write("\r" + " " * self._width + "\r")
            self._out.flush()

    def _show(self, words: str) -> None:
        if not self._is_terminal:
            print(words, file=self._out, flush=True)
            return
        self._out.write("\r" + words.ljust(self._width))
        self._out.flush()
        self._width = len(words)


def line(unit: str, done: int, of: int, took_s: float) -> str:
    """The line of progress."""
    share = min(1.0, done / of) if of else 1.0
    rate = done / took_s if took_s > 0 else 0.0
    full = round(BAR * share)
    left = f", {duration((of - done) / rate)} left" if rate and done < of else ""
    return f"[{'#' * full}{'.' * (BAR - full)}] {share:4.0%}  {done:,} of {of:,} {unit}, {rate:,.0f}/s{left}"


def duration(seconds: float) -> str:
    """45 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
