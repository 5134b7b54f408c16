"""What the claims of a token say, taken as they are or strictly."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from session_core import claims
from session_core.errors import TokenClaimsError
from tests.session_core.telling import BEGIN, BEGIN_US

AT = BEGIN_US // 1_000_000


def test_what_is_not_told_is_none_where_nobody_asks_strictly() -> None:
    assert claims.read({"exp": AT, "grants": "all", "iss": 7, "sub": None, "jti": []}) == claims.Claims(
        identity=None,
        room=None,
        issued_at=None,
        valid_from=None,
        expires_at=BEGIN,
        account_sid=None,
        api_key_sid=None,
    )


def test_what_decides_who_is_admitted_must_be_told_where_it_is_asked_strictly() -> None:
    with pytest.raises(TokenClaimsError, match=r"claim `grants` is no object that says what it admits to"):
        claims.read({"exp": AT}, strictly=True)


def test_a_room_that_is_null_is_every_room() -> None:
    told = {"exp": AT, "grants": {"identity": "alice", "video": {"room": None}}}
    assert claims.read(told, strictly=True).room is None


WHOLE = {"exp": AT, "grants": {"identity": "alice", "video": {"room": "daily"}}}


@pytest.mark.parametrize("told", [{"iat": AT}, {"nbf": AT}, {"jti": f"SK1-{AT}"}, {"iat": AT + 0.5, "nbf": AT}])
def test_when_it_was_issued_is_told_by_whichever_claim_tells_it(told: dict[str, Any]) -> None:
    read = claims.read({**WHOLE, **told}, strictly=True)
    issued_at = BEGIN + timedelta(seconds=0.5) if told.get("iat") == AT + 0.5 else BEGIN
    assert (read.issued_at, read.valid_from) == (issued_at, BEGIN)


@pytest.mark.parametrize(
    ("changed", "claim"),
    [
        ({"exp": True}, "exp"),
        ({"exp": float("nan")}, "exp"),
        ({"nbf": "now"}, "nbf"),
        ({"iss": 7}, "iss"),
        ({"grants": []}, "grants"),
        ({"grants": {"identity": ""}}, "grants.identity"),
        ({"grants": {"identity": "alice", "video": 1}}, "grants.video"),
        ({"grants": {"identity": "alice", "video": {"room": ""}}}, "grants.video.room"),
    ],
)
def test_what_is_wrong_is_named_and_not_told(changed: dict[str, Any], claim: str) -> None:
    with pytest.raises(TokenClaimsError, match=f"claim `{claim}`") as refused:
        claims.read({**WHOLE, **changed}, strictly=True)
    assert refused.value.claim == claim
    assert "alice" not in str(refused.value)
