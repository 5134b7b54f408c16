"""The key that packets are signed with, as files: a private one that stays, a public one beside it to give away."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import mkstemp
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from collector.errors import PacketKeyMissing, PacketKeyUnusable

PEM_BYTES_MAX: Final = 16_384


def packet_key(named: Path | None, *, beside: Path | None) -> Ed25519PrivateKey:
    """The key to sign with: of the file that is named, else of the one beside the store, made if need be.

    Read each time, so that a key can be replaced while the collector runs. Raises PacketKeyMissing, PacketKeyUnusable.
    """
    if named is not None:
        return private_key(named)
    if beside is None:
        raise PacketKeyMissing
    make_key(beside)
    return private_key(beside)


def private_key(path: Path) -> Ed25519PrivateKey:
    """The key of a file. Raises PacketKeyMissing, PacketKeyUnusable."""
    pem = _read(path)
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise PacketKeyUnusable(path, "is no private key in PEM without a password") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise PacketKeyUnusable(path, "is a key of another kind than Ed25519")
    return key


def public_key(path: Path) -> Ed25519PublicKey:
    """The public key of a file that holds it, or its private one. Raises PacketKeyMissing, PacketKeyUnusable."""
    pem = _read(path)
    if b"PRIVATE KEY" in pem:
        return private_key(path).public_key()
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise PacketKeyUnusable(path, "is no public key in PEM") from None
    if not isinstance(key, Ed25519PublicKey):
        raise PacketKeyUnusable(path, "is a key of another kind than Ed25519")
    return key


def make_key(path: Path) -> bool:
    """Makes a key where there is none, readable to its owner alone, and its public one beside it.

    Whether it was made: who comes second leaves the first one's. Raises PacketKeyUnusable where it cannot be written.
    """
    if path.exists():
        return False
    key = Ed25519PrivateKey.generate()
    try:
        made = _put(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)
        if made:
            public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            public_beside(path).write_bytes(public)
    except OSError as error:
        raise PacketKeyUnusable(path, f"cannot be written: {error.strerror}") from None
    return made


def public_beside(path: Path) -> Path:
    """Where the public key of a private one lies."""
    return path.with_suffix(".public.pem")


def _put(path: Path, content: bytes, mode: int) -> bool:
    """Puts a whole file where there is none: nobody ever reads half a key."""
    handle, name = mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, mode)
            file.write(content)
        os.link(name, path)
    except FileExistsError:
        return False
    finally:
        Path(name).unlink()
    return True


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(PEM_BYTES_MAX)
    except FileNotFoundError:
        raise PacketKeyMissing(path) from None
    except OSError as error:
        raise PacketKeyUnusable(path, f"cannot be read: {error.strerror}") from None
