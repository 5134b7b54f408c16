"""The one flat table that peers write: an event a row, with the columns of our `events`, and nothing merged.

Signs of life take no `seq` of their own, and those who store what comes store them too: `n` is in the key for them.
Times are µs since 1970, as integers, which costs a peer the least. `stored_at` is left out: a peer does not know it.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final

import msgspec
from confluent_kafka import Message

COLUMNS: Final = {
    "session_id": "uuid", "seq": "int4", "n": "int4", "type": "text", "event_at": "int8", "append_at": "int8",
    "kafka_partition": "int4", "kafka_offset": "int8", "room_sid": "text", "participant_sid": "text",
    "from_state": "text", "to_state": "text", "subject_sid": "text", "region": "text", "network_type": "text",
    "error_code": "int4", "error_origin": "text", "reason": "text", "outage_number": "int4", "attempts": "int4",
    "downtime_ms": "int8", "extra": "text",
}  # fmt: skip
KEY: Final = ("session_id", "seq", "n")
DDL: Final = (
    "CREATE TABLE flat ("
    + ", ".join(f"{name} {kind}{' NOT NULL' if name in KEY else ''}" for name, kind in COLUMNS.items())
    + f", PRIMARY KEY ({', '.join(KEY)}))"
)
_DOCUMENTS: Final = ("policy", "client", "token")
_encode: Final = msgspec.json.encode


def row_of(record: Message) -> dict[str, Any]:
    """The row of a record as confluent-kafka reads it."""
    document = json.loads(record.value() or b"")
    return flat(document, record.partition() or 0, record.offset() or 0, record.timestamp()[1] * 1000)


def flat(document: dict[str, Any], partition: int, offset: int, append_at_us: int) -> dict[str, Any]:
    """An event's row, by column."""
    data = document["data"]
    client, error, outage = data.get("client") or {}, data.get("error") or {}, data.get("outage") or {}
    extra = {name: data[name] for name in _DOCUMENTS if name in data}
    return {
        "session_id": data["session_id"],
        "seq": data["seq"],
        "n": int(document["id"].partition(".")[2] or 0),
        "type": document["type"],
        "event_at": int(datetime.fromisoformat(document["time"]).timestamp() * 1_000_000),
        "append_at": append_at_us,
        "kafka_partition": partition,
        "kafka_offset": offset,
        "room_sid": data.get("room_sid"),
        "participant_sid": data.get("participant_sid"),
        "from_state": data.get("from_state"),
        "to_state": data.get("to_state"),
        "subject_sid": data.get("subject_sid"),
        "region": client.get("region"),
        "network_type": client.get("network_type"),
        "error_code": error.get("code"),
        "error_origin": error.get("origin") or data.get("origin"),
        "reason": data.get("reason"),
        "outage_number": outage.get("number"),
        "attempts": outage.get("attempts", 0) if outage else None,
        "downtime_ms": outage.get("downtime_ms", 0) if outage else None,
        "extra": _encode(extra).decode() if extra else None,
    }
