"""What is asked of rooms by an address of the page, in words: filters, views of few, what the page says it lists. Pure.

The language is that of filters.py: a room is listed where one of its sessions passes all filters.
"""

from __future__ import annotations

from typing import Final

from collector.api.addresses import UNTIL, Address
from collector.api.behind import BADLY
from collector.api.exploring import RANGES
from collector.api.ranges import range_of
from collector.api.time_words import Piece, Words, moment_pieces, range_pieces, words_of
from collector.api.words import duration, fate, nameless, number

LABELS: Final[dict[str, str]] = {
    "room_name": "Room name",
    "room_sid": "Room SID",
    "identity": "Who",
    "participant_sid": "Participant SID",
    "region": "Region",
    "media_region": "Media region",
    "app_version": "App version",
    "sdk": "SDK",
    "sdk_version": "SDK version",
    "platform": "Platform",
    "network_type": "Network",
    "fate": "How it went",
    "code": "Code",
    "origin": "Ended by",
    "outages": "Outages",
    "reconnecting_ms": "Reconnecting for",
    "connected_ms": "Connected for",
    "joined_at": "Joined",
    "ended_at": "Ended",
    "cancelled": "Gave up joining",
    "not_region": "Region, but not",
    "not_app_version": "App version, but not",
    "not_sdk": "SDK, but not",
    "not_sdk_version": "SDK version, but not",
    "beside": "Compared with",
    "among": "Only those",
    "incident": "In the incident",
    "hit": "Only those hit",
}
"""Filters of sessions, which are those of rooms, and what people call each."""
AMONG: Final[dict[str, str]] = {
    "room": "in its room",
    "region": "in its region, in other rooms",
    "elsewhere": "in other regions",
    "version": "of its app version",
    "other_versions": "of other app versions",
}
"""Which of the others beside a session, in words."""


class AskedRooms(Address):
    """The filters and the time of an address of rooms."""

    path = "/rooms"
    names = tuple(LABELS)
    usual = "-24h"


VIEWS: Final[tuple[tuple[str, tuple[tuple[str, str], ...]], ...]] = (
    ("All", ()),
    ("With outages", (("outages", "1.."),)),
    ("Ended badly", tuple(("fate", word) for word in BADLY)),
    ("Here now", (("fate", "live"),)),
)
"""What is asked for most, and the filters that it means."""


def views(asked: AskedRooms) -> list[tuple[str, str, bool]]:
    """Each view with its address, and whether it is the one that is seen; other filters stay."""
    others = [one for one in asked.filters if one[0] not in {"fate", "outages"}]
    seen = {one for one in asked.filters if one not in others}
    return [
        (words, AskedRooms([*others, *means], asked.since, asked.until, asked.kept).href, seen == set(means))
        for words, means in VIEWS
    ]


def value_words(name: str, value: str) -> Words:
    """A value of a filter of sessions."""
    return words_of(*_pieces(name, value))


def _pieces(name: str, value: str) -> tuple[Piece, ...]:
    if not value:
        return (Piece("not told"),)
    if name in {"joined_at", "ended_at", "heard"}:
        return range_pieces(value)
    if name in {"since", "until"}:
        return moment_pieces(value)
    if name == "fate":
        return (Piece(fate(value)),)
    if name in {"outages", "reconnecting_ms", "connected_ms"}:
        return (Piece(_range_words(value, ms=name != "outages")),)
    if name == "beside":
        return (Piece(nameless(value)),)
    return (Piece(AMONG.get(value, value) if name == "among" else value),)


def headline(count: int, asked: AskedRooms, *, more: bool, later: bool) -> str:
    """What the list holds, in a sentence."""
    like = " like this" if asked.filters else ""
    during = f"in the last {RANGES[asked.since]}" if is_relative(asked) else "in this time"
    if later:
        return f"Earlier rooms{like}"
    many = f"More than {number(count)}" if more else number(count) if count else "No"
    return f"{many} room{'s' if count > 1 else ''}{like} began {during}"


def is_relative(asked: AskedRooms) -> bool:
    """Whether the time is one of those that a click chooses."""
    return asked.since in RANGES and asked.until == UNTIL


def _range_words(value: str, *, ms: bool) -> str:
    asked = range_of(value)
    least, most = (None if end is None else duration(end) if ms else number(end) for end in (asked.least, asked.most))
    if most is None:
        return f"{least} or more" if least is not None else "any"
    if least is None:
        return f"at most {most}"
    return least if least == most else f"{least} to {most}"
