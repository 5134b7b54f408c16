"""The addresses of the rows behind a number: sessions that ended so in some time, outages that began in it. Pure.

Sessions are counted by when they ended, outages by when they began or ended; so are they asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from collector.api.exploring import Asked
from collector.api.filters import VALUES_MAX
from collector.api.words import iso

BADLY: Final = ("dropped", "abandoned", "lost")
"""How sessions end that ended badly: what the KPIs count as dropped."""
FAILED: Final = {"session": ("dropped",), "join": ("not_joined",)}
"""How sessions end that failed with a code, by phase."""
SETTLED: Final = ("recovered", "failed", "abandoned", "lost")
"""How outages end that say whether reconnecting works."""
LONGEST: Final = timedelta(days=1)
"""As long as a room tries to come back at most, where its policy lets it: docs/reconnection.md."""

Pairs = Iterable[tuple[str, str]]


def sessions(fates: Iterable[str] = (), ended: str = "", also: Pairs = ()) -> str:
    """Sessions with one of these fates that ended in the stretch, `from..to`."""
    asked = [*also, *(("fate", fate) for fate in fates)]
    return f"/sessions?{urlencode([*asked, *([('ended_at', ended)] if ended else [])])}"


def tried(ended: str, fates: Iterable[str] = (), also: Pairs = ()) -> str:
    """Sessions that ended so in the stretch, but for those whose joining was given up: what shares are of."""
    return sessions(fates, ended, [*also, ("cancelled", "no")])


def others(session_id: object, among: str, *, hit: bool = False) -> str:
    """Others whom a verdict compares a session with, or those of them that were hit too."""
    return sessions((), also=[("beside", str(session_id)), ("among", among), *([("hit", "yes")] if hit else [])])


def failed(codes: Iterable[int], ended: str, fates: Iterable[str] = ("dropped", "not_joined"), also: Pairs = ()) -> str:
    """Sessions that failed with one of these codes; empty where there are more codes than can be asked for."""
    told = [("code", str(code)) for code in codes]
    return sessions(fates, ended, [*also, *told]) if len(told) <= VALUES_MAX else ""


def heard(since: datetime, until: datetime) -> Callable[..., str]:
    """Of sessions that ended in the stretch or go on, whom completeness is about: those with filters by name."""
    return lambda **also: sessions((), also={"heard": between(since, until), **also}.items())


def outages(since: str, until: str = "now", also: Pairs = ()) -> str:
    """Outages that began from then to then."""
    return Asked(also, since, until).href


def settled(since: datetime, until: datetime, outcomes: Iterable[str] = SETTLED, also: Pairs = ()) -> str:
    """Outages that ended so from then to then, whenever they began."""
    asked = [*also, *(("outcome", one) for one in outcomes), ("ended_at", between(since, until))]
    return outages(iso(since - LONGEST), iso(until), asked)


def between(since: datetime, until: datetime) -> str:
    """A stretch of time as a filter takes it."""
    return f"{iso(since)}..{iso(until)}"
