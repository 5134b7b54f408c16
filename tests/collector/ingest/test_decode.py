"""Records to events or refusals: whatever the bytes, one of the two."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.ingest.decode import OUTAGES_MAX, REASONS, Record, Refusal, decode, session_begun_at
from collector.ingest.values import Told
from collector.metric_labels import DEAD_LETTER_REASONS
from session_core import wire
from tests.histories import START_US, Life, records, session_id

ID = session_id(1)


def document(**changes: Any) -> dict[str, Any]:
    """A message as a document, with fields of `data` replaced; `top` replaces fields of the message."""
    life = Life(ID).connecting().later(300).connected().later(5_000).reconnecting()
    told: dict[str, Any] = msgspec.json.decode(life.sent[-1].value())
    top = changes.pop("top", {})
    return {**told, **top, "data": {**told["data"], **changes}}


def record(value: bytes | None, key: bytes | None = str(ID).encode()) -> Record:
    return Record(0, 7, START_US, key, value)


def refusal(told: dict[str, Any]) -> tuple[str, str]:
    answer = decode(record(msgspec.json.encode(told)))
    assert isinstance(answer, Refusal)
    return answer.reason, answer.place


def test_a_record_is_the_event_it_tells_with_its_clocks_in_microseconds() -> None:
    (one,) = records([Life(ID).connecting()])
    told = decode(one)
    assert isinstance(told, Told)
    assert (told.message.type, told.n, told.at, told.sent_at, told.unknown_fields) == (
        "room.connecting", 0, START_US, START_US + 1_000, 0,
    )  # fmt: skip


def test_fields_of_the_future_are_counted_and_left_out() -> None:
    told = decode(record(msgspec.json.encode(document(mood="good", top={"traceparent": "00"}))))
    assert isinstance(told, Told)
    assert told.unknown_fields == 2


@pytest.mark.parametrize("key", [None, b"", b"room-1", str(session_id(2)).encode(), str(ID).upper().encode()])
def test_a_key_that_is_not_the_sessions_id_is_refused(key: bytes | None) -> None:
    answer = decode(record(msgspec.json.encode(document()), key))
    assert isinstance(answer, Refusal)
    assert (answer.reason, answer.place) == ("wrong-key", "key")


@pytest.mark.parametrize("moment", ["1969-12-31T23:59:59Z", "2100-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00"])
def test_clocks_beyond_what_the_store_holds_are_refused_with_their_place(moment: str) -> None:
    outage = {**document()["data"]["outage"], "started_at": moment}
    assert refusal(document(top={"time": moment})) == ("clock-out-of-range", "$.time")
    assert refusal(document(sent_at=moment)) == ("clock-out-of-range", "$.data.sent_at")
    assert refusal(document(outage=outage)) == ("clock-out-of-range", "$.data.outage.started_at")
    token = {"expires_at": moment, "ttl_s": 60}
    assert refusal(document(token=token)) == ("clock-out-of-range", "$.data.token.expires_at")


def test_a_session_whose_id_says_that_it_begins_after_2100_is_refused() -> None:
    life = Life(session_id(1, 2**47 * 1000)).connecting()
    (one,) = records([life])
    answer = decode(one)
    assert isinstance(answer, Refusal)
    assert (answer.reason, answer.place) == ("clock-out-of-range", "$.data.session_id")


def test_a_clock_that_was_never_set_is_taken() -> None:
    (one,) = records([Life(session_id(1, 0), skew_us=-START_US).connecting()])
    told = decode(one)
    assert isinstance(told, Told)
    assert (told.at, session_begun_at(told.message.data.session_id)) == (0, 0)


def test_a_seq_beyond_the_last_a_session_may_have_has_a_code_of_its_own() -> None:
    seq = wire.SEQ_MAX + 1
    assert refusal(document(seq=seq, top={"id": str(seq)})) == ("too-many-events", "$.data.seq")
    assert refusal(document(seq=2**70)) == ("too-many-events", "$.data.seq")
    assert refusal(document(seq=-1)) == ("invalid-field", "$.data.seq")
    assert refusal(document(seq="one")) == ("invalid-field", "$.data.seq")


def test_an_outages_number_beyond_the_bound_is_refused() -> None:
    outage = {**document()["data"]["outage"], "number": OUTAGES_MAX + 1}
    assert refusal(document(outage=outage)) == ("too-many-outages", "$.data.outage.number")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "empty"),
        (b"", "empty"),
        (b"{}", "empty"),
        (b"[1]", "not-json"),
        (b'{"data": ', "not-json"),
        (b"\xff\xfe", "not-utf8"),
        (b" " * (wire.VALUE_BYTES_MAX + 1), "too-large"),
        (b'{"dataschema":"urn:roomwatch:event:2"}', "unknown-major"),
        (b'{"type":"room.exploded"}', "unknown-type"),
    ],
)
def test_what_the_wire_refuses_keeps_its_reason(value: bytes | None, reason: str) -> None:
    answer = decode(record(value))
    assert isinstance(answer, Refusal)
    assert answer.reason == reason


@given(st.binary(max_size=200), st.one_of(st.none(), st.binary(max_size=40)))
def test_any_bytes_give_a_refusal_with_a_reason_of_the_list(value: bytes, key: bytes | None) -> None:
    answer = decode(Record(0, 0, START_US, key, value))
    assert isinstance(answer, Refusal)
    assert answer.reason in REASONS


MOMENTS = st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat)


@given(
    st.sampled_from(["id", "source", "type", "time", "dataschema", "specversion"]),
    st.one_of(st.none(), st.integers(), st.text(max_size=30), MOMENTS),
)
def test_any_value_of_a_header_gives_an_event_or_a_refusal(name: str, value: object) -> None:
    answer = decode(record(msgspec.json.encode(document(top={name: value}))))
    assert isinstance(answer, Told) or answer.reason in REASONS


def test_the_reasons_are_those_that_metrics_know() -> None:
    assert REASONS == DEAD_LETTER_REASONS
