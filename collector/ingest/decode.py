"""A record of Kafka to an event that can be merged, or to the reason why it is refused.

Whatever the bytes, the answer is a `Told` or a `Refusal`, never an exception. What types and bounds can say is said by
`session_core.wire`; here is what only the collector knows: the key, the clocks it can store, the size of a session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from collector.ingest.values import Peek, Told
from session_core import wire
from session_core.errors import WireError
from session_core.instants import us_from_utc, utc_from_us

if TYPE_CHECKING:
    from uuid import UUID

EARLIEST_US: Final = 0
"""A clock that was never set says 1970; nothing says less."""
LATEST_US: Final = 4_102_444_800_000_000
"""2100. With it every time, also one that is corrected by the difference of two, fits every column."""

_EARLIEST: Final = utc_from_us(EARLIEST_US)
_LATEST: Final = utc_from_us(LATEST_US)
_TOO_LATE: Final = LATEST_US // 1000 << 80  # the least id of a session that begins then

OUTAGES_MAX: Final = 10_000
"""Outages of one session. It is a bound of their numbers, so that it does not depend on which came first."""

REASONS: Final = (
    *wire.REASONS,
    "wrong-key",  # the record's key is not the session's id: another partition might hold the rest of the session
    "clock-out-of-range",  # a time before 1970 or from 2100 on, or of a day that the store has no room for
    "too-many-events",  # a seq beyond what one session may have
    "too-many-gaps",  # more holes in the seqs of one session than the collector keeps
    "too-many-outages",  # an outage's number beyond OUTAGES_MAX
    "store-refused",  # the database would not take it
)
"""Why a record becomes a dead letter: the closed list, and the label of the metric."""

_KEY_AT: Final = len("/sessions/")


class Record(NamedTuple):
    """A record as the consumer read it.

    `append_at_us` is the clock that is trusted, in µs since 1970: the broker's append time, or the collector's own
    reading time where the topic has none.
    """

    partition: int
    offset: int
    append_at_us: int
    key: bytes | None
    value: bytes | None


class Refusal(NamedTuple):
    """Why a record is refused: a word of REASONS, the place in the document as a JSON path, what was found there."""

    reason: str
    place: str
    detail: str


def decode(record: Record) -> Told | Refusal:
    """The event that a record tells, or why it is refused."""
    try:
        decoded = wire.decode(record.value)
    except WireError as error:
        return _refusal(error, record.value)
    message = decoded.message
    if record.key != message.source[_KEY_AT:].encode():
        found = "no key" if record.key is None else ascii(record.key[:64])
        return Refusal("wrong-key", "key", f"{found}; the key of a record is its session's id")
    data = message.data
    at = us_from_utc(message.time)
    sent_at = us_from_utc(data.sent_at)  # type: ignore[arg-type]  # wire.decode() refuses a message without it
    if not (EARLIEST_US <= at < LATEST_US and EARLIEST_US <= sent_at < LATEST_US) or data.session_id.int >= _TOO_LATE:
        return _out_of_range(data, at, sent_at)
    outage, token = data.outage, data.token
    if outage is not None:
        if outage.number > OUTAGES_MAX:
            detail = f"{outage.number}; at most {OUTAGES_MAX} are kept"
            return Refusal("too-many-outages", "$.data.outage.number", detail)
        if not _EARLIEST <= outage.started_at < _LATEST:
            return _clock("$.data.outage.started_at", us_from_utc(outage.started_at))
    if token is not None and not _EARLIEST <= token.expires_at < _LATEST:
        return _clock("$.data.token.expires_at", us_from_utc(token.expires_at))
    return Told(message, decoded.n, at, sent_at, decoded.unknown_fields)


def session_begun_at(session_id: UUID) -> int:
    """When a session began by its client's clock, µs since 1970: what a UUID of version 7 begins with."""
    return (session_id.int >> 80) * 1000


def _out_of_range(data: wire.Data, at: int, sent_at: int) -> Refusal:
    for place, at_us in (("$.time", at), ("$.data.sent_at", sent_at)):
        if not EARLIEST_US <= at_us < LATEST_US:
            return _clock(place, at_us)
    return _clock("$.data.session_id", session_begun_at(data.session_id))


def _clock(place: str, at_us: int) -> Refusal:
    return Refusal("clock-out-of-range", place, f"{at_us // 1_000_000} s since 1970; times lie between 1970 and 2100")


def _refusal(error: WireError, value: bytes | None) -> Refusal:
    if error.where == "$.data.seq" and value is not None and _seq(value) > wire.SEQ_MAX:
        return Refusal("too-many-events", error.where, f"a session has at most {wire.SEQ_MAX} events")
    return Refusal(error.reason, error.where, error.detail)


_peek: Final = msgspec.json.Decoder(Peek).decode


def _seq(value: bytes) -> int:
    try:
        return _peek(value).data.seq
    except msgspec.DecodeError:
        return -1
