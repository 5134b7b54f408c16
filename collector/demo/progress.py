"""What the demo says on the terminal, and the one figure that it asks of its own metrics page."""

from __future__ import annotations

import re
import urllib.request
from typing import Final, TextIO

TERMINAL_EVERY_S: Final = 1.0
FILE_EVERY_S: Final = 10.0
WITHIN_S: Final = 5.0
DUPLICATES: Final = re.compile(
    r'^rtc_collector_events_total\{[^}]*result="duplicate"[^}]*\} (?P<count>\S+)$', re.MULTILINE
)


class Screen:
    """Lines that stay, and one of progress: on a terminal rewritten in place, elsewhere now and then a line."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._is_terminal = out.isatty()
        self._shown = 0
        self.every_s = TERMINAL_EVERY_S if self._is_terminal else FILE_EVERY_S

    def say(self, words: str) -> None:
        """A line that stays."""
        self._clear()
        print(words, file=self._out, flush=True)

    def progress(self, words: str) -> None:
        """The line of progress."""
        if not self._is_terminal:
            self.say(words)
            return
        self._clear()
        self._out.write(words)
        self._out.flush()
        self._shown = len(words)

    def _clear(self) -> None:
        if self._shown:
            self._out.write("\r" + " " * self._shown + "\r")
            self._shown = 0


def duplicates_counted(url: str) -> int:
    """How many records the collector has counted as duplicates, read from its metrics page."""
    with urllib.request.urlopen(url, timeout=WITHIN_S) as page:  # noqa: S310 - the demo's own address
        text = page.read().decode()
    return int(sum(float(found["count"]) for found in DUPLICATES.finditer(text)))
