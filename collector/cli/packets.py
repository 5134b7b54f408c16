"""`verify-packet` and `packet-key`: whether a support packet is whole and whose it is, and the key to sign with.

Checking needs the file and a key to trust: no store, no settings, no network.
"""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from collector.cli.edge import DONE, FOUND, Commands, add_configured, settings_of
from collector.errors import ConfigError, ExtraMissing, PacketKeyMissing
from collector.errors.root import short

if TYPE_CHECKING:
    from collector.packets import Checked

EXPIRED: Final = 3
ANOTHER_KEY: Final = 4
UNKNOWN_KEY: Final = 5

EXIT_CODES: Final = """\
exit codes:
  0  valid: whole, signed by the key that was named, and not expired
  1  changed: at least one byte is not what was signed
  2  it cannot be checked: no such file, no packet, no such key
  3  expired: whole, but its time is over
  4  whole, but signed by another key than the one that was named
  5  whole, but no key was named to say whose it is
"""


def add(commands: Commands, *, whole: bool) -> None:
    """Adds the commands to the grammar."""
    text = "check that nobody changed a support packet, and whose it is; needs no store"
    verify: argparse.ArgumentParser = commands.add_parser(
        "verify-packet",
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verify.add_argument("packet", type=Path, metavar="FILE", help="the packet, as it was downloaded")
    verify.add_argument("--key", type=Path, metavar="PUBLIC.pem", help="the public key that it should be signed with")
    verify.add_argument(
        "--fingerprint", type=_fingerprint, metavar="SHA256:…", help="the fingerprint of that key, instead of its file"
    )
    verify.set_defaults(command=_verify)
    key = add_configured(
        commands, "packet-key", _packet_key, "make the key that support packets are signed with", whole=whole
    )
    key.add_argument(
        "file",
        type=Path,
        nargs="?",
        metavar="FILE",
        help="where the key shall lie; default: the setting packet_key_file, else beside a SQLite store",
    )


def _verify(told: argparse.Namespace) -> int:
    try:
        from collector.packet_keys import public_key  # noqa: PLC0415 - see the package's docstring
        from collector.packets import BYTES_MAX, check, fingerprint  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ExtraMissing("verify-packet", "collector", error.name or "cryptography") from None

    trusted = {fingerprint(public_key(told.key))} if told.key else set()
    if told.fingerprint:
        trusted = trusted & {told.fingerprint} if trusted else {told.fingerprint}
        if not trusted:
            raise ConfigError("--fingerprint", "is not that of the key that --key names")
    try:
        with told.packet.open("rb") as file:
            packet = file.read(BYTES_MAX + 1)
    except OSError as error:
        raise ConfigError("FILE", error.strerror or "cannot be read", value=str(told.packet)) from None
    found = check(packet, datetime.now(tz=UTC), trusted)  # noqa: TID251 - at the process's edge
    code, sentence = _said(found)
    print(sentence)
    return code


def _said(found: Checked) -> tuple[int, str]:
    """The exit code and the sentence of what was found."""
    if found.room_sid is None or found.made_at is None or found.expires_at is None:
        return FOUND, (
            "CHANGED: this is not what was signed. At least one byte differs, be it by hand or by a program that saved "
            "it anew; ask for the file as it was downloaded."
        )
    about = f"the packet on room {short(found.room_sid)}, made {_time(found.made_at)}, is unchanged"
    ends, key = _time(found.expires_at), found.fingerprint
    code, sentence = {
        "valid": (DONE, f"VALID: {about} and was signed by the key that you named, {key}. It expires {ends}."),
        "expired": (EXPIRED, f"EXPIRED: {about}, but its time was over {ends}; ask for a new one. Its key is {key}."),
        "another-key": (ANOTHER_KEY, f"ANOTHER KEY: {about}, but was signed by {key}, not by the key that you named."),
        "unknown-key": (
            UNKNOWN_KEY,
            (
                f"UNKNOWN KEY: {about} since somebody signed it. Name the sender's key with --key, or ask "
                f"the sender whether theirs is {key}. It expires {ends}."
            ),
        ),
    }[found.finding]
    return code, sentence


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S UTC}"


def _packet_key(told: argparse.Namespace) -> int:
    settings = settings_of(told)
    from collector.packet_keys import make_key, private_key, public_beside  # noqa: PLC0415 - see the package's docstring
    from collector.packets import fingerprint  # noqa: PLC0415
    from collector.store.url import beside_store  # noqa: PLC0415

    path = told.file or settings.packet_key_file or beside_store(settings.database_url.get_secret_value())
    if path is None:
        raise PacketKeyMissing
    made = make_key(path)
    name = fingerprint(private_key(path).public_key())
    print(f"{path}: {'made; keep it to yourself' if made else 'was there already'}")
    print(
        f"{public_beside(path)}: its public key; give it to whoever checks your packets, or tell them the fingerprint:"
    )
    print(name)
    return DONE


def _fingerprint(text: str) -> str:
    """The fingerprint of a key. Raises argparse.ArgumentTypeError."""
    name = text.strip()
    if not re.fullmatch(r"(?:SHA256:)?[0-9a-fA-F]{64}", name):
        raise argparse.ArgumentTypeError("looks like SHA256: and 64 hexadecimal digits")
    return f"SHA256:{name[-64:].lower()}"
