"""A fleet whose telemetry is in trouble: events missing, silence, a wrong clock, a full outbox, refused records."""

from typing import Final

from collector.ingest.decode import Record
from session_core.errors import Origin
from tests.histories import CLIENTS, MINUTE_US, YEAR_US, Life, session_id
from tests.pages.scene import NOW_US

REFUSED: Final = (
    Record(0, 0, NOW_US - MINUTE_US, b"key", b"not json"),
    Record(0, 0, NOW_US - MINUTE_US, b"key", b"{}"),
    Record(0, 0, NOW_US - MINUTE_US, b"key", b"nor this"),
)
"""Two that are not JSON, and one without anything in it."""


def lives() -> list[Life]:
    """Six sessions, of which one is as it should be."""
    return [_whole(), _with_gaps(), _silent(), _wrong_clock(), _full_outbox(), _whole(6)]


def _begun(number: int, minutes_ago: int, name: str, skew_us: int = 0) -> Life:
    at_us = NOW_US - minutes_ago * MINUTE_US
    life = Life(session_id(number, at_us + skew_us), at_us, skew_us, room_name="physics", identity=name)
    life.room_sid, life.client = f"RM{9:032x}", CLIENTS[number % 2]
    return life.connecting().later(500).connected().later(60_000)


def _left(life: Life) -> Life:
    return life.later(60_000).disconnected(reason="leave", origin=Origin.LOCAL)


def _whole(number: int = 1) -> Life:
    return _left(_begun(number, 20, f"whole-{number}"))


def _with_gaps() -> Life:
    life = _left(_begun(2, 30, "gaps").participant().later(1_000).participant("disconnected"))
    del life.sent[2:4]
    return life


def _silent() -> Life:
    return _begun(3, 25, "silent")


def _wrong_clock() -> Life:
    return _left(_begun(4, 15, "clock", skew_us=-YEAR_US))


def _full_outbox() -> Life:
    return _left(_begun(5, 12, "outbox").loses(1))
