"""A signed support packet as bytes: how one is signed, and what a check finds. Knows nothing of what a packet says.

A packet is one HTML file. Its last line is the signature, by Ed25519, over every byte before the signature itself: the
page that people read, the data that programs read, and the public key. So no byte can change unnoticed, and a packet
is checked with nothing but the file and a key to trust.

Rules:
1. The data is canonical JSON in ASCII, with what HTML would heed written as JSON escapes: the same answer has the same
   bytes, and stands in the page as it is.
2. A signature by the key that a file carries proves that it is whole, not whose it is: for that, somebody names a key.
3. What stands after the signature, but for the end of its line, is a change.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from collector.errors import NotAPacket

FORMAT: Final = "roomwatch-packet/1"
HEAD: Final = b"<!doctype html>\n<!--roomwatch-packet/1-->\n"
BYTES_MAX: Final = 8 * 2**20
"""A packet is never larger; what is larger is not looked at."""

_DATA_BEGINS: Final = b'<pre id="packet-data">'
_DATA_ENDS: Final = b"</pre>"
_MARKS: Final = (b"<!--roomwatch-packet/1-->", b"<!--roomwatch-signature/1 ed25519 ")
_UNSAID: Final = "it does not say of which room it is, and when it was made and expires"
_SIGNATURE: Final = re.compile(rb"<!--roomwatch-signature/1 ed25519 ([0-9a-f]{64}) ([0-9a-f]{128})-->\n\Z")


class Finding(StrEnum):
    """What a check finds."""

    VALID = "valid"
    CHANGED = "changed"
    EXPIRED = "expired"
    ANOTHER_KEY = "another-key"
    UNKNOWN_KEY = "unknown-key"


class Checked(NamedTuple):
    """What was found, and what an unchanged packet says of itself; `fingerprint` is of the key that signed it."""

    finding: Finding
    fingerprint: str | None = None
    room_sid: str | None = None
    made_at: datetime | None = None
    expires_at: datetime | None = None


def fingerprint(key: Ed25519PublicKey) -> str:
    """The name of a public key: SHA-256 of its DER form (SubjectPublicKeyInfo)."""
    return f"SHA256:{sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()}"


def canonical(data: Mapping[str, Any]) -> str:
    """The data as canonical JSON, fit to stand in HTML as it is."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def sign(page: bytes, key: Ed25519PrivateKey) -> bytes:
    """The packet of a page, which begins with HEAD and has its data in it as canonical() wrote it."""
    public = key.public_key().public_bytes_raw().hex().encode()
    signed = page + b"<!--roomwatch-signature/1 ed25519 " + public + b" "
    return signed + key.sign(signed).hex().encode() + b"-->\n"


def check(packet: bytes, now: datetime, trusted: Collection[str] = ()) -> Checked:
    """Checks a packet, with the fingerprints of the keys that are trusted. Raises NotAPacket.

    What was changed, or signed by another key, is told before what has expired: its own date is not believed.
    """
    found = _SIGNATURE.search(packet)
    if len(packet) > BYTES_MAX or not any(mark in packet for mark in _MARKS):
        raise NotAPacket("it has neither the first line nor the last of one")
    if found is None or not packet.startswith(HEAD):
        return Checked(Finding.CHANGED)
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(found[1].decode()))
    try:
        key.verify(bytes.fromhex(found[2].decode()), packet[: found.start(2)])
    except InvalidSignature:
        return Checked(Finding.CHANGED)
    name = fingerprint(key)
    room_sid, made_at, expires_at = _said(packet[: found.start()])
    finding = Finding.VALID if trusted else Finding.UNKNOWN_KEY
    if trusted and name not in trusted:
        finding = Finding.ANOTHER_KEY
    elif now >= expires_at:
        finding = Finding.EXPIRED
    return Checked(finding, name, room_sid, made_at, expires_at)


def data_of(packet: bytes) -> dict[str, Any]:
    """The data of a packet, which should have been checked. Raises NotAPacket."""
    begin = packet.find(_DATA_BEGINS) + len(_DATA_BEGINS)
    end = packet.find(_DATA_ENDS, begin)
    try:
        data = json.loads(packet[begin:end])
    except ValueError:
        raise NotAPacket("it holds no data that can be read") from None
    if not isinstance(data, dict):
        raise NotAPacket("it holds no data that can be read")
    return data


def _said(signed: bytes) -> tuple[str, datetime, datetime]:
    data = data_of(signed)
    try:
        made_at, expires_at = (datetime.fromisoformat(data[name]) for name in ("made_at", "expires_at"))
        room_sid = str(data["room_sid"])
    except (KeyError, TypeError, ValueError):
        raise NotAPacket(_UNSAID) from None
    if data.get("format") != FORMAT or made_at.tzinfo is None or expires_at.tzinfo is None:
        raise NotAPacket(_UNSAID)
    return room_sid, made_at, expires_at
