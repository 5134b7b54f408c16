"""The row of `events` that tells an event as it was told: history is not merged, not corrected and never rewritten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from collector.ingest.values import Extra
from session_core.errors import CATALOGUE

if TYPE_CHECKING:
    from collector.ingest.decode import Record
    from collector.ingest.values import Told
    from collector.store.changes import EventRow
    from session_core.wire import Data

_encode: Final = msgspec.json.Encoder().encode


def event_row(told: Told, record: Record, stored_at: int) -> EventRow:
    """The row, in the order of the columns, of an event that takes a seq; others are no history."""
    message = told.message
    data = message.data
    client, error, outage, origin = data.client, data.error, data.outage, data.origin
    region = network_type = error_code = number = attempts = downtime_ms = None
    if client is not None:
        region, network_type = client.region, client.network_type
    if error is not None:
        error_code = error.code
        origin = error.origin or origin
    if outage is not None:
        number, attempts, downtime_ms = outage.number, outage.attempts, outage.downtime_ms
    return (
        data.session_id, data.seq, message.type, told.at, record.append_at_us, stored_at, record.partition,
        record.offset, data.room_sid, data.participant_sid, data.from_state, data.to_state, data.subject_sid,
        region, network_type, error_code, None if origin is None else origin.value, data.reason, number, attempts,
        downtime_ms, _extra(data),
    )  # fmt: skip


def _extra(data: Data) -> str | None:
    policy, client, token, error = data.policy, data.client, data.token, data.error
    told = None
    if error is not None and (error.vendor is not None or error.vendor_code is not None or error.code not in CATALOGUE):
        names = ("name", "message", "vendor", "vendor_code")
        told = {name: value for name in names if (value := getattr(error, name)) is not None}
    if policy is None and client is None and token is None and told is None:
        return None
    return _encode(Extra(policy, client, token, told)).decode()
