"""The wire: what is said comes back as it was said, and whatever else comes is told what is wrong with it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from session_core import wire
from session_core.errors import Origin, RoomError, WireError
from session_core.events import SEQLESS_TYPES, PublishedType
from tests.session_core.telling import BEGIN, event, session_id

SENT = BEGIN + timedelta(seconds=3)
TYPES: tuple[PublishedType, ...] = get_args(PublishedType)


def encoded(kind: PublishedType = "room.disconnected", seq: int = 4) -> bytes:
    unsent = wire.message(event(kind), seq, n=2 if kind in SEQLESS_TYPES else 0)
    return wire.encode(unsent, SENT, {"overflow": {"participant.connected": 3}})


def document(kind: PublishedType = "room.disconnected") -> dict[str, Any]:
    made = json.loads(encoded(kind))
    assert isinstance(made, dict)
    return made


def changed(path: str, value: object, kind: PublishedType = "room.disconnected") -> bytes:
    """A valid message with one place changed; `...` removes it."""
    whole = document(kind)
    *parents, last = path.removeprefix("$.").split(".")
    place = whole
    for parent in parents:
        place = place[parent]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return json.dumps(whole).encode()


def refusal(value: bytes | None) -> tuple[str, str]:
    with pytest.raises(WireError) as caught:
        wire.decode(value)
    assert caught.value.reason in wire.REASONS
    assert caught.value.detail.isprintable()
    assert len(caught.value.detail) < 1_500
    return caught.value.reason, caught.value.where


@pytest.mark.parametrize("kind", TYPES)
def test_what_is_encoded_is_what_is_decoded(kind: PublishedType) -> None:
    n = 2 if kind in SEQLESS_TYPES else 0
    unsent = wire.message(event(kind), 4, n)
    lost = {"overflow": {"room.reconnected": 1}}
    sent = msgspec.structs.replace(unsent, data=msgspec.structs.replace(unsent.data, sent_at=SENT, lost=lost))
    assert wire.decode(wire.encode(unsent, SENT, lost)) == wire.Decoded(sent, n, 0)


@pytest.mark.parametrize(
    ("kind", "end", "origin"),
    [
        ("room.disconnected", {"error": None, "reason": "exit"}, Origin.LOCAL),
        ("room.connect_failed", {"error": None, "reason": "cancelled"}, Origin.LOCAL),
        ("room.disconnected", {"error": None}, Origin.SERVER),
        ("room.disconnected", {}, None),
        ("room.connected", {}, None),
    ],
)
def test_an_end_without_an_error_says_who_ended_it(
    kind: PublishedType, end: dict[str, Any], origin: Origin | None
) -> None:
    assert wire.message(msgspec.structs.replace(event(kind), **end), 0).data.origin is origin


def test_an_event_on_the_wire_is_a_cloud_event_that_describes_itself() -> None:
    assert json.loads(wire.encode(wire.message(event("room.reconnecting", at_s=1.5), 2), SENT)) == {
        "specversion": "1.0",
        "id": "2",
        "source": f"/sessions/{session_id()}",
        "type": "room.reconnecting",
        "time": "2026-11-24T12:00:01.500000Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:roomwatch:event:1",
        "data": {
            "session_id": str(session_id()),
            "seq": 2,
            "previous_session_id": str(session_id(1_000_001)),
            "room_sid": "RM1",
            "room_name": "daily",
            "participant_sid": "PA1",
            "identity": "alice",
            "from_state": "connected",
            "to_state": "reconnecting",
            "error": {"code": 53001, "name": "SignalingConnectionDisconnectedError", "origin": "transport"},
            "outage": {
                "number": 1,
                "started_at": "2026-11-24T12:00:00Z",
                "cause": "signaling",
                "attempts": 3,
                "signaling_down_ms": 1500,
                "media_down_ms": 20,
                "downtime_ms": 1500,
                "since_previous_ms": 60000,
            },
            "totals": {"outages": 1, "reconnecting_ms": 1500, "connected_ms": 60000},
            "client": {
                "sdk": "roomwatch",
                "sdk_version": "1.2.3",
                "app_version": "7",
                "platform": "linux",
                "network_type": "wifi",
                "region": "de1",
                "media_region": "us1",
            },
            "sent_at": "2026-11-24T12:00:03Z",
        },
    }


def test_the_text_of_a_code_that_nobody_knows_travels_with_it() -> None:
    error = RoomError(code=60001, name="RoomError", message="Moon too full", origin=Origin.SERVER)
    unsent = wire.message(msgspec.structs.replace(event("room.disconnected"), error=error), 0)
    assert wire.decode(wire.encode(unsent, SENT)).message.data.error == wire.WireErrorData(
        code=60001, name="RoomError", message="Moon too full", origin=Origin.SERVER
    )


def test_each_send_says_when_it_is() -> None:
    unsent = wire.message(event("room.connecting"), 0)
    sent = [wire.decode(wire.encode(unsent, SENT + timedelta(seconds=s))).message.data.sent_at for s in range(2)]
    assert sent == [SENT, SENT + timedelta(seconds=1)]


@pytest.mark.parametrize("path", ["$.surprise", "$.data.surprise", "$.data.error.surprise", "$.data.client.surprise"])
def test_unknown_fields_are_left_out_and_counted(path: str) -> None:
    plain = wire.decode(encoded())
    assert wire.decode(changed(path, {"anything": [1]})) == msgspec.structs.replace(plain, unknown_fields=1)


REFUSALS: dict[str, tuple[bytes | None, tuple[str, str]]] = {
    "no value": (None, ("empty", "$")),
    "no bytes": (b"", ("empty", "$")),
    "no fields": (b"{}", ("empty", "$")),
    "one byte too many": (b" " * (wire.VALUE_BYTES_MAX + 1), ("too-large", "$")),
    "latin-1": (b'{"id": "\xe9"}', ("not-utf8", "$")),
    "half a surrogate pair in bytes": (encoded().replace(b"alice", b"\xed\xa0\x80"), ("not-utf8", "$")),
    "truncated": (encoded()[:-1], ("not-json", "$")),
    "trailing bytes": (encoded() + b"x", ("not-json", "$")),
    "byte order mark": (b"\xef\xbb\xbf" + encoded(), ("not-json", "$")),
    "a list": (b"[1]", ("not-json", "$")),
    "nested beyond reading": (b"[" * 16_000, ("not-json", "$")),
    "another major": (changed("$.dataschema", "urn:roomwatch:event:2"), ("unknown-major", "$.dataschema")),
    "another major of other fields": (
        b'{"dataschema": "urn:roomwatch:event:2", "kind": "room"}',
        ("unknown-major", "$.dataschema"),
    ),
    "another type": (changed("$.type", "room.exploded"), ("unknown-type", "$.type")),
    "a type of the application's": (changed("$.type", "local.reconnecting"), ("unknown-type", "$.type")),
    "no type": (changed("$.type", ...), ("missing-field", "$")),
    "no data": (changed("$.data", ...), ("missing-field", "$")),
    "no session": (changed("$.data.session_id", ...), ("missing-field", "$.data")),
    "no sent_at": (changed("$.data.sent_at", ...), ("missing-field", "$.data.sent_at")),
    "an outage without a number": (changed("$.data.outage.number", ...), ("missing-field", "$.data.outage")),
    "a transition from nowhere": (changed("$.data.from_state", ...), ("missing-field", "$.data.from_state")),
    "reconnecting without an outage": (
        changed("$.data.outage", ..., "room.reconnecting"),
        ("missing-field", "$.data.outage"),
    ),
    "reconnecting without a cause": (
        changed("$.data.error", ..., "room.reconnecting"),
        ("missing-field", "$.data.error"),
    ),
    "a participant's event about nobody": (
        changed("$.data.subject_sid", ..., "participant.reconnecting"),
        ("missing-field", "$.data.subject_sid"),
    ),
    "a token that expires at no time": (
        changed("$.data.token", None, "token.expiring"),
        ("missing-field", "$.data.token"),
    ),
    "seq of the wrong type": (changed("$.data.seq", "4"), ("invalid-field", "$.data.seq")),
    "seq of a float": (changed("$.data.seq", 4.0), ("invalid-field", "$.data.seq")),
    "seq below zero": (changed("$.data.seq", -1), ("invalid-field", "$.data.seq")),
    "seq beyond a session's end": (changed("$.data.seq", 100_001), ("invalid-field", "$.data.seq")),
    "a code that no column takes": (changed("$.data.error.code", 2**31), ("invalid-field", "$.data.error.code")),
    "a number without end": (changed("$.data.totals.outages", 10**400), ("invalid-field", "$.data.totals.outages")),
    "an identity without end": (changed("$.data.identity", "x" * 257), ("invalid-field", "$.data.identity")),
    "a time without a zone": (changed("$.time", "2026-11-24T12:00:00"), ("invalid-field", "$.time")),
    "a time that is a number": (changed("$.time", 1_795_521_600), ("invalid-field", "$.time")),
    "a day that does not exist": (changed("$.time", "2026-02-30T12:00:00Z"), ("invalid-field", "$.time")),
    "an unknown state": (changed("$.data.to_state", "confused"), ("invalid-field", "$.data.to_state")),
    "an unknown origin": (changed("$.data.error.origin", "moon"), ("invalid-field", "$.data.error.origin")),
    "an enum that quotes another refusal": (
        changed("$.data.reason", "Object missing required field"),
        ("invalid-field", "$.data.reason"),
    ),
    "data that is a list": (changed("$.data", []), ("invalid-field", "$.data")),
    "another CloudEvents": (changed("$.specversion", "0.3"), ("invalid-field", "$.specversion")),
    "no UUID": (changed("$.data.session_id", "me"), ("invalid-field", "$.data.session_id")),
    "a UUID of another version": (
        changed("$.data.session_id", "0192f0c1-7e5a-4c3b-8d2e-1f0a9b8c7d6e"),
        ("invalid-field", "$.data.session_id"),
    ),
    "a UUID of another variant": (
        changed("$.data.session_id", "0192f0c1-7e5a-7c3b-cd2e-1f0a9b8c7d6e"),
        ("invalid-field", "$.data.session_id"),
    ),
    "a null character": (changed("$.data.identity", "a\x00b"), ("invalid-field", "$.data.identity")),
    "a null character in a name": (changed("$.data.lost", {"a\x00": {"b": 1}}), ("invalid-field", "$.data.lost")),
    "the source of another session": (
        changed("$.source", f"/sessions/{session_id(2)}"),
        ("identity-mismatch", "$.source"),
    ),
    "the id of another event": (changed("$.id", "5"), ("identity-mismatch", "$.id")),
    "an id that is no number": (changed("$.id", "four"), ("identity-mismatch", "$.id")),
    "an id with a zero in front": (changed("$.id", "04"), ("identity-mismatch", "$.id")),
    "an id with digits of another script": (changed("$.id", "٤"), ("identity-mismatch", "$.id")),
    "a transition without a number of its own": (changed("$.id", "4.1"), ("identity-mismatch", "$.id")),
    "a proof of life with a number of its own": (
        changed("$.id", "4", "session.alive"),
        ("identity-mismatch", "$.id"),
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_is_no_event_is_refused_with_its_reason_and_its_place(name: str) -> None:
    value, expected = REFUSALS[name]
    assert refusal(value) == expected


def test_half_a_surrogate_pair_in_an_escape_never_reaches_a_store() -> None:
    assert refusal(encoded().replace(b'"alice"', rb'"\ud800"')) == ("not-json", "$")


def test_every_reason_has_a_case() -> None:
    assert {reason for _, (reason, _) in REFUSALS.values()} == set(wire.REASONS)


@pytest.mark.parametrize("kind", TYPES)
def test_what_an_event_must_carry_is_asked_for(kind: PublishedType) -> None:
    for name in wire.MUST_CARRY.get(kind, ()):
        assert refusal(changed(f"$.data.{name}", ..., kind)) == ("missing-field", f"$.data.{name}")


def is_event_or_refusal(value: bytes) -> bool:
    try:
        decoded = wire.decode(value)
    except WireError as error:
        return error.reason in wire.REASONS and error.where.isprintable() and error.detail.isprintable()
    # What was taken can be stored, and says the same when it is said again.
    data = decoded.message.data
    assert isinstance(data.sent_at, datetime)
    return wire.decode(wire.encode(decoded.message, data.sent_at)).message == decoded.message


@given(st.binary(max_size=64) | st.text(max_size=64).map(str.encode))
@example(b"\x00")
@example(b"1e400")
@example(b'{"data":' * 2_000)
def test_any_bytes_are_an_event_or_a_refusal(value: bytes) -> None:
    assert is_event_or_refusal(value)


@given(st.data())
def test_a_valid_message_with_any_bytes_changed_is_an_event_or_a_refusal(data: st.DataObject) -> None:
    value = bytearray(encoded(data.draw(st.sampled_from(TYPES))))
    for _ in range(data.draw(st.integers(1, 4))):
        begin = data.draw(st.integers(0, len(value)))
        end = data.draw(st.integers(begin, min(begin + 8, len(value))))
        value[begin:end] = data.draw(st.binary(max_size=8))
    assert is_event_or_refusal(bytes(value))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=300) | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.data(), JSON)
def test_a_valid_message_with_any_place_changed_is_an_event_or_a_refusal(data: st.DataObject, value: object) -> None:
    whole = document(data.draw(st.sampled_from(TYPES)))
    place = whole
    while True:
        name = data.draw(st.sampled_from(sorted(place)))
        if not isinstance(place[name], dict) or not place[name] or data.draw(st.booleans()):
            break
        place = place[name]
    place[name] = value
    assert is_event_or_refusal(json.dumps(whole).encode())


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_of_any_year_survives(at: datetime) -> None:
    unsent = msgspec.structs.replace(wire.message(event("room.connecting"), 0), time=at)
    assert wire.decode(wire.encode(unsent, at)).message.time == at
