"""What the claims of an access token say: Twilio's, as its libraries of all languages write them.

    jti   <api key sid>-<seconds since 1970 when it was issued>     nbf   valid from, where it is not from then on
    iss   the API key's SID                                         exp   when it expires
    sub   the account's SID                                         iat   when it was issued, where it says so
    grants.identity, grants.video.room                              whom it admits, and where to

Not here: signatures, and whether the moments fit (token.py). No error holds what a claim says.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final, NamedTuple

from session_core.errors import TokenClaimsError
from session_core.instants import utc_from_us

_JTI_TIME: Final = re.compile(r"-(?P<issued>[0-9]{9,11})$")


class Claims(NamedTuple):
    """What a token says. None where it does not."""

    identity: str | None
    room: str | None
    issued_at: datetime | None
    valid_from: datetime | None
    expires_at: datetime
    account_sid: str | None
    api_key_sid: str | None


def read(claims: dict[str, Any], *, strictly: bool = False) -> Claims:
    """What the claims say. Raises TokenClaimsError where they do not tell when the token expires.

    `strictly`: also where one that decides who is admitted is missing, and where any is of a wrong shape; otherwise
    such a one counts as not told.
    """
    if strictly:
        _check(claims)
    expires_at = _moment(claims.get("exp"))
    if expires_at is None:
        raise TokenClaimsError("exp", "does not say when it expires, in seconds since 1970")
    grants = _object(claims.get("grants"))
    return Claims(
        identity=_text(grants.get("identity")),
        room=_text(_object(grants.get("video")).get("room")),
        issued_at=_issued_at(claims),
        valid_from=_moment(claims.get("nbf")) or _issued_at(claims),
        expires_at=expires_at,
        account_sid=_text(claims.get("sub")),
        api_key_sid=_text(claims.get("iss")),
    )


def _check(claims: dict[str, Any]) -> None:
    for claim in ("nbf", "iat"):
        if claim in claims and _moment(claims[claim]) is None:
            raise TokenClaimsError(claim, "is no number of seconds since 1970")
    for claim in ("iss", "sub", "jti"):
        if claim in claims and not isinstance(claims[claim], str):
            raise TokenClaimsError(claim, "is no text")
    grants = claims.get("grants")
    if not isinstance(grants, dict):
        raise TokenClaimsError("grants", "is no object that says what it admits to")
    if not isinstance(grants.get("identity"), str) or not grants["identity"]:
        raise TokenClaimsError("grants.identity", "does not say who holds it")
    video = grants.get("video")
    if not isinstance(video, dict):
        raise TokenClaimsError("grants.video", "is no object: it admits to no video room")
    # An empty one could be taken for "no room" or for "every room".
    if video.get("room") is not None and (not isinstance(video["room"], str) or not video["room"]):
        raise TokenClaimsError("grants.video.room", "is no room's name; leave it out to admit to every room")


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


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
