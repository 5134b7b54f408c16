"""A packet as bytes: no byte changes unnoticed, and whose it is shows."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from collector.errors import NotAPacket
from collector.packets import BYTES_MAX, FORMAT, HEAD, Checked, Finding, canonical, check, data_of, fingerprint, sign

KEY: Final = Ed25519PrivateKey.from_private_bytes(b"a" * 32)
OTHER: Final = Ed25519PrivateKey.from_private_bytes(b"b" * 32)
OURS: Final = fingerprint(KEY.public_key())
MADE: Final = datetime(2026, 11, 24, 12, tzinfo=UTC)
EXPIRES: Final = MADE + timedelta(days=30)
DATA: Final = {
    "format": FORMAT,
    "room_sid": "RM<1> & co",
    "made_at": MADE.isoformat(),
    "expires_at": EXPIRES.isoformat(),
}


def page(data: dict[str, Any]) -> bytes:
    text = f'<html><p>They were dropped.</p><pre id="packet-data">{canonical(data)}</pre></html>\n'
    return HEAD + text.encode()


PACKET: Final = sign(page(DATA), KEY)


def found(packet: bytes, now: datetime = MADE, trusted: tuple[str, ...] = (OURS,)) -> Finding | type[NotAPacket]:
    try:
        return check(packet, now, trusted).finding
    except NotAPacket:
        return NotAPacket


def test_a_packet_is_valid_until_it_expires() -> None:
    assert check(PACKET, MADE, {OURS}) == Checked(Finding.VALID, OURS, "RM<1> & co", MADE, EXPIRES)
    assert found(PACKET, EXPIRES - timedelta(seconds=1)) == Finding.VALID
    assert found(PACKET, EXPIRES) == Finding.EXPIRED


def test_whose_it_is_shows_only_to_whoever_names_a_key() -> None:
    by_another = sign(page(DATA), OTHER)
    assert found(by_another) == Finding.ANOTHER_KEY
    assert found(by_another, EXPIRES) == Finding.ANOTHER_KEY
    assert found(by_another, trusted=()) == Finding.UNKNOWN_KEY
    assert found(PACKET, trusted=()) == Finding.UNKNOWN_KEY


@pytest.mark.parametrize("change", [1, 0x20, 0x80])
def test_no_byte_changes_unnoticed(change: int) -> None:
    flipped = {
        found(PACKET[:place] + bytes([PACKET[place] ^ change]) + PACKET[place + 1 :]) for place in range(len(PACKET))
    }
    assert flipped == {Finding.CHANGED}


def test_no_byte_goes_and_none_comes_unnoticed() -> None:
    places = range(len(PACKET))
    gone = {found(PACKET[:place] + PACKET[place + 1 :]) for place in places}
    come = {found(PACKET[:place] + b"x" + PACKET[place:]) for place in (*places, len(PACKET))}
    cut = {found(PACKET[:place]) for place in range(len(HEAD), len(PACKET))}
    assert gone | come | cut == {Finding.CHANGED}


@pytest.mark.parametrize(
    "changed",
    [
        PACKET.replace(b"\n", b"\r\n"),
        PACKET + b"\n",
        b"\xef\xbb\xbf" + PACKET,
        PACKET + PACKET,
        PACKET.replace(b"dropped", b"removed"),
        page({**DATA, "room_sid": "RM2"}) + PACKET[PACKET.rindex(b"<!--") :],
        page(DATA) + sign(page({**DATA, "room_sid": "RM2"}), KEY)[len(page({**DATA, "room_sid": "RM2"})) :],
        sign(page(DATA), KEY).replace(
            KEY.public_key().public_bytes_raw().hex().encode(), OTHER.public_key().public_bytes_raw().hex().encode()
        ),
        page(DATA),
    ],
    ids=["line ends", "one more line", "a mark of order", "twice", "a word", "data", "signature", "key", "unsigned"],
)
def test_a_change_is_told_however_it_was_made(changed: bytes) -> None:
    assert found(changed) == Finding.CHANGED


def test_another_date_is_believed_of_nobody_but_who_signed_it() -> None:
    later = page({**DATA, "expires_at": (EXPIRES + timedelta(days=365)).isoformat()})
    assert found(later + PACKET[len(page(DATA)) :], EXPIRES) == Finding.CHANGED
    assert found(sign(later, OTHER), EXPIRES) == Finding.ANOTHER_KEY


@pytest.mark.parametrize(
    "told",
    [
        b"",
        b"<html>a page</html>",
        HEAD + b" " * BYTES_MAX,
        sign(HEAD, KEY),
        sign(page({}), KEY),
        sign(page({**DATA, "made_at": "2026-11-24T12:00:00"}), KEY),
        sign(page({**DATA, "format": "roomwatch-packet/2"}), KEY),
        sign(HEAD + b'<pre id="packet-data">[1]</pre>', KEY),
    ],
)
def test_what_is_no_packet_is_told_from_one_that_was_changed(told: bytes) -> None:
    assert found(told) == NotAPacket


def test_the_same_data_has_the_same_bytes_and_stands_in_a_page_as_it_is() -> None:
    assert canonical({"b": "</pre>&", "a": "ü"}) == '{"a":"\\u00fc","b":"\\u003c/pre\\u003e\\u0026"}'
    assert json.loads(canonical(DATA)) == data_of(PACKET) == DATA
    assert sign(page(DATA), KEY) == PACKET
