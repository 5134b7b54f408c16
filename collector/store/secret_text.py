"""Secrets as text, and what is kept of them. Pure; randomness comes in as `chance`, which gives so many random bytes.

Rules:
1. A secret is 32 random bytes, so it cannot be guessed; it is shown once and kept as a hash alone.
2. A token, which lies in files of others for long, is kept as scrypt of it: RFC 7914. What lives for hours, a login, is
   kept as SHA-256, which is enough for what is drawn at random and cheap enough to be asked with every page.
3. Secrets are compared in constant time.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import scrypt, sha256
from hmac import compare_digest
from typing import Final, NamedTuple

SECRET_BYTES: Final = 32
ID_BYTES: Final = 6
SALT_BYTES: Final = 16
TOKEN: Final = re.compile(r"rw_([0-9a-f]{12})_([A-Za-z0-9_-]{43,86})")
"""The prefix lets those who scan for leaked secrets find it."""
COST: Final = 2**14
"""With blocks of 8 and one lane: 16 MB and some 70 ms a hash."""
BLOCKS: Final = 8

Chance = Callable[[int], bytes]


class TokenText(NamedTuple):
    """A token in its two parts; neither `str` nor `repr` shows its secret."""

    token_id: str
    secret: str

    def __repr__(self) -> str:
        return f"TokenText({self.token_id!r}, '…')"

    @property
    def whole(self) -> str:
        """As it is sent."""
        return f"rw_{self.token_id}_{self.secret}"


def new_secret(chance: Chance) -> str:
    """A secret, as text that may stand in an address."""
    return urlsafe_b64encode(chance(SECRET_BYTES)).decode().rstrip("=")


def new_token(chance: Chance) -> TokenText:
    """A token of its own."""
    return TokenText(chance(ID_BYTES).hex(), new_secret(chance))


def token_of(text: str) -> TokenText | None:
    """The token that a text is; None where it can be none."""
    found = TOKEN.fullmatch(text)
    return None if found is None else TokenText(found[1], found[2])


def digest(secret: str) -> bytes:
    """What is kept of a login, and what a secret is remembered by."""
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()


def slow_hash(secret: str, salt: bytes) -> str:
    """What is kept of a token, with the parameters it was made with."""
    made = scrypt(secret.encode(), salt=salt, n=COST, r=BLOCKS, p=1)
    return f"scrypt${COST}${BLOCKS}${b64encode(salt).decode()}${b64encode(made).decode()}"


def is_secret(secret: str, kept: str) -> bool:
    """Whether a token's secret is the one that this was kept of. Takes some 70 ms and 16 MB."""
    _, cost, blocks, salt, made = kept.split("$")
    found = scrypt(secret.encode(), salt=b64decode(salt), n=int(cost), r=int(blocks), p=1)
    return compare_digest(found, b64decode(made))
