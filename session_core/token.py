"""Access tokens: mint them, scope them, verify them, and see their end coming.

A token is a JWT with the claims that Twilio's have, so that a token issued there is read here too. Minting, reading and
verifying need PyJWT, which comes with the extra `roomwatch[tokens]`; nothing else of the session core does. What the
claims mean is said in claims.py.

`verify` is for the side that admits. `read` trusts what it reads; it is for the side that uses a token.

Rules:
1. A token should outlive the call: its life is the longest that is allowed unless a shorter one is asked for.
2. What makes a long-lived token safe is its scope: an identity always, and a room.
3. The moment comes in as an argument. Secrets and tokens are in no repr, no error and no encoding.
4. One algorithm, HS256: what a token says of itself chooses nothing.

Specification: Preventing Reconnection Failure due to Expired AccessToken
"""

from __future__ import annotations

from datetime import datetime, timedelta
from types import ModuleType
from typing import Any, Final, NoReturn, Self

from session_core import claims
from session_core.errors import (
    TokenAlgorithmError,
    TokenError,
    TokenExpiredError,
    TokenLifeError,
    TokenMalformedError,
    TokenNotYetValidError,
    TokenRoomError,
    TokenSignatureError,
    TokenTooLargeError,
)
from session_core.events import Moment, Token
from session_core.instants import us_from_utc

TTL_MAX_S: Final = 86_400
"""The longest a session can be, and so the longest a token needs to live: 24 hours."""

SECRET_BYTES_MIN: Final = 32
"""HS256 is as strong as its secret; RFC 7518 asks for as many bytes as the hash has."""

JWT_CHARS_MAX: Final = 8_192
"""Characters of a token: what an HTTP header can carry, and many times what its claims need."""

ALGORITHM: Final = "HS256"
CONTENT_TYPE: Final = "twilio-fpa;v=1"

_FIELDS: Final = ("identity", "room", "issued_at", "expires_at")
# Moments are checked against the one that is given, and claims by claims.py: PyJWT would ask the machine's clock.
_SIGNATURE_ALONE: Final = {
    f"verify_{claim}": claim == "signature" for claim in ("signature", "exp", "nbf", "iat", "aud", "iss", "sub", "jti")
}


