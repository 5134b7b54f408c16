"""What the end of a connection means to a room: the table of the module, and who counts as having answered."""

from __future__ import annotations

import errno
import socket
import ssl

import pytest
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosedError, InvalidMessage, InvalidProxyStatus, InvalidStatus
from websockets.frames import Close
from websockets.http11 import Response

from session_core.signals import (
    AttemptRefused,
    AttemptUnreached,
    ConnectRefused,
    ConnectUnanswered,
    Removed,
    RoomCompleted,
    ServerError,
    Signal,
    SignalingLost,
)
from session_core.transports.websocket_frames import EndedFrame, ErrorFrame, RemovedFrame, WrongShape
from session_core.transports.websocket_outcomes import Busy, End, Fault, Refused, Stage, Unreached, fault_of, signal_of


@pytest.mark.parametrize(
    ("end", "joining", "resuming", "up"),
    [
        (Refused("r"), ConnectUnanswered(), AttemptRefused(), SignalingLost("r")),
        (Unreached("u"), ConnectUnanswered(), AttemptUnreached(), SignalingLost("u")),
        (Busy("b"), ConnectRefused(53006), AttemptRefused(), SignalingLost("b")),
        (
            WrongShape("at $"),
            ConnectRefused(53003),
            AttemptRefused(),
            SignalingLost("a frame of the wrong shape: at $"),
        ),
        (ErrorFrame(53006, "m"), ConnectRefused(53006, "m"), AttemptRefused(), ServerError(53006, "m")),
        (ErrorFrame(20104, "m"), ConnectRefused(20104, "m"), ServerError(20104, "m"), ServerError(20104, "m")),
        (EndedFrame(), ConnectRefused(53118), RoomCompleted(), RoomCompleted()),
        (RemovedFrame(), ConnectUnanswered(), Removed(), Removed()),
    ],
)
def test_every_end_means_what_the_table_says(end: End, joining: Signal, resuming: Signal, up: Signal) -> None:
    assert [signal_of(end, stage) for stage in Stage] == [joining, resuming, up]


def status(code: int) -> Response:
    return Response(code, "words", Headers())


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (ConnectionRefusedError(), Refused("ConnectionRefusedError")),
        (ConnectionResetError(), Refused("ConnectionResetError")),
        (OSError("Multiple exceptions: [Errno 101] no, [Errno 111] Connect call failed"), Refused("OSError")),
        (ssl.SSLCertVerificationError(), Refused("SSLCertVerificationError")),
        (InvalidMessage("did not receive a valid HTTP response"), Refused("InvalidMessage")),
        (InvalidStatus(status(403)), Refused("HTTP 403")),
        (InvalidStatus(status(503)), Busy("HTTP 503")),
        (InvalidStatus(status(429)), Busy("HTTP 429")),
        (ConnectionClosedError(None, None), Refused("closed without a close frame")),
        (ConnectionClosedError(Close(1001, "private words"), None), Refused("closed with 1001")),
        (ConnectionClosedError(Close(1013, ""), None), Busy("closed with 1013")),
        (InvalidProxyStatus(status(502)), Unreached("InvalidProxyStatus")),
        (socket.gaierror(socket.EAI_NONAME, "no name"), Unreached("gaierror")),
        (OSError(errno.ENETUNREACH, "no route"), Unreached("OSError")),
        (TimeoutError(), Unreached("TimeoutError")),
        (RuntimeError("anything else"), Unreached("RuntimeError")),
    ],
)
def test_who_answers_and_will_not_have_us_has_refused_and_all_else_reached_nobody(
    error: Exception, fault: Fault
) -> None:
    assert fault_of(error) == fault
