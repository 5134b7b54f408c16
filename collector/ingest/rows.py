"""The row of `events` that tells an event as it was told: history is not merged, not corrected and never rewritten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import astuple

from collector.ingest.values import Extra
from session_core.errors import CATALOGUE

if TYPE_CHECKING:
    from collector.ingest.decode import Record
    from collector.ingest.values import Told
    from collector.store.changes import EventRow
    from session_core.wire import ClientData, PolicyData, TokenData, WireErrorData

_encode: Final = msgspec.json.Encoder().encode


def event_row(told: Told, record: Record, stored_at: int) -> EventRow:
    """The row, in the order of the columns, of an event that takes a seq; others are no history."""
    # All fields at once: each by its name is a search in the type of what msgspec made.
    values: tuple[Any, ...] = astuple(told.message.data)
    (
        session_id, seq, _, room_sid, _, participant_sid, _, from_state, to_state, subject_sid, error, reason, origin,
        outage, _, _, token, policy, client, _,
    ) = values  # fmt: skip
    partition, offset, append_at_us, _, _ = record
    region = network_type = error_code = number = attempts = downtime_ms = None
    if client is not None:
        region, network_type = client.region, client.network_type
    if error is not None:
        error_code = error.code
        origin = error.origin or origin
    if outage is not None:
        number, attempts, downtime_ms = outage.number, outage.attempts, outage.downtime_ms
    return (
        session_id, seq, told.message.type, told.at, append_at_us, stored_at, partition, offset, room_sid,
        participant_sid, from_state, to_state, subject_sid, region, network_type, error_code,
        None if origin is None else origin.value, reason, number, attempts, downtime_ms,
        _extra(policy, client, token, error),
    )  # fmt: skip


def _extra(
    policy: PolicyData | None, client: ClientData | None, token: TokenData | None, error: WireErrorData | None
) -> str | None:
    told = None
    if error is not None and (error.vendor is not None or error.vendor_code is not None or error.code not in CATALOGUE):
        names = ("name", "message", "vendor", "vendor_code")
        told = {name: value for name in names if (value := getattr(error, name)) is not None}
    if policy is None and client is None and token is None and told is None:
        return None
    return _encode(Extra(policy, client, token, told)).decode()
