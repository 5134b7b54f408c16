"""What the claims of a token say, taken as they are or strictly."""

from __future__ import annotations

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
