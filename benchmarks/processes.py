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


def thread_cpu_s(pid: int) -> dict[str, float]:
    """CPU seconds of a process's threads that live, by their names without numbers: those of a pool are one."""
    spent: dict[str, float] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            stat = (task / "stat").read_text()
        except OSError:  # it has ended meanwhile
            continue
        name = stat[stat.index("(") + 1 : stat.rindex(")")].rstrip("0123456789").rstrip("_-")
        user, system = stat[stat.rindex(")") + 2 :].split()[11:13]
        spent[name] = spent.get(name, 0.0) + (int(user) + int(system)) / TICKS_A_S
    return spent
