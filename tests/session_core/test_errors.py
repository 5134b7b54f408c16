"""The catalogue of codes, what each makes of a session that it ends, and errors that say their facts."""

from __future__ import annotations

import pytest

from session_core import errors
from session_core.errors import (
    CATALOGUE,
    ROWS,
    Appears,
    ConnectError,
    EndsAs,
    ExtraMissingError,
    Origin,
    OutboxFileError,
    PolicyError,
    RoomError,
    SessionCoreError,
    SinkError,
    TokenAlgorithmError,
    TokenClaimsError,
    TokenError,
    TokenExpiredError,
    TokenLifeError,
    TokenMalformedError,
    TokenNotYetValidError,
    TokenRoomError,
    TokenSignatureError,
    TokenTooLargeError,
    TransportError,
    WireError,
    ends_as,
    room_error,
)
from tests.session_core.telling import BEGIN


def test_the_catalogue_has_the_codes_of_the_sdk_and_the_one_that_it_lacks() -> None:
    codes = [row.code for row in ROWS]
    assert len(codes) == len(set(codes)) == 56
    assert codes == sorted(codes)
    assert 53216 in CATALOGUE


def test_every_code_has_a_name_in_the_sdks_spelling_and_a_message() -> None:
    assert [row for row in ROWS if not (row.name.endswith("Error") and row.name.isidentifier() and row.message)] == []
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_only_signaling_and_media_begin_an_outage() -> None:
    assert [row.code for row in ROWS if row.appears & Appears.RECONNECTING] == [53001, 53405]


@pytest.mark.parametrize("code", [20104, 53000, 53001, 53002, 53118, 53204, 53205, 53216, 53405, 53407])
def test_what_the_page_and_the_design_name_may_end_a_room(code: int) -> None:
    assert CATALOGUE[code].appears & Appears.DISCONNECTED


@pytest.mark.parametrize(
    ("code", "origin", "outage_open", "fate"),
    [
        (53118, Origin.SERVER, True, EndsAs.COMPLETED),
        (53216, Origin.SERVER, False, EndsAs.COMPLETED),
        (53205, Origin.SERVER, False, EndsAs.SUPERSEDED),
        (53002, Origin.WINDOW, True, EndsAs.DROPPED),
        (20104, Origin.SERVER, True, EndsAs.DROPPED),
        (49999, Origin.SERVER, False, EndsAs.DROPPED),
        (None, Origin.SERVER, True, EndsAs.REMOVED),
        (None, Origin.RESTART, True, EndsAs.LOST),
        (None, Origin.LOCAL, True, EndsAs.ABANDONED),
        (None, Origin.LOCAL, False, EndsAs.LEFT),
        (None, None, False, EndsAs.LEFT),
    ],
)
def test_a_session_has_ended_as_its_last_event_says(
    code: int | None, origin: Origin | None, fate: EndsAs, *, outage_open: bool
) -> None:
    assert ends_as(code, origin, outage_open=outage_open) is fate


def test_every_other_code_drops_a_session() -> None:
    others = {row.code for row in ROWS} - {53118, 53205, 53216}
    assert {ends_as(code, "server", outage_open=False) for code in others} == {EndsAs.DROPPED}


def test_a_known_code_has_the_catalogues_words_and_an_unknown_one_keeps_its_own() -> None:
    assert room_error(53002, Origin.WINDOW, "whatever") == RoomError(
        code=53002,
        name="SignalingConnectionTimeoutError",
        message="Signaling connection timed out",
        origin=Origin.WINDOW,
    )
    assert room_error(42, Origin.SERVER, "new here") == RoomError(
        code=42, name="RoomError", message="new here", origin=Origin.SERVER
    )
    assert str(room_error(42, Origin.SERVER)) == "RoomError 42: Unknown error"


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (
            ConnectError(room_error(53000, Origin.TRANSPORT)),
            "connect-failed",
            "SignalingConnectionError 53000: Signaling connection error",
        ),
        (TokenError("has no grant; mint it for a room"), "token", "access token: has no grant; mint it for a room"),
        (PolicyError("jitter", "is 2"), "policy", "reconnect policy: jitter is 2"),
        (
            ExtraMissingError("aiortc", "aiortc"),
            "extra-missing",
            "aiortc is not installed; run: pip install 'roomwatch[aiortc]'",
        ),
        (TransportError("websocket", "no route"), "transport", "websocket transport: no route"),
        (OutboxFileError("a.db", "missing", "is not there"), "outbox-file", "outbox a.db: is not there"),
        (
            WireError("invalid-field", "$.data.seq", "Expected `int`"),
            "wire",
            "invalid-field at $.data.seq: Expected `int`",
        ),
    ],
)
def test_an_error_says_its_facts_in_a_sentence_and_promises_a_code(
    error: SessionCoreError, code: str, says: str
) -> None:
    assert (error.code, str(error)) == (code, says)


@pytest.mark.parametrize(
    ("error", "answer", "says"),
    [
        (TokenMalformedError("is none"), 20101, "access token: is none"),
        (TokenTooLargeError("is long"), 20101, "access token: is long"),
        (TokenAlgorithmError("is none"), 20102, "access token: is none"),
        (TokenSignatureError("is none"), 20107, "access token: is none"),
        (TokenClaimsError("exp", "is none"), 20106, "access token: claim `exp` is none"),
        (TokenLifeError("is long"), 20104, "access token: is long"),
        (
            TokenExpiredError(BEGIN),
            20104,
            "access token: it expired at 2026-11-24T12:00:00+00:00; ask the token server for another",
        ),
        (
            TokenNotYetValidError(BEGIN),
            20105,
            "access token: it is valid from 2026-11-24T12:00:00+00:00 on; look at both machines' clocks",
        ),
        (TokenRoomError(), 20106, "access token: it admits to another room; mint one for this room, or for every room"),
    ],
)
def test_a_token_that_is_refused_says_why_and_what_a_server_answers(error: TokenError, answer: int, says: str) -> None:
    assert (error.answer, str(error)) == (answer, says)
    assert Appears.CONNECT in CATALOGUE[answer].appears


def test_a_sink_that_failed_says_what_arrived_and_whether_to_try_again() -> None:
    plain, final = SinkError("the broker is away"), SinkError("too large", delivered=frozenset({1}), retriable=False)
    assert (str(plain), plain.reason, plain.delivered, plain.retriable) == (
        "the broker is away",
        "the broker is away",
        frozenset(),
        True,
    )
    assert (final.delivered, final.retriable) == (frozenset({1}), False)


def test_every_error_of_the_tree_has_a_code_of_its_own() -> None:
    tree = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, SessionCoreError)]
    assert len({error.code for error in tree}) == len(tree)
