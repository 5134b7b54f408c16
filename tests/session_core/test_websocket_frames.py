"""The frames of the websocket protocol: what is read, and that nothing that a server sends can raise."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_core.transports import websocket_frames as frames
from session_core.transports.websocket_frames import (
    EndedFrame,
    ErrorFrame,
    HeartbeatFrame,
    JoinedFrame,
    ParticipantsFrame,
    Person,
    RemovedFrame,
    SyncedFrame,
    Unknown,
    WrongShape,
    read,
)

BOB = {"sid": "PA3", "identity": "bob", "state": "connected", "revision": 1}
JOINED = {"type": "joined", "session": "key", "room_sid": "RM1", "participant_sid": "PA2", "participants": [BOB]}
PERSON = Person("PA3", "connected", 1, "bob")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
FIELDS = [
    "session",
    "room_sid",
    "participant_sid",
    "participants",
    "heartbeat_ms",
    "session_timeout_ms",
    "code",
    "message",
]


@pytest.mark.parametrize(
    ("frame", "read_as"),
    [
        (JOINED, JoinedFrame("key", "RM1", "PA2", (PERSON,))),
        (
            {**JOINED, "identity": "alice", "room_name": "daily", "heartbeat_ms": 100, "session_timeout_ms": 9_000},
            JoinedFrame("key", "RM1", "PA2", (PERSON,), "alice", "daily", 100, 9_000),
        ),
        ({"type": "synced", "participants": []}, SyncedFrame(())),
        ({"type": "participants", "participants": [BOB], "new": 1}, ParticipantsFrame((PERSON,))),
        ({"type": "heartbeat"}, HeartbeatFrame()),
        ({"type": "error", "code": 20104}, ErrorFrame(20104)),
        ({"type": "error", "code": 7, "message": "why"}, ErrorFrame(7, "why")),
        ({"type": "ended"}, EndedFrame()),
        ({"type": "removed"}, RemovedFrame()),
        ({"type": "weather", "code": "fine"}, Unknown("weather")),
        ({"type": "w" * 100}, Unknown("w" * 64)),
    ],
)
def test_a_frame_is_read_as_the_page_says(frame: object, read_as: object) -> None:
    assert read(json.dumps(frame)) == read_as


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        ("", "no JSON object"),
        ('{"x":' + "[" * 100_000, "no JSON object"),
        ('{"type": "joi', "no JSON object"),
        ('{"type": "\ud800"}', "no JSON object"),
        ("[]", "Expected `object`, got `array`"),
        ("{}", "Object missing required field `type`"),
        ('{"type": 1}', "Expected `str`, got `int` - at `$.type`"),
        ('{"type": "synced"}', "Object missing required field `participants`"),
        ('{"type": "error", "code": true}', "Expected `int`, got `bool` - at `$.code`"),
        ('{"type": "error", "code": -1}', "Expected `int` >= 0 - at `$.code`"),
        ('{"type": "error", "code": 2147483648}', "Expected `int` <= 2147483647 - at `$.code`"),
        (json.dumps({**JOINED, "session": ""}), "Expected `str` of length >= 1 - at `$.session`"),
        (json.dumps({**JOINED, "heartbeat_ms": 99}), "Expected `int` >= 100 - at `$.heartbeat_ms`"),
        (json.dumps({**JOINED, "heartbeat_ms": 60_001}), "Expected `int` <= 60000 - at `$.heartbeat_ms`"),
    ],
)
def test_what_is_no_frame_is_of_a_wrong_shape_and_says_where(data: str, detail: str) -> None:
    assert read(data) == WrongShape(detail)


def test_a_binary_message_is_unknown() -> None:
    assert read(b'{"type":"removed"}') == Unknown("binary")


@given(st.text() | st.binary() | JSON.map(json.dumps))
def test_whatever_comes_is_a_frame_or_of_a_wrong_shape(data: str | bytes) -> None:
    assert isinstance(read(data), frames.Frame | WrongShape)


@given(
    st.sampled_from(["joined", "synced", "participants", "error", "ended", "removed", "heartbeat"]),
    st.dictionaries(st.sampled_from(FIELDS), JSON | st.just([BOB]) | st.just("x") | st.just(500)),
    st.dictionaries(st.sampled_from(sorted(BOB)), JSON),
)
def test_a_known_frame_with_whatever_in_it_is_that_frame_or_of_a_wrong_shape(
    word: str, fields: dict[str, object], spoilt: dict[str, object]
) -> None:
    spoilt_bob = {**BOB, **spoilt}
    for participants in (fields.get("participants"), [spoilt_bob]):
        frame = read(json.dumps({**JOINED, **fields, "participants": participants, "type": word}))
        assert isinstance(frame, frames.Frame | WrongShape)
        assert not isinstance(frame, Unknown)


def test_the_key_of_a_session_is_in_no_repr() -> None:
    frame = JoinedFrame("the-key", "RM1", "PA2", ())
    assert "the-key" not in repr(frame) + repr(frame.__rich_repr__())


def test_what_is_sent_is_what_the_page_says() -> None:
    assert json.loads(frames.join("token", None, 500)) == {
        "type": "join",
        "version": 1,
        "token": "token",
        "room": None,
        "heartbeat_ms": 500,
    }
    assert json.loads(frames.sync("token", "key", 500)) == {
        "type": "sync",
        "version": 1,
        "token": "token",
        "session": "key",
        "heartbeat_ms": 500,
    }
    assert [json.loads(text) for text in (frames.HEARTBEAT, frames.LEAVE)] == [{"type": "heartbeat"}, {"type": "leave"}]
