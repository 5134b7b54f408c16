"""The row of `events` that tells an event as it was told: history is not merged, not corrected and never rewritten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from session_core.errors import CATALOGUE

if TYPE_CHECKING:
    from collector.ingest.decode import Record, Told
    from collector.store.changes import EventRow
    from session_core.wire import Data

_encode: Final = msgspec.json.Encoder().encode


def event_row(told: Told, record: Record, stored_at: int) -> EventRow | None:
    """The row, in the order of the columns; None for an event that takes no seq, which is no history."""
    message, n, at, _, _ = told
    if n:
        return None
    data = message.data
    client, error, outage = data.client, data.error, data.outage
    return (
        data.session_id,
        data.seq,
        message.type,
        at,
        record.append_at_us,
        stored_at,
        record.partition,
        record.offset,
        data.room_sid,
        data.participant_sid,
        data.from_state,
        data.to_state,
        data.subject_sid,
        None if client is None else client.region,
        None if client is None else client.network_type,
        None if error is None else error.code,
        _origin(data),
        data.reason,
        None if outage is None else outage.number,
        None if outage is None else outage.attempts,
        None if outage is None else outage.downtime_ms,
        _extra(data),
    )


def _origin(data: Data) -> str | None:
    """Who is told to have decided it; nothing is inferred here."""
    told = data.error.origin if data.error is not None and data.error.origin is not None else data.origin
    return None if told is None else told.value


def _extra(data: Data) -> str | None:
    """The documents that no question goes by, and what the catalogue does not say of an error, as JSON."""
    extra: dict[str, Any] = {}
    if data.policy is not None:
        extra["policy"] = data.policy
    if data.client is not None:
        extra["client"] = data.client
    if data.token is not None:
        extra["token"] = data.token
    error = data.error
    if error is not None and (error.vendor is not None or error.vendor_code is not None or error.code not in CATALOGUE):
        names = ("name", "message", "vendor", "vendor_code")
        extra["error"] = {name: value for name in names if (value := getattr(error, name)) is not None}
    return _encode(extra).decode() if extra else None
