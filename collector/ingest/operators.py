"""What merges how: the list that merge.py is held to by a test, and that docs/store.md is generated from.

Nothing reads it while events are merged: plain code is several times as fast. The test interprets it, with no more
knowledge than the five operators, and compares.

- first, last: the values of the event with the least, the greatest key among those that carry them
- min, max: of all values that were told
- union: of all that was told
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from session_core.events import PUBLISHED_TYPES

ANY: Final = tuple(sorted(PUBLISHED_TYPES))
ROOM: Final = tuple(kind for kind in ANY if kind.startswith("room."))
TERMINAL: Final = ("room.connect_failed", "room.disconnected")


class Merged(NamedTuple):
    """Columns that merge together: the operator, where each is told, by which events, and what those must carry.

    Sources are paths into the message; `append_at` is the record's; `origin` and `key` are defined in docs/store.md.
    `copies`: every copy of an event is merged, since copies may differ in it; of the rest one copy is.
    """

    columns: tuple[str, ...]
    operator: Literal["first", "last", "min", "max", "union"]
    sources: tuple[str, ...]
    events: tuple[str, ...] = ANY
    carries: str = ""
    copies: bool = False


def _same(operator: Literal["first", "last", "min", "max"], column: str, source: str = "") -> Merged:
    place = source or f"data.{column}"
    return Merged((column,), operator, (place,), carries=place)


_CLIENT: Final = ("sdk", "sdk_version", "app_version", "platform", "network_type", "region", "media_region")

SESSION: Final = (
    _same("first", "room_sid"),
    _same("first", "room_name"),
    _same("first", "participant_sid"),
    _same("first", "identity"),
    _same("first", "previous_session_id"),
    _same("first", "policy", "data.policy.name"),
    Merged(("connecting_at",), "min", ("time",), ("room.connecting",)),
    Merged(("joined_at",), "min", ("time",), ("room.connected",)),
    Merged(("last_event_at",), "max", ("time",)),
    Merged(("first_append_at",), "min", ("append_at",), copies=True),
    Merged(("last_append_at",), "max", ("append_at",), copies=True),
    Merged(("clock_offset_us",), "min", ("append_at - data.sent_at",), copies=True),
    Merged(("state",), "last", ("data.to_state",), ROOM, "data.to_state"),
    Merged(_CLIENT, "last", tuple(f"data.client.{word}" for word in _CLIENT), carries="data.client"),
    Merged(
        ("token_expires_at", "token_ttl_s"), "last", ("data.token.expires_at", "data.token.ttl_s"), carries="data.token"
    ),
    Merged(
        (
            "terminal_type",
            "terminal_from",
            "terminal_code",
            "terminal_origin",
            "terminal_reason",
            "terminal_at",
            "terminal_vendor_code",
        ),
        "first",
        ("type", "data.from_state", "data.error.code", "origin", "data.reason", "time", "data.error.vendor_code"),
        TERMINAL,
    ),
    _same("max", "outages", "data.totals.outages"),
    _same("max", "reconnecting_ms", "data.totals.reconnecting_ms"),
    _same("max", "connected_ms", "data.totals.connected_ms"),
    Merged(("lost",), "union", ("data.lost",), carries="data.lost", copies=True),
    Merged(("received_to", "received_more"), "union", ("data.seq",)),
)
"""Columns of `sessions` that are told. `lost_at` is a maximum too, written by the watchdog alone; `kafka_partition` is
that of the batch that wrote the row; `version`, `fate`, `ended_at`, `told_until` and `correction_us` are not told."""

OUTAGE: Final = (
    _same("min", "started_at", "data.outage.started_at"),
    _same("first", "cause", "data.outage.cause"),
    _same("max", "since_previous_ms", "data.outage.since_previous_ms"),
    _same("max", "attempts", "data.outage.attempts"),
    _same("max", "signaling_down_ms", "data.outage.signaling_down_ms"),
    _same("max", "media_down_ms", "data.outage.media_down_ms"),
    _same("max", "downtime_ms", "data.outage.downtime_ms"),
    Merged(
        ("closing_type", "closing_code", "closing_origin", "closing_at"),
        "first",
        ("type", "data.error.code", "origin", "time"),
        ("room.disconnected", "room.reconnected"),
        "data.outage",
    ),
)
"""Columns of `outages`, each merged over the events that carry this number; `outcome` and `opened_at` are derived. A
reconnection has neither code nor origin."""


def table(merged: tuple[Merged, ...]) -> str:
    """The list as a table in Markdown."""
    lines = ["| columns | operator | told by | events |", "|---|---|---|---|"]
    for row in merged:
        columns = ", ".join(f"`{column}`" for column in row.columns)
        copies = ", every copy" if row.copies else ""
        lines.append(f"| {columns} | {row.operator} | {_told_by(row)} | {_events(row)}{copies} |")
    return "\n".join(lines) + "\n"


def _told_by(row: Merged) -> str:
    if len(row.sources) > 2 and row.carries == "data.client":
        return "`data.client`, as a whole"
    return ", ".join(f"`{source}`" for source in row.sources)


def _events(row: Merged) -> str:
    if row.events == ANY:
        return "all that carry it" if row.carries else "all"
    if row.events == ROOM:
        return "`room.*`"
    return ", ".join(f"`{kind}`" for kind in row.events)
