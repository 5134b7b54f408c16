"""What Grafana makes of SQL before it asks PostgreSQL: the macros and variables that our statements use, and no others.

Read in Grafana's documentation and source; a test asks PostgreSQL with what comes out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

MACRO: Final = re.compile(r"\$__(\w+)\(([^()]*)\)")
CHOSEN: Final = re.compile(r"\$\{(\w+):sqlstring\}")
ALL: Final = "'all'"


def expanded(sql: str, since_s: int, until_s: int, chosen: Mapping[str, str] | None = None) -> str:
    """The statement as it is sent. `chosen`: one word of a variable; of the others all values are chosen."""
    words = chosen or {}
    moments = {"From": _literal(since_s), "To": _literal(until_s)}
    interval_s = max(60, (until_s - since_s) // 180 // 60 * 60)

    def macro(found: re.Match[str]) -> str:
        name, column = found[1], found[2].strip()
        match name:
            case "timeFilter":
                return f"{column} BETWEEN {moments['From']} AND {moments['To']}"
            case "timeFrom" | "timeTo":
                return moments[name.removeprefix("time")]
            case "unixEpochFrom":
                return str(since_s)
            case "unixEpochTo":
                return str(until_s)
        raise ValueError(f"Grafana's macro {name} is not known here")

    def word(found: re.Match[str]) -> str:
        return "'" + words[found[1]].replace("'", "''") + "'" if found[1] in words else ALL

    return MACRO.sub(macro, CHOSEN.sub(word, sql.replace("$__interval_ms", str(interval_s * 1000))))


def _literal(at_s: int) -> str:
    return f"'{datetime.fromtimestamp(at_s, UTC).strftime('%Y-%m-%dT%H:%M:%SZ')}'"
