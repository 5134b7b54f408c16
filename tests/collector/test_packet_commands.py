"""`roomwatch packet-key` and `roomwatch verify-packet` as people meet them."""

import re
import stat
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from collector.errors import PacketKeyMissing, PacketKeyUnusable
from collector.packet_keys import make_key, packet_key, private_key, public_beside, public_key
from collector.packets import FORMAT, HEAD, canonical, fingerprint, sign
from collector.store.url import beside_store
from tests.stage import roomwatch

NOW: Final = datetime.fromtimestamp(time.time(), UTC)  # noqa: TID251 - the command's own clock is the machine's


def packet(key: Ed25519PrivateKey, days: int = 1) -> bytes:
    data = {
        "format": FORMAT,
        "room_sid": "RM1\x1b[2J",
        "made_at": (NOW - timedelta(days=2)).isoformat(),
        "expires_at": (NOW + timedelta(days=days)).isoformat(),
    }
    return sign(HEAD + f'<pre id="packet-data">{canonical(data)}</pre>\n'.encode(), key)


def test_a_packet_is_checked_without_store_or_settings(tmp_path: Path) -> None:
    path, key, other = tmp_path / "packet.html", tmp_path / "key.pem", tmp_path / "other.pem"
    make_key(key)
    make_key(other)
    name, pem = fingerprint(public_key(key)), str(public_beside(key))
    changed = packet(private_key(key)).replace(b"RM1", b"RM2")
    told: tuple[tuple[bytes, list[str], int, str], ...] = (
        (packet(private_key(key)), ["--key", pem], 0, "VALID: "),
        (packet(private_key(key)), ["--fingerprint", name.removeprefix("SHA256:").upper()], 0, "VALID: "),
        (packet(private_key(key)), ["--key", pem, "--fingerprint", name], 0, "VALID: "),
        (packet(private_key(key)), [], 5, "UNKNOWN KEY: "),
        (changed, ["--key", pem], 1, "CHANGED: "),
        (packet(private_key(key), days=-1), ["--key", pem], 3, "EXPIRED: "),
        (packet(private_key(other)), ["--key", pem], 4, "ANOTHER KEY: "),
        (b"a letter", ["--key", pem], 2, ""),
        (changed, ["--key", str(tmp_path / "none.pem")], 2, ""),
        (changed, ["--key", pem, "--fingerprint", "0" * 64], 2, ""),
    )
    for content, arguments, code, begin in told:
        path.write_bytes(content)
        ended = roomwatch("verify-packet", str(path), *arguments, database_url="nonsense", http_port="nonsense")
        assert ended.returncode == code, ended.stderr
        assert ended.stdout.startswith(begin)
        assert "\x1b" not in ended.stdout
        assert ended.stdout.count("\n") == (code != 2)
        assert ended.stderr.count("roomwatch: ") == (code == 2)


def test_a_file_that_is_not_there_is_named() -> None:
    ended = roomwatch("verify-packet", "nowhere.html")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "FILE = 'nowhere.html': No such file or directory" in ended.stderr


def test_a_key_is_made_once_and_its_fingerprint_told_each_time(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    first, second = (roomwatch("packet-key", str(path)) for _ in range(2))
    assert (first.returncode, second.returncode) == (0, 0)
    name = fingerprint(public_key(public_beside(path)))
    assert first.stdout.splitlines()[-1] == second.stdout.splitlines()[-1] == name
    assert re.findall(r"made; keep it|was there already", first.stdout + second.stdout) == [
        "made; keep it",
        "was there already",
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_key_lies_where_the_setting_says_or_beside_a_sqlite_store(tmp_path: Path) -> None:
    named = roomwatch("packet-key", packet_key_file=str(tmp_path / "named.pem"))
    beside = roomwatch("packet-key", database_url=f"sqlite:///{tmp_path}/store.db")
    nowhere = roomwatch("packet-key", database_url="postgresql://roomwatch@127.0.0.1/none")
    assert (named.returncode, beside.returncode, nowhere.returncode) == (0, 0, 2)
    assert {path.name for path in tmp_path.iterdir()} == {
        "named.pem",
        "named.public.pem",
        "store-packet-key.pem",
        "store-packet-key.public.pem",
    }
    assert "no key to sign packets with is set" in nowhere.stderr


def test_the_key_to_sign_with_is_the_named_one_else_one_is_made_beside_the_store(tmp_path: Path) -> None:
    beside = beside_store(f"sqlite:///{tmp_path}/store.db")
    assert beside == tmp_path / "store-packet-key.pem"
    made = packet_key(None, beside=beside)
    assert packet_key(None, beside=beside).private_bytes_raw() == made.private_bytes_raw()
    assert packet_key(beside, beside=None).private_bytes_raw() == made.private_bytes_raw()
    assert [beside_store(url) for url in ("sqlite://", "sqlite:///:memory:", "postgresql://u@h/d")] == [None] * 3
    with pytest.raises(PacketKeyMissing, match="no key to sign packets with is set"):
        packet_key(None, beside=None)
    with pytest.raises(PacketKeyMissing, match="there is no key at"):
        packet_key(tmp_path / "nowhere.pem", beside=beside)


def test_a_file_that_holds_no_such_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    elliptic = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    locked = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
    )
    for pem, why in ((b"", "no private key"), (elliptic, "another kind"), (locked, "without a password")):
        path.write_bytes(pem)
        with pytest.raises(PacketKeyUnusable, match=why):
            private_key(path)
    path.write_bytes(b"-----BEGIN PUBLIC KEY-----")
    with pytest.raises(PacketKeyUnusable, match="no public key in PEM"):
        public_key(path)
    with pytest.raises(PacketKeyUnusable, match="cannot be read"):
        private_key(tmp_path)
    with pytest.raises(PacketKeyUnusable, match="cannot be written"):
        make_key(tmp_path / "no" / "folder.pem")
