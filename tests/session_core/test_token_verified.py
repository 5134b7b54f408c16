"""What admits and what does not: each way in which a token can be wrong has an error of its own."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_core.errors import (
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
)
from session_core.instants import us_from_utc
from session_core.token import JWT_CHARS_MAX, AccessToken
from tests.session_core.telling import BEGIN

SECRET = "the secret of an API key, 32 bytes and more"  # noqa: S105 - made up, for these tests
ISSUED = us_from_utc(BEGIN) // 1_000_000
TWILIOS = {
    "jti": f"SK1-{ISSUED}",
    "iss": "SK1",
    "sub": "AC1",
    "exp": ISSUED + 3_600,
    "grants": {"identity": "alice", "video": {"room": "daily"}},
}


def minted(**wish: Any) -> AccessToken:
    return AccessToken.mint("AC1", "SK1", SECRET, **{"identity": "alice", "room": "daily", "at": BEGIN, **wish})


def signed(claims: dict[str, Any], algorithm: str = "HS256", secret: str = SECRET) -> str:
    return jwt.encode(claims, secret, algorithm=algorithm, headers={"cty": "twilio-fpa;v=1"})


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims)]
    return ".".join((*parts, ""))


def after(**how: float) -> datetime:
    return BEGIN + timedelta(**how)


def test_what_was_minted_is_admitted_to_its_room_for_as_long_as_it_lives() -> None:
    token = minted(ttl_s=3_600)
    for at in (BEGIN, after(seconds=3_599.999)):
        assert AccessToken.verify(token.jwt, SECRET, room="daily", at=at) == token
    assert AccessToken.verify(token.jwt, SECRET, at=BEGIN).room == "daily"


def test_a_token_without_a_room_is_admitted_to_every_room() -> None:
    assert AccessToken.verify(minted(room=None).jwt, SECRET, room="any", at=BEGIN).room is None


@pytest.mark.parametrize(
    "claims",
    [
        TWILIOS,
        {**TWILIOS, "nbf": ISSUED},
        {**TWILIOS, "iat": ISSUED, "nbf": ISSUED},
        {**TWILIOS, "grants": {"identity": "alice", "video": {"room": "daily"}, "chat": {"service_sid": "IS1"}}},
    ],
)
def test_what_twilios_libraries_issue_is_read(claims: dict[str, Any]) -> None:
    token = AccessToken.verify(signed(claims), SECRET, room="daily", at=BEGIN)
    assert (token.identity, token.room, token.issued_at, token.expires_at, token.api_key_sid, token.account_sid) == (
        "alice",
        "daily",
        BEGIN,
        after(hours=1),
        "SK1",
        "AC1",
    )


def test_a_token_has_expired_when_its_time_has_come_and_says_when() -> None:
    with pytest.raises(TokenExpiredError) as refused:
        AccessToken.verify(minted(ttl_s=60).jwt, SECRET, at=after(seconds=60))
    assert refused.value.expires_at == after(seconds=60)


@pytest.mark.parametrize("claims", [{"nbf": ISSUED + 60}, {"iat": ISSUED + 60}, {"jti": f"SK1-{ISSUED + 60}"}])
def test_a_token_is_not_valid_before_it_says_or_was_issued(claims: dict[str, Any]) -> None:
    with pytest.raises(TokenNotYetValidError) as refused:
        AccessToken.verify(signed({**TWILIOS, **claims}), SECRET, at=BEGIN)
    assert refused.value.valid_from == after(seconds=60)


@pytest.mark.parametrize(("seconds", "leeway_s"), [(-5, 5), (64.9, 5)])
def test_clocks_may_differ_by_as_much_as_is_allowed(seconds: float, leeway_s: float) -> None:
    text = minted(ttl_s=60).jwt
    assert AccessToken.verify(text, SECRET, at=after(seconds=seconds), leeway_s=leeway_s).identity == "alice"
    with pytest.raises(TokenError):
        AccessToken.verify(text, SECRET, at=after(seconds=seconds), leeway_s=leeway_s - 1)


def test_another_room_is_refused() -> None:
    with pytest.raises(TokenRoomError):
        AccessToken.verify(minted().jwt, SECRET, room="board", at=BEGIN)


@pytest.mark.parametrize("secret", ["another secret of 32 bytes and more", SECRET + "!"])
def test_another_secret_is_refused(secret: str) -> None:
    with pytest.raises(TokenSignatureError):
        AccessToken.verify(minted().jwt, secret, at=BEGIN)


def test_claims_that_were_changed_after_signing_are_refused() -> None:
    head, _, signature = minted().jwt.split(".")
    _, changed, _ = minted(identity="mallory").jwt.split(".")
    with pytest.raises(TokenSignatureError):
        AccessToken.verify(f"{head}.{changed}.{signature}", SECRET, at=BEGIN)


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "RS256", "ES256", "HS1", "", "hs256"])
def test_a_token_chooses_no_algorithm_and_least_of_all_none(algorithm: str) -> None:
    with pytest.raises(TokenAlgorithmError):
        AccessToken.verify(unsigned({"alg": algorithm, "typ": "JWT"}, TWILIOS), SECRET, at=BEGIN)


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_a_sister_of_the_algorithm_is_refused_though_the_secret_is_right(algorithm: str) -> None:
    secret = SECRET * 2
    with pytest.raises(TokenAlgorithmError):
        AccessToken.verify(signed(TWILIOS, algorithm, secret), secret, at=BEGIN)


@pytest.mark.parametrize("how", [AccessToken.read, lambda text: AccessToken.verify(text, SECRET, at=BEGIN)])
def test_a_text_beyond_every_token_is_not_looked_into(how: Any) -> None:
    longest = signed({**TWILIOS, "more": "x" * 5_000})
    assert len(longest) < JWT_CHARS_MAX
    assert how(longest).identity == "alice"
    with pytest.raises(TokenTooLargeError, match=f"at most {JWT_CHARS_MAX} are taken"):
        how("x" * (JWT_CHARS_MAX + 1))


NO_TOKENS = ["", "x", "a.b.c", "..", "é.é.é", "\ud800", minted().jwt.replace(".", ""), None, 7, {"jwt": "x"}]


@pytest.mark.parametrize("text", NO_TOKENS)
@pytest.mark.parametrize("how", [AccessToken.read, lambda text: AccessToken.verify(text, SECRET, at=BEGIN)])
def test_what_is_no_token_is_said_to_be_none(how: Any, text: Any) -> None:
    with pytest.raises(TokenMalformedError):
        how(text)


@pytest.mark.parametrize("claims", [[], "text", None])
def test_claims_that_are_no_object_are_no_token(claims: Any) -> None:
    text = jwt.api_jws.encode(json.dumps(claims).encode(), SECRET, algorithm="HS256")
    with pytest.raises(TokenMalformedError):
        AccessToken.verify(text, SECRET, at=BEGIN)


@pytest.mark.parametrize(
    ("changed", "claim"),
    [
        ({"exp": None}, "exp"),
        ({"exp": "soon"}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": float("nan")}, "exp"),
        ({"exp": float("inf")}, "exp"),
        ({"exp": 10**30}, "exp"),
        ({"nbf": "now"}, "nbf"),
        ({"iat": None}, "iat"),
        ({"iss": 7}, "iss"),
        ({"sub": ["AC1"]}, "sub"),
        ({"jti": {}}, "jti"),
        ({"grants": None}, "grants"),
        ({"grants": []}, "grants"),
        ({"grants": {"video": {}}}, "grants.identity"),
        ({"grants": {"identity": "", "video": {}}}, "grants.identity"),
        ({"grants": {"identity": 7, "video": {}}}, "grants.identity"),
        ({"grants": {"identity": "alice"}}, "grants.video"),
        ({"grants": {"identity": "alice", "video": "daily"}}, "grants.video"),
        ({"grants": {"identity": "alice", "video": {"room": ""}}}, "grants.video.room"),
        ({"grants": {"identity": "alice", "video": {"room": ["daily"]}}}, "grants.video.room"),
    ],
)
def test_a_claim_of_a_wrong_shape_is_named(changed: dict[str, Any], claim: str) -> None:
    claims = {**TWILIOS, **changed}
    text = jwt.api_jws.encode(json.dumps(claims).encode(), SECRET, algorithm="HS256")
    with pytest.raises(TokenClaimsError) as refused:
        AccessToken.verify(text, SECRET, room="daily", at=BEGIN)
    assert refused.value.claim == claim


@pytest.mark.parametrize("told", [{"iat": ISSUED}, {"nbf": ISSUED}, {"jti": f"SK1-{ISSUED}"}])
def test_no_token_lives_longer_than_a_day(told: dict[str, Any]) -> None:
    bare = {name: value for name, value in TWILIOS.items() if name != "jti"}
    day = {**bare, **told, "exp": ISSUED + 86_400}
    assert AccessToken.verify(signed(day), SECRET, at=BEGIN).ttl_s == 86_400
    with pytest.raises(TokenLifeError):
        AccessToken.verify(signed({**day, "exp": ISSUED + 86_401}), SECRET, at=BEGIN)


PEM = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----"


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"at": datetime(2026, 1, 1)}, "has no time zone"),  # noqa: DTZ001 - that is the point
        ({"leeway_s": -1}, "a leeway of -1 s cannot be"),
        ({"leeway_s": float("nan")}, "a leeway of nan s cannot be"),
        ({"leeway_s": float("inf")}, "a leeway of inf s cannot be"),
        ({"secret": "short"}, "fewer than 32 bytes"),
        ({"secret": None}, "another algorithm's key, or no text"),
        ({"secret": "\ud800" * 32}, "another algorithm's key, or no text"),
        ({"secret": PEM}, "another algorithm's key, or no text"),
    ],
)
def test_what_verifying_cannot_be_done_with_is_not_the_tokens_fault(how: dict[str, Any], says: str) -> None:
    with pytest.raises(TokenError, match=says) as refused:
        AccessToken.verify(minted().jwt, **{"secret": SECRET, "at": BEGIN, **how})
    assert type(refused.value) is TokenError


@pytest.mark.parametrize("secret", [PEM, "\ud800" * 32])
def test_nothing_is_minted_with_what_is_no_secret(secret: str) -> None:
    with pytest.raises(TokenError, match="another algorithm's key, or no text"):
        AccessToken.mint("AC1", "SK1", secret, identity="alice", at=BEGIN)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["identity", "video", "room"]), inner),
    max_leaves=6,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("exp", "iat", "nbf", "jti", "iss", "sub", "grants"), JSON)))
def test_whatever_is_claimed_is_admitted_or_refused_by_an_error_of_ours(claims: dict[str, Any]) -> None:
    text = jwt.api_jws.encode(json.dumps(claims).encode(), SECRET, algorithm="HS256")
    try:
        token = AccessToken.verify(text, SECRET, room="daily", at=BEGIN)
    except TokenError:
        return
    assert token.identity
    assert token.expires_at > BEGIN


@given(st.text(max_size=200) | st.binary(max_size=200) | st.integers())
def test_whatever_is_given_for_a_token_is_refused_by_an_error_of_ours(text: Any) -> None:
    with pytest.raises(TokenError):
        AccessToken.verify(text, SECRET, at=BEGIN)
