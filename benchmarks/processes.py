"""What processes cost, as the kernel counts it: CPU of a process with its children, and memory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

TICKS_A_S: Final = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """CPU seconds of a process, its children that live, and its children that have ended."""
    ticks = 0.0
    for place in Path("/proc").iterdir():
        if not place.name.isdigit():
            continue
        try:
            stat = (place / "stat").read_text()
        except OSError:  # it has ended meanwhile
            continue
        values = stat[stat.rindex(")") + 2 :].split()
        parent, user, system, user_ended, system_ended = (int(values[at]) for at in (1, 11, 12, 13, 14))
        if int(place.name) == pid:
            ticks += user + system + user_ended + system_ended
        elif parent == pid:
            ticks += user + system
    return ticks / TICKS_A_S


def memory_bytes(pid: int) -> int:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
