"""Every dashboard that is shipped, and what makes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tools.dashboards import drops, outages, overview, releases, room, telemetry
from tools.dashboards.vocabulary import DROPS, OUTAGES, OVERVIEW, RELEASES, ROOM, TELEMETRY, Board, Json

DASHBOARDS: Final[dict[Board, Callable[[], Json]]] = {
    OVERVIEW: overview.dashboard,
    DROPS: drops.dashboard,
    OUTAGES: outages.dashboard,
    RELEASES: releases.dashboard,
    ROOM: room.dashboard,
    TELEMETRY: telemetry.dashboard,
}
