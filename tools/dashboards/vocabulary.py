"""One vocabulary for all dashboards: which there are, what a colour means, what a number may be called bad from.

Rules:
1. The same thing has the same colour on every panel: an outcome, a fate, a cause, a code, a state. What has no closed
   list (regions, versions) takes its colour from its name, which is the same everywhere too.
2. Red is what hurt somebody and did not come back; green is what went well; grey says nothing about either.
3. A threshold is the number of an alert or of the objective, never a guess of the dashboard's.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

Json = dict[str, Any]


class Board(NamedTuple):
    """A dashboard as others speak of it. Links from alerts lead to `uid`, so it never changes."""

    uid: str
    question: str
    needs: str
    """What it asks: "Prometheus" or "PostgreSQL"."""


PROMETHEUS_BOARD: Final = "Prometheus"
POSTGRESQL_BOARD: Final = "PostgreSQL"

OVERVIEW: Final = Board("roomwatch-overview", "Are rooms all right?", PROMETHEUS_BOARD)
DROPS: Final = Board("roomwatch-drops", "Why do rooms drop?", PROMETHEUS_BOARD)
OUTAGES: Final = Board("roomwatch-outages", "Do they come back?", PROMETHEUS_BOARD)
RELEASES: Final = Board("roomwatch-releases", "Is this release worse?", POSTGRESQL_BOARD)
ROOM: Final = Board("roomwatch-room", "What happened in this room?", POSTGRESQL_BOARD)
TELEMETRY: Final = Board("roomwatch-telemetry", "Can I trust these numbers?", PROMETHEUS_BOARD)

OBJECTIVE: Final = 0.98
"""The share of sessions that should end without being dropped, as phase:rtc_slo_budget:ratio leaves it."""
JOIN_OBJECTIVE: Final = 0.99
"""The share of joins that should succeed, as the same does."""
RECONNECT_OBJECTIVE: Final = 0.8
"""The share of outages that should end well, as rtc_reconnect_success_target:ratio says."""

SPIKE_SCORE: Final = 1  # as in RtcFailureSpike
LAG_MAX_S: Final = 120  # as in RtcCollectorLagging
COMPLETE_FROM: Final = 0.99  # as in RtcCompletenessLow

PER_MINUTE: Final = "cpm"
PER_SECOND: Final = "ops"
COUNT: Final = "short"
SHARE: Final = "percentunit"
SECONDS: Final = "s"
BYTES: Final = "bytes"
MILLISECONDS: Final = "ms"

RED: Final = "red"
ORANGE: Final = "orange"
YELLOW: Final = "yellow"
GREEN: Final = "green"
LIGHT_GREEN: Final = "light-green"
BLUE: Final = "blue"
LIGHT_BLUE: Final = "light-blue"
PURPLE: Final = "purple"
LIGHT_PURPLE: Final = "light-purple"
DARK_RED: Final = "dark-red"
DARK_ORANGE: Final = "dark-orange"
DARK_YELLOW: Final = "dark-yellow"
DARK_BLUE: Final = "dark-blue"
DARK_PURPLE: Final = "dark-purple"
GREY: Final = "#8e8e9c"

MEANINGS: Final[dict[str, dict[str, str]]] = {
    "outcome": {
        "recovered": GREEN,
        "failed": RED,
        "abandoned": ORANGE,
        "lost": PURPLE,
        "superseded": LIGHT_BLUE,
        "closed": GREY,
        "open": YELLOW,
    },
    "fate": {
        "dropped": RED,
        "not_joined": DARK_YELLOW,
        "abandoned": ORANGE,
        "lost": PURPLE,
        "superseded": LIGHT_BLUE,
        "left": GREEN,
        "completed": LIGHT_GREEN,
        "removed": GREY,
        "live": BLUE,
        "connecting": LIGHT_PURPLE,
    },
    "cause": {"signaling": DARK_BLUE, "media": DARK_ORANGE, "unknown": GREY},
    "state": {
        "connecting": LIGHT_PURPLE,
        "connected": GREEN,
        "reconnecting": YELLOW,
        "ended": "transparent",
        "live": BLUE,
    },
    "result": {
        "stored": GREEN,
        "duplicate": BLUE,
        "late": YELLOW,
        "expired": ORANGE,
        "refused": RED,
        "lost unread": DARK_RED,
    },
    "where": {"held": GREEN, "read": BLUE, "new": LIGHT_PURPLE},
    "code": {
        "53000": DARK_BLUE,
        "53001": BLUE,
        "53002": RED,
        "53405": DARK_ORANGE,
        "53400": ORANGE,
        "20104": PURPLE,
        "20101": LIGHT_PURPLE,
        "53006": DARK_YELLOW,
        "53105": YELLOW,
        "53118": LIGHT_GREEN,
        "53204": DARK_PURPLE,
        "53205": LIGHT_BLUE,
        "other": GREY,
    },
    "quantile": {"p50": LIGHT_BLUE, "p95": BLUE, "p99": DARK_BLUE, "all": ORANGE},
    "success": {"strict": GREEN, "lenient": LIGHT_BLUE},
}
"""What is shown by colour, and the colour of each of its values."""


def coloured(*kinds: str) -> list[Json]:
    """Overrides that give every series that begins with a value of these kinds its colour."""
    return [
        {
            "matcher": {"id": "byRegexp", "options": f"/^{value}\\b/"},
            "properties": [{"id": "color", "value": {"fixedColor": colour, "mode": "fixed"}}],
        }
        for kind in kinds
        for value, colour in MEANINGS[kind].items()
    ]


def mapped(*kinds: str) -> list[Json]:
    """Value mappings that colour cells of these kinds in a table."""
    values = {
        value: {"color": colour, "index": index, "text": value}
        for index, (value, colour) in enumerate(
            (value, colour) for kind in kinds for value, colour in MEANINGS[kind].items()
        )
    }
    return [{"type": "value", "options": values}]
