"""Access tokens: their claims, their scope, their life, and that nothing of them leaks."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_core.errors import TokenError
from session_core.events import Token
from session_core.instants import us_from_utc
from session_core.token import AccessToken
from tests.session_core.telling import BEGIN, moment

SECRET = "s" * 32
ISSUED = us_from_utc(BEGIN) // 1_000_000


def minted(**wish: Any) -> AccessToken:
    return AccessToken.mint("AC1", "SK1", SECRET, **{"identity": "alice", "room": "daily", "at": BEGIN, **wish})


def signed(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, SECRET, algorithm="HS256")


def test_without_a_jwt_library_it_says_which_extra_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jwt", None)
    with pytest.raises(TokenError, match=r"run: pip install 'roomwatch\[tokens\]'"):
        minted()


def test_a_token_has_the_claims_that_twilios_have() -> None:
    token = minted()
    assert jwt.get_unverified_header(token.jwt) == {"alg": "HS256", "typ": "JWT", "cty": "twilio-fpa;v=1"}
    assert jwt.decode(token.jwt, SECRET, algorithms=["HS256"], options={"verify_exp": False, "verify_iat": False}) == {
        "jti": f"SK1-{ISSUED}",
        "iss": "SK1",
        "sub": "AC1",
        "iat": ISSUED,
        "exp": ISSUED + 86_400,
        "grants": {"identity": "alice", "video": {"room": "daily"}},
    }


def test_a_token_lives_as_long_as_a_session_can_unless_asked_otherwise() -> None:
    assert [minted().ttl_s, minted(ttl_s=3_600).ttl_s] == [86_400, 3_600]


def test_what_is_minted_is_what_is_read() -> None:
    token = minted(ttl_s=60)
    assert AccessToken.read(token.jwt) == token
    assert (token.identity, token.room, token.issued_at, token.expires_at) == (
        "alice",
        "daily",
        BEGIN,
        BEGIN + timedelta(seconds=60),
    )


def test_a_token_without_a_room_admits_to_every_room() -> None:
    assert AccessToken.read(minted(room=None).jwt).room is None


def test_a_token_knows_whether_a_call_outlives_it() -> None:
    token = minted(ttl_s=3_600)
    assert [token.expires_before(BEGIN + timedelta(minutes=minutes)) for minutes in (59, 60, 75)] == [False, True, True]


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ({"ttl_s": 86_401}, "a life of 86401 s cannot be; give from 1 to 86400 s"),
        ({"ttl_s": 0}, "a life of 0 s cannot be"),
        ({"identity": ""}, "needs an identity"),
        ({"room": ""}, "leave `room` out"),
        ({"at": datetime(2026, 1, 1)}, "no time zone"),  # noqa: DTZ001 - that is the point
    ],
)
def test_a_wish_that_cannot_be_is_refused_with_what_to_do(wish: dict[str, Any], reason: str) -> None:
    with pytest.raises(TokenError, match=reason):
        minted(**wish)


def test_a_token_says_who_issued_it() -> None:
    token = AccessToken.read(minted().jwt)
    assert (token.account_sid, token.api_key_sid) == ("AC1", "SK1")


def test_a_short_secret_is_refused_and_not_told() -> None:
    with pytest.raises(TokenError, match="fewer than 32 bytes") as caught:
        AccessToken.mint("AC1", "SK1", "tell-nobody", identity="alice", at=BEGIN)
    assert "tell-nobody" not in str(caught.value)


def test_a_token_is_a_frozen_value() -> None:
    token = minted()
    with pytest.raises(AttributeError, match="frozen value: room cannot be set"):
        token.room = None
    with pytest.raises(AttributeError, match="frozen value: room cannot be deleted"):
        del token.room
    assert (hash(token), token == minted(), token == minted(room=None), token == token.jwt) == (
        hash(minted()),
        True,
        False,
        False,
    )


@pytest.mark.parametrize(
    ("claims", "ttl_s"),
    [
        ({"iat": ISSUED, "exp": ISSUED + 600}, 600),
        ({"nbf": ISSUED, "exp": ISSUED + 600}, 600),
        ({"jti": f"SK1-{ISSUED}", "exp": ISSUED + 600}, 600),
        ({"exp": ISSUED + 600}, None),
    ],
)
def test_the_life_of_a_token_is_read_from_whichever_claim_tells_it(claims: dict[str, Any], ttl_s: int | None) -> None:
    assert AccessToken.read(signed(claims)).ttl_s == ttl_s


def test_a_life_that_a_token_does_not_tell_is_counted_from_when_it_was_seen() -> None:
    expires_at = datetime.fromtimestamp(ISSUED + 600, UTC)
    assert [
        AccessToken.read(signed({"exp": ISSUED + 600, **more})).facts(moment(100)) for more in ({}, {"iat": ISSUED})
    ] == [Token(expires_at=expires_at, ttl_s=500), Token(expires_at=expires_at, ttl_s=600)]


@pytest.mark.parametrize("text", ["", "secret-opaque-token", "a.b.c", minted().jwt[:-60].replace(".", "..")])
def test_what_is_no_token_is_refused_and_not_told(text: str) -> None:
    with pytest.raises(TokenError) as caught:
        AccessToken.read(text)
    assert text == "" or text not in str(caught.value)


@pytest.mark.parametrize("claims", [{}, {"exp": True}, {"exp": 10**30}])
def test_a_token_that_does_not_say_when_it_expires_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(TokenError):
        AccessToken.read(signed(claims))


JSON = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dictionaries(st.text(), st.text())


@given(st.dictionaries(st.sampled_from(["exp", "iat", "nbf", "jti", "grants", "sub"]), JSON))
def test_whatever_a_token_claims_it_is_read_or_refused(claims: dict[str, Any]) -> None:
    try:
        encoded = signed(claims)
    except (TypeError, ValueError, OverflowError):
        return  # what cannot be signed cannot be met
    try:
        token = AccessToken.read(encoded)
    except TokenError:
        return
    assert token.facts(moment()).ttl_s >= 0


def test_without_its_library_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jwt", None)
    with pytest.raises(TokenError, match="minting and reading need PyJWT"):
        AccessToken.read("x")


def test_without_its_library_the_extra_is_named() -> None:
    program = """
import sys
sys.modules["jwt"] = None
from session_core.token import AccessToken
try:
    AccessToken.read("x")
except Exception as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "access token: minting and reading need PyJWT; run: pip install 'roomwatch[tokens]'\n"
