"""An event into its session. Pure, and the only place where a session or an outage changes what it was told.

Rules:
1. Every operator is a minimum or a maximum over a total order, or a union: any order, repetition and split into
   batches gives the same session. operators.py lists them; a test holds this file to that list.
2. `first` and `last` go by the key of the event that carries the value, `seq << 24 | n`, not by when it came.
3. An event whose seq the session has is a copy. What differs from copy to copy is merged all the same (append time,
   clock offset, what was lost), because whichever copy came first must not matter; the rest was merged already.
4. Nothing is merged of an event that is refused.
5. Whatever fate, outcomes or facts depend on marks the session as unsettled, so that the rest costs no derivation.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from collector.store.changes import CLOCK_TOLERANCE_US, N_BITS, Outage
from session_core.errors import Origin
from session_core.events import PUBLISHED_TYPES, TERMINAL_TYPES
from session_core.instants import us_from_utc

if TYPE_CHECKING:
    from collector.ingest.values import Told
    from collector.store.changes import Session
    from session_core.wire import Data, Lost, OutageData, TotalsData

GAPS_MAX: Final = 512
"""Holes in the seqs of one session that are kept track of."""
LOST_REASONS_MAX: Final = 16
"""Reasons of loss that are kept of a session: the least by name, so that it does not depend on which came first."""

CLOSING_TYPES: Final = frozenset({"room.reconnected", "room.disconnected"})
NOT_CALM: Final = TERMINAL_TYPES | {"session.events_lost"}
"""Types whose events do not say that no outage is open, though they carry none."""


class TooManyGapsError(Exception):
    """The session has GAPS_MAX holes in its seqs already, and this event would make one more. Nothing was merged."""


def merge(session: Session, told: Told, append_at: int) -> bool:
    """Merges an event and says whether it is new: False for a copy. `append_at` is µs since 1970.

    Raises TooManyGapsError.
    """
    message, n, at = told.message, told.n, told.at
    data, kind = message.data, message.type
    new = n > 0 or receive(session, data.seq)
    _merge_copy(session, append_at, append_at - told.sent_at)
    if data.lost is not None:
        merge_lost(session.lost, data.lost)
    if not new:
        return False
    if session.ended_at is not None:
        session.unsettled = True
    key = data.seq << N_BITS | n
    if at > session.last_event_at:
        session.last_event_at = at
    if key < session.named_by or data.previous_session_id is not None:
        _merge_names(session, data, key)
    totals = data.totals
    if totals is not None:
        _merge_totals(session, totals)
    outage = None if data.outage is None else _merge_outage(session, data.outage, key)
    if outage is None and key > session.key_calm and kind not in NOT_CALM:
        session.key_calm = key
        session.unsettled = session.unsettled or bool(session.outage_rows)
    if data.client is not None or data.token is not None or data.policy is not None:
        _merge_documents(session, data, key)
    if kind.startswith("room."):
        _merge_room(session, told, key)
        if outage is not None and key < outage.key_closing and kind in CLOSING_TYPES:
            _close(outage, told, key)
    return True


def receive(session: Session, seq: int) -> bool:
    """Adds a seq to those the session received; False when it is there already. Raises TooManyGapsError."""
    more = session.received_more
    if seq == session.received_to and not more:
        session.received_to = seq + 1
        return True
    if seq < session.received_to:
        return False
    place = bisect_right(more, seq)
    if place % 2:
        return False
    touches_left = place > 0 and more[place - 1] == seq
    touches_right = place < len(more) and more[place] == seq + 1
    if seq == session.received_to:
        session.received_to = more[1] if touches_right else seq + 1
        del more[: 2 if touches_right else 0]
    elif touches_left and touches_right:
        del more[place - 1 : place + 1]
    elif touches_left:
        more[place - 1] = seq + 1
    elif touches_right:
        more[place] = seq
    elif len(more) >= 2 * GAPS_MAX:
        raise TooManyGapsError
    else:
        more[place:place] = (seq, seq + 1)
    return True


def merge_lost(known: dict[str, dict[str, int]], told: Lost) -> None:
    """Merges counts of what an outbox dropped: the greatest of each, over event types that there are."""
    for reason, counts in told.items():
        mine = known.setdefault(reason, {})
        for kind, count in counts.items():
            if kind in PUBLISHED_TYPES and count > mine.get(kind, 0):
                mine[kind] = count
        if not mine:
            del known[reason]
    while len(known) > LOST_REASONS_MAX:
        del known[max(known)]


def origin_of_end(data: Data) -> str:
    """Who ended a session: its error says it, or `origin` where there is none.

    Where neither does, it was this side, which gives a reason, or the server, which gives none.
    """
    if data.error is not None and data.error.origin is not None:
        return data.error.origin.value
    if data.origin is not None:
        return data.origin.value
    return (Origin.LOCAL if data.reason is not None else Origin.SERVER).value


def _merge_copy(session: Session, append_at: int, offset_us: int) -> None:
    if append_at > session.last_append_at:
        session.last_append_at = append_at
    if append_at < session.first_append_at:
        session.first_append_at = append_at
    known_us = session.clock_offset_us
    if offset_us < known_us:
        session.clock_offset_us = offset_us
        if offset_us < -CLOCK_TOLERANCE_US or known_us > CLOCK_TOLERANCE_US:
            session.unsettled = True
    if session.lost_at is not None:
        session.unsettled = True


def _merge_names(session: Session, data: Data, key: int) -> None:
    if key < session.key_room_name and data.room_name is not None:
        session.room_name, session.key_room_name = data.room_name, key
    if key < session.key_room_sid and data.room_sid is not None:
        session.room_sid, session.key_room_sid = data.room_sid, key
    if key < session.key_participant_sid and data.participant_sid is not None:
        session.participant_sid, session.key_participant_sid = data.participant_sid, key
    if key < session.key_identity and data.identity is not None:
        session.identity, session.key_identity = data.identity, key
    if key < session.key_previous_session_id and data.previous_session_id is not None:
        session.previous_session_id, session.key_previous_session_id = data.previous_session_id, key
    session.named_by = max(
        session.key_room_name, session.key_room_sid, session.key_participant_sid, session.key_identity
    )


def _merge_totals(session: Session, totals: TotalsData) -> None:
    if totals.outages > session.outages:
        session.outages = totals.outages
    if totals.reconnecting_ms > session.reconnecting_ms:
        session.reconnecting_ms = totals.reconnecting_ms
    if totals.connected_ms > session.connected_ms:
        session.connected_ms = totals.connected_ms
    if session.fate != "live":
        session.unsettled = True


def _merge_documents(session: Session, data: Data, key: int) -> None:
    client, token, policy = data.client, data.token, data.policy
    if client is not None and key > session.key_client:
        session.unsettled = True
        session.key_client = key
        session.sdk, session.sdk_version, session.app_version = client.sdk, client.sdk_version, client.app_version
        session.platform, session.network_type = client.platform, client.network_type
        session.region, session.media_region = client.region, client.media_region
    if token is not None and key > session.key_token:
        session.unsettled = True
        session.key_token = key
        session.token_expires_at, session.token_ttl_s = us_from_utc(token.expires_at), token.ttl_s
    if policy is not None and key < session.key_policy:
        session.unsettled = True
        session.policy, session.key_policy = policy.name, key


def _merge_outage(session: Session, told: OutageData, key: int) -> Outage:
    session.unsettled = True
    started_at = us_from_utc(told.started_at)
    outage = session.outage_rows.get(told.number)
    if outage is None:
        outage = session.outage_rows[told.number] = Outage(told.number, started_at)
    outage.changed = True
    if started_at < outage.started_at:
        outage.started_at = started_at
    if key < outage.key_cause and told.cause is not None:
        outage.cause, outage.key_cause = told.cause, key
    since = told.since_previous_ms
    if since is not None and (outage.since_previous_ms is None or since > outage.since_previous_ms):
        outage.since_previous_ms = since
    if told.attempts > outage.attempts:
        outage.attempts = told.attempts
    if told.signaling_down_ms > outage.signaling_down_ms:
        outage.signaling_down_ms = told.signaling_down_ms
    if told.media_down_ms > outage.media_down_ms:
        outage.media_down_ms = told.media_down_ms
    if told.downtime_ms > outage.downtime_ms:
        outage.downtime_ms = told.downtime_ms
    if key > outage.key_last:
        outage.key_last = key
    return outage


def _merge_room(session: Session, told: Told, key: int) -> None:
    session.unsettled = True
    message, at = told.message, told.at
    to_state = message.data.to_state
    if key > session.key_state and to_state is not None:
        session.state, session.key_state = to_state, key
    kind = message.type
    if kind == "room.connecting":
        session.connecting_at = at if session.connecting_at is None else min(at, session.connecting_at)
    elif kind == "room.connected":
        session.joined_at = at if session.joined_at is None else min(at, session.joined_at)
    elif kind in TERMINAL_TYPES and key < session.key_terminal:
        session.key_terminal = key
        _end(session, told)


def _end(session: Session, told: Told) -> None:
    data, error = told.message.data, told.message.data.error
    session.terminal_type, session.terminal_from, session.terminal_at = told.message.type, data.from_state, told.at
    session.terminal_code = error.code if error is not None else None
    session.terminal_vendor_code = error.vendor_code if error is not None else None
    session.terminal_origin, session.terminal_reason = origin_of_end(data), data.reason


def _close(outage: Outage, told: Told, key: int) -> None:
    kind, data = told.message.type, told.message.data
    outage.key_closing, outage.closing_type, outage.closing_at = key, kind, told.at
    outage.closing_code = outage.closing_origin = None
    if kind == "room.disconnected":
        outage.closing_code = data.error.code if data.error is not None else None
        outage.closing_origin = origin_of_end(data)
