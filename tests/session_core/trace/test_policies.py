"""The sentences that say how the server behaves."""

from __future__ import annotations

import pytest

from session_core.trace.policies import Heartbeats, NewSockets, Policy, understood


@pytest.mark.parametrize(
    ("sentence", "means"),
    [
        ("every new client WebSocket is closed with 1006 5 ms after creation", NewSockets(5_000, close_code=1006)),
        ("every new client WebSocket is closed with 1013", NewSockets(0, close_code=1013)),
        ("every new client WebSocket stays unopened", NewSockets()),
        (
            "every new client WebSocket is answered with busy, retryAfter -1, 7 ms after creation",
            NewSockets(7_000, opens=True, answer={"type": "busy", "retryAfter": -1, "keepAlive": False}),
        ),
        (
            'new sockets are answered with {"type": "busy", "retryAfter": 250, "keepAlive": true}',
            NewSockets(0, opens=True, answer={"type": "busy", "retryAfter": 250, "keepAlive": True}),
        ),
        ("every new client WebSocket is answered with bad", NewSockets(opens=True, answer={"type": "bad"})),
        ("every new client WebSocket is opened but never welcomed 5 ms after creation", NewSockets(5_000, opens=True)),
        ("every new client WebSocket gets no welcome", NewSockets(opens=True)),
        ("every new client WebSocket is refused 5000 ms after creation", NewSockets(5_000_000, close_code=1006)),
        ("every new client WebSocket fails (1011)", NewSockets(0, close_code=1011)),
        (
            "every new client WebSocket is opened and welcomed 20 ms after creation",
            NewSockets(20_000, opens=True, answer={"type": "welcome", "negotiatedTimeout": 5_000}),
        ),
        ("every new client WebSocket is blue", None),
        ("the server sends no heartbeats", Heartbeats(sent=False)),
        ("the server stops sending heartbeats", Heartbeats(sent=False)),
        ("heartbeats stop", Heartbeats(sent=False)),
        ("from now on the server is silent", Heartbeats(sent=False)),
        ("the server sends heartbeats again", Heartbeats(sent=True)),
        ("heartbeats every 4 s", Heartbeats(sent=True)),
        ("it rains", None),
    ],
)
def test_a_sentence_means_what_it_says(sentence: str, means: Policy | None) -> None:
    assert understood(sentence) == means
