"""The shapes of what is on the wire, with the bounds of every field: what wire.py encodes and decodes.

They stand in a file of their own because mypyc, which may compile wire.py, would make other classes of them, without
what msgspec knows of their fields.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from session_core.bounds import INT_MAX, TEXT_MAX, WORD_MAX
from session_core.errors import Origin
from session_core.events import PublishedType, Reason

SPEC_VERSION: Final = "1.0"
DATA_SCHEMA: Final = "urn:roomwatch:event:1"
CONTENT_TYPE: Final = "application/cloudevents+json"

VALUE_BYTES_MAX: Final = 16 * 1024
SEQ_MAX: Final = 100_000
MILLIS_MAX: Final = 366 * 86_400_000
"""A duration beyond a year is no duration; bounded so, times and sums made of them stay within what databases hold."""
SESSION_VERSION: Final = "7"
"""Sessions are named by UUIDv7: its first 48 bits say when the session began."""

Text = Annotated[str, Meta(max_length=TEXT_MAX)]
Word = Annotated[str, Meta(max_length=WORD_MAX)]
Int = Annotated[int, Meta(ge=0, le=INT_MAX)]
Millis = Annotated[int, Meta(ge=0, le=MILLIS_MAX)]
Seq = Annotated[int, Meta(ge=0, le=SEQ_MAX)]
Instant = Annotated[datetime, Meta(tz=True)]
State = Literal["connecting", "connected", "reconnecting", "disconnected"]


class WireErrorData(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, forbid_unknown_fields=True):
    """`data.error`: why; the message is the catalogue's and not repeated. Of other codes it is told where asked for."""

    code: Int
    name: Text | None = None
    message: Text | None = None
    origin: Origin | None = None
    vendor: Word | None = None
    vendor_code: Int | None = None


class OutageData(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, forbid_unknown_fields=True):
    """`data.outage`: see events.Outage."""

    number: Annotated[int, Meta(ge=1, le=SEQ_MAX)]
    started_at: Instant
    cause: Literal["signaling", "media"] | None = None
    attempts: Int = 0
    signaling_down_ms: Millis = 0
    media_down_ms: Millis = 0
    downtime_ms: Millis = 0
    since_previous_ms: Millis | None = None


class TotalsData(Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """`data.totals`: see events.Totals."""

    outages: Int = 0
    reconnecting_ms: Millis = 0
    connected_ms: Millis = 0


class TokenData(Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """`data.token`: see events.Token."""

    expires_at: Instant
    ttl_s: Int = 0


class PolicyData(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, forbid_unknown_fields=True):
    """`data.policy`: see events.Policy."""

    name: Word
    window_ms: Millis | None = None
    attempts_max: Int | None = None
    delay_first_ms: Millis | None = None
    delay_factor: Annotated[float, Meta(ge=1, le=1000)] | None = None
    delay_max_ms: Millis | None = None
    jitter: Annotated[float, Meta(ge=0, le=1)] | None = None


class ClientData(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, forbid_unknown_fields=True):
    """`data.client`: see events.Client."""

    sdk: Word | None = None
    sdk_version: Word | None = None
    app_version: Word | None = None
    platform: Word | None = None
    network_type: Word | None = None
    region: Word | None = None
    media_region: Word | None = None


Lost = dict[Word, dict[Word, Int]]


class Data(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, forbid_unknown_fields=True):
    """`data`: one event, self-describing on purpose. What each field means is said in docs/events.md."""

    session_id: UUID
    seq: Seq
    previous_session_id: UUID | None = None
    room_sid: Text | None = None
    room_name: Text | None = None
    participant_sid: Text | None = None
    identity: Text | None = None
    from_state: State | None = None
    to_state: State | None = None
    subject_sid: Text | None = None
    error: WireErrorData | None = None
    reason: Reason | None = None
    origin: Origin | None = None
    outage: OutageData | None = None
    totals: TotalsData | None = None
    lost: Lost | None = None
    token: TokenData | None = None
    policy: PolicyData | None = None
    client: ClientData | None = None
    sent_at: Instant | UnsetType = UNSET


class Message(Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """One event on the wire. `data.sent_at` is unset until it is sent, and always set in what decode() returns."""

    id: Annotated[str, Meta(max_length=24)]
    source: Annotated[str, Meta(max_length=64)]
    type: PublishedType
    time: Instant
    data: Data
    specversion: Literal["1.0"] = SPEC_VERSION
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: Annotated[str, Meta(max_length=64)] = DATA_SCHEMA


class Decoded(Struct, frozen=True, gc=False):
    """A message, the number of fields that this reader does not know, and `n` of its id (0 where it takes a seq)."""

    message: Message
    n: int
    unknown_fields: int
