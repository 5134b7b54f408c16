"""What telemetry tells of who somebody is: the identity itself, a keyed hash of it, or nothing.

An outbox is given one of these, or any other callable of this kind. A keyed hash still tells that two sessions are the
same person's, to those who share the key; without the key nobody can try out names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

Telling = Callable[[str], str | None]
"""Takes an identity and gives what is told in its place; None: nothing."""

KEY_BYTES_MIN: Final = 16
"""A key that can be guessed hides nothing; 16 bytes are beyond guessing."""

DIGITS: Final = 32
"""Of the hash, in hexadecimal: 128 bits, which no two people of a service share by chance."""


def as_it_is(identity: str) -> str:
    """The identity itself."""
    return identity


def left_out(_: str) -> None:
    """Nothing."""


def hashed(key: bytes) -> Telling:
    """A keyed hash (HMAC-SHA256, shortened). Raises ValueError for a key that is too short."""
    if len(key) < KEY_BYTES_MIN:
        raise ValueError(f"identity: a key needs at least {KEY_BYTES_MIN} bytes, not {len(key)}")

    import hmac  # noqa: PLC0415 - brings OpenSSL's hashes, for those who hash

    def tell(identity: str) -> str:
        return hmac.digest(key, identity.encode(), "sha256").hex()[:DIGITS]

    return tell
