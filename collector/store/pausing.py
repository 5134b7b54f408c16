"""How work on a whole store goes on in steps, so that the writer has the store to itself in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

PAUSE_S: Final = 0.02
"""Between two steps."""

Pause = Callable[[float], bool]
"""Waits so many seconds; True says that there is to be no next step."""
