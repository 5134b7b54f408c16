"""Access tokens: mint them, scope them, and see their end coming.

A token is a JWT with the claims that Twilio's have, so that a token issued there is read here too. Minting and reading
need PyJWT, which comes with the extra `roomwatch[tokens]`; nothing else of the session core does.

Not here: verifying (`read` trusts what it reads; it is for the side that uses a token, not for the one that admits it).

Rules:
1. A token should outlive the call: its life is the longest that is allowed unless a shorter one is asked for.
2. What makes a long-lived token safe is its scope: an identity always, and a room.
3. The moment comes in as an argument. Secrets and tokens are in no repr and in no error.
"""

from __future__ import annotations

import re
from datetime import datetime
from types import ModuleType
from typing import Any, Final

from msgspec import Struct

from session_core.errors import TokenError
from session_core.events import Moment, Token, us_from_utc, utc_from_us

TTL_MAX_S: Final = 86_400
"""The longest a session can be, and so the longest a token needs to live: 24 hours."""

SECRET_BYTES_MIN: Final = 32
"""HS256 is as strong as its secret; RFC 7518 asks for as many bytes as the hash has."""

CONTENT_TYPE: Final = "twilio-fpa;v=1"
_JTI_TIME: Final = re.compile(r"-(?P<issued>[0-9]{9,11})$")


class AccessToken(Struct, frozen=True, kw_only=True):
    """What an access token says, and the token itself as `jwt`, which no repr shows.

    `room` None admits to every room. `issued_at` is None where the token does not tell.
    """

    jwt: str
    identity: str | None
    room: str | None
    issued_at: datetime | None
    expires_at: datetime

    def __repr__(self) -> str:
        return f"AccessToken(identity={self.identity!r}, room={self.room!r}, expires_at={self.expires_at.isoformat()})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """What pretty printers and their tracebacks show, which do not ask `__repr__`."""
        return [("identity", self.identity), ("room", self.room), ("expires_at", self.expires_at)]

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
        """
        _check_wish(identity, room, api_key_secret, ttl_s, at)
        issued = us_from_utc(at) // 1_000_000
        claims = {
            "jti": f"{api_key_sid}-{issued}",
            "iss": api_key_sid,
            "sub": account_sid,
            "iat": issued,
            "exp": issued + ttl_s,
            "grants": {"identity": identity, "video": {} if room is None else {"room": room}},
        }
        encoded = _pyjwt().encode(claims, api_key_secret, algorithm="HS256", headers={"cty": CONTENT_TYPE})
        return _from_claims(encoded, claims)

    @classmethod
    def read(cls, jwt: str) -> AccessToken:
        """What a token says, unverified. Raises TokenError for what is no access token."""
        pyjwt = _pyjwt()
        try:
            claims = pyjwt.decode(jwt, options={"verify_signature": False})
        except (pyjwt.InvalidTokenError, ValueError, RecursionError):
            raise TokenError("this is no JWT; give the string that the token server answered with") from None
        return _from_claims(jwt, claims)

    def expires_before(self, at: datetime) -> bool:
        """Whether it has expired by then: what a call that may last until then has to ask."""
        return self.expires_at <= at

    def facts(self, seen: Moment) -> Token:
        """What telemetry says of it. A life that it does not tell is counted from when it was seen, its least."""
        since = us_from_utc(self.issued_at) if self.issued_at is not None else seen.utc_us
        return Token(expires_at=self.expires_at, ttl_s=max((us_from_utc(self.expires_at) - since) // 1_000_000, 0))


def _check_wish(identity: str, room: str | None, secret: str, ttl_s: int, at: datetime) -> None:
    if at.tzinfo is None:
        raise TokenError("`at` has no time zone; give an aware datetime, as datetime.now(UTC) is")
    if not 0 < ttl_s <= TTL_MAX_S:
        raise TokenError(f"a life of {ttl_s} s cannot be; give from 1 to {TTL_MAX_S} s (24 hours)")
    if not identity:
        raise TokenError("it needs an identity: who holds it must be nobody else")
    if room == "":
        raise TokenError("an empty room is no room; leave `room` out to admit to every room")
    if len(secret.encode()) < SECRET_BYTES_MIN:
        raise TokenError(f"the secret has fewer than {SECRET_BYTES_MIN} bytes, which HS256 needs; use an API key's own")


def _from_claims(encoded: str, claims: dict[str, Any]) -> AccessToken:
    grants = claims.get("grants")
    video = grants.get("video") if isinstance(grants, dict) else None
    room = video.get("room") if isinstance(video, dict) else None
    identity = grants.get("identity") if isinstance(grants, dict) else None
    expires_at = _moment(claims.get("exp"))
    if expires_at is None:
        raise TokenError("it does not say when it expires (claim `exp`)")
    return AccessToken(
        jwt=encoded,
        identity=identity if isinstance(identity, str) else None,
        room=room if isinstance(room, str) else None,
        issued_at=_issued_at(claims),
        expires_at=expires_at,
    )


def _issued_at(claims: dict[str, Any]) -> datetime | None:
    """Twilio's libraries differ in which claim says it; those that have none put it into `jti`."""
    in_jti = _JTI_TIME.search(str(claims.get("jti", "")))
    for told in (claims.get("iat"), claims.get("nbf"), int(in_jti["issued"]) if in_jti else None):
        moment = _moment(told)
        if moment is not None:
            return moment
    return None


def _moment(seconds: object) -> datetime | None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return utc_from_us(int(seconds * 1_000_000))
    except (OverflowError, ValueError):
        return None


def _pyjwt() -> ModuleType:
    try:
        import jwt  # noqa: PLC0415 - an extra: most who embed the core bring tokens of their own
    except ImportError:
        raise TokenError("minting and reading need PyJWT; run: pip install 'roomwatch[tokens]'") from None
    return jwt