class AccessToken:
    """What an access token says, and the token itself as `jwt`, which no repr shows and no encoder gives away.

    `room` None admits to every room. `issued_at` is None where the token does not tell, `account_sid` and
    `api_key_sid` likewise. A frozen value; it is not pickled, since pickles lie about in queues and caches.

    Specification: Preventing Reconnection Failure due to Expired AccessToken
    """

    __slots__ = ("account_sid", "api_key_sid", "expires_at", "identity", "issued_at", "jwt", "room")

    jwt: str
    identity: str | None
    room: str | None
    issued_at: datetime | None
    expires_at: datetime
    account_sid: str | None
    api_key_sid: str | None

    def __init__(
        self,
        *,
        jwt: str,
        identity: str | None,
        room: str | None,
        issued_at: datetime | None,
        expires_at: datetime,
        account_sid: str | None = None,
        api_key_sid: str | None = None,
    ) -> None:
        told = {"jwt": jwt, "identity": identity, "room": room, "issued_at": issued_at, "expires_at": expires_at}
        for name, value in {**told, "account_sid": account_sid, "api_key_sid": api_key_sid}.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"an access token is a frozen value: {name} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"an access token is a frozen value: {name} cannot be deleted")

    def __eq__(self, other: object) -> bool:
        return self.jwt == other.jwt and self._told() == other._told() if isinstance(other, AccessToken) else False

    def __hash__(self) -> int:
        return hash(self.jwt)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: object) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("an access token is not pickled; send its `jwt` by a safe way, and read it there")

    def __repr__(self) -> str:
        return f"AccessToken(identity={self.identity!r}, room={self.room!r}, expires_at={self.expires_at.isoformat()})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """What pretty printers and their tracebacks show, which do not ask `__repr__`."""
        return [("identity", self.identity), ("room", self.room), ("expires_at", self.expires_at)]

    def _told(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in _FIELDS)

    @property
    def ttl_s(self) -> int | None:
        """The life it was made with, in seconds; None where it does not tell when it was issued."""
        return None if self.issued_at is None else int((self.expires_at - self.issued_at).total_seconds())

    @classmethod
    def mint(
        cls,
        account_sid: str,
        api_key_sid: str,
        api_key_secret: str,
        *,
        identity: str,
        at: datetime,
        room: str | None = None,
        ttl_s: int = TTL_MAX_S,
    ) -> AccessToken:
        """A token for one identity, and for one room where `room` is given. Raises TokenError, and says what to do.

        `at` is now, as an aware datetime; `ttl_s` is the token's life in seconds, TTL_MAX_S unless given, and at most.

        Specification: Preventing Reconnection Failure due to Expired AccessToken
        """
        _check_wish(identity, room, ttl_s, at)
        _check_secret(api_key_secret)
        issued = us_from_utc(at) // 1_000_000
        content = {
            "jti": f"{api_key_sid}-{issued}",
            "iss": api_key_sid,
            "sub": account_sid,
            "iat": issued,
            "exp": issued + ttl_s,
            "grants": {"identity": identity, "video": {} if room is None else {"room": room}},
        }
        pyjwt, refused = _pyjwt(), False
        try:
            encoded = pyjwt.encode(content, api_key_secret, algorithm=ALGORITHM, headers={"cty": CONTENT_TYPE})
        except pyjwt.InvalidKeyError:
            refused = True
        if refused:
            raise TokenError(_NOT_OURS)
        return _from(encoded, claims.read(content))

    @classmethod
    def read(cls, jwt: str) -> AccessToken:
        """What a token says, unverified. Raises TokenError for what is no access token."""
        return _from(jwt, claims.read(_decoded(jwt, None)))

    @classmethod
    def verify(
        cls, jwt: str, secret: str, *, at: datetime, room: str | None = None, leeway_s: float = 0
    ) -> AccessToken:
        """A token that may be trusted: signed with this secret, valid at this moment, and for this room.

        `at` is now, as an aware datetime. `room` is the room to be admitted to, None: any that the token is for.
        `leeway_s`, in seconds, is how far the clocks of who issued it and who verifies it may differ.

        Raises TokenTooLargeError, TokenMalformedError, TokenAlgorithmError, TokenSignatureError, TokenClaimsError,
        TokenLifeError, TokenNotYetValidError, TokenExpiredError or TokenRoomError, looked at in this order; and
        TokenError for a secret, a moment or a leeway that cannot be.

        Specification: Preventing Reconnection Failure due to Expired AccessToken
        """
        if at.tzinfo is None:
            raise TokenError(_NO_ZONE)
        if not 0 <= leeway_s <= TTL_MAX_S:
            raise TokenError(f"a leeway of {leeway_s} s cannot be; give from 0 to {TTL_MAX_S} s")
        _check_secret(secret)
        said = claims.read(_decoded(jwt, secret), strictly=True)
        _check_time(said, at, timedelta(seconds=leeway_s))
        if room is not None and said.room not in {None, room}:
            raise TokenRoomError
        return _from(jwt, said)

    def expires_before(self, at: datetime) -> bool:
        """Whether it has expired by then: what a call that may last until then has to ask."""
        return self.expires_at <= at

    def facts(self, seen: Moment) -> Token:
        """What telemetry says of it. A life that it does not tell is counted from when it was seen, its least."""
        since = us_from_utc(self.issued_at) if self.issued_at is not None else seen.utc_us
        return Token(expires_at=self.expires_at, ttl_s=max((us_from_utc(self.expires_at) - since) // 1_000_000, 0))


_NO_ZONE: Final = "`at` has no time zone; give an aware datetime, as datetime.now(UTC) is"
_NOT_OURS: Final = "the secret is none for HS256, but another algorithm's key, or no text; use an API key's own"


def _check_wish(identity: str, room: str | None, ttl_s: int, at: datetime) -> None:
    if at.tzinfo is None:
        raise TokenError(_NO_ZONE)
    if not 0 < ttl_s <= TTL_MAX_S:
        raise TokenError(f"a life of {ttl_s} s cannot be; give from 1 to {TTL_MAX_S} s (24 hours)")
    if not identity:
        raise TokenError("it needs an identity: who holds it must be nobody else")
    if room == "":
        raise TokenError("an empty room is no room; leave `room` out to admit to every room")


def _check_secret(secret: str) -> None:
    try:
        size = len(secret.encode())
    except (AttributeError, UnicodeEncodeError):
        size = -1
    if size < 0:
        raise TokenError(_NOT_OURS)
    if size < SECRET_BYTES_MIN:
        raise TokenError(f"the secret has fewer than {SECRET_BYTES_MIN} bytes, which HS256 needs; use an API key's own")


def _check_time(said: claims.Claims, at: datetime, leeway: timedelta) -> None:
    if said.issued_at is not None and said.expires_at - said.issued_at > timedelta(seconds=TTL_MAX_S):
        raise TokenLifeError(f"it lives longer than {TTL_MAX_S} s (24 hours); mint it for that long at most")
    if said.valid_from is not None and said.valid_from - at > leeway:
        raise TokenNotYetValidError(said.valid_from)
    if at - said.expires_at >= leeway:
        raise TokenExpiredError(said.expires_at)


def _decoded(jwt: str, secret: str | None) -> dict[str, Any]:
    """The claims of a token, of one that is signed with `secret` where there is one.

    What went wrong is raised outside of the handling: a library's error holds what it could not read.
    """
    if len(str(jwt)) > JWT_CHARS_MAX:
        raise TokenTooLargeError(f"it has more characters than a token has; at most {JWT_CHARS_MAX} are taken")
    pyjwt = _pyjwt()
    options = {"verify_signature": False} if secret is None else _SIGNATURE_ALONE
    try:
        decoded: dict[str, Any] = pyjwt.decode(jwt, secret or "", algorithms=[ALGORITHM], options=options)
    except pyjwt.InvalidAlgorithmError:
        error: TokenError = TokenAlgorithmError(f"it is not signed by {ALGORITHM}; no other algorithm is taken")
    except pyjwt.InvalidSignatureError:
        error = TokenSignatureError("it is not signed with this secret; compare the API key's SID and secret")
    except pyjwt.InvalidKeyError:
        error = TokenError(_NOT_OURS)
    except (pyjwt.PyJWTError, ValueError, RecursionError, TypeError, AttributeError):
        error = TokenMalformedError("this is no JWT; give the string that the token server answered with")
    else:
        return decoded
    raise error


def _from(jwt: str, said: claims.Claims) -> AccessToken:
    return AccessToken(
        jwt=jwt,
        identity=said.identity,
        room=said.room,
        issued_at=said.issued_at,
        expires_at=said.expires_at,
        account_sid=said.account_sid,
        api_key_sid=said.api_key_sid,
    )


def _pyjwt() -> ModuleType:
    try:
        import jwt  # noqa: PLC0415 - an extra: most who embed the core bring tokens of their own
    except ImportError:
        raise TokenError("minting and reading need PyJWT; run: pip install 'roomwatch[tokens]'") from None
    return jwt
