"""Support packets that cannot be made or checked."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from collector.errors.root import CollectorError, short


class PacketError(CollectorError):
    """A support packet cannot be made or checked."""

    code: ClassVar[str] = "packet"
    remedy: ClassVar[str] = "Read docs/packet.md."


class PacketKeyMissing(PacketError):
    """There is no key to sign packets with, or none where one was looked for."""

    code: ClassVar[str] = "packet-key-missing"
    remedy: ClassVar[str] = (
        "Make one with `roomwatch packet-key FILE`, and name the file in the setting packet_key_file of every "
        "collector that answers."
    )

    def __init__(self, path: Path | None = None) -> None:
        """`path` is where it was looked for; None: no place was named."""
        self.path = path
        where = "no key to sign packets with is set" if path is None else f"there is no key at {short(str(path))}"
        super().__init__(where)


class PacketKeyUnusable(PacketError):
    """The file that should hold the key of packets cannot be used."""

    code: ClassVar[str] = "packet-key-unusable"
    remedy: ClassVar[str] = "Look at the file; `roomwatch packet-key FILE` makes one that can be used."

    def __init__(self, path: Path, why: str) -> None:
        self.path = path
        self.why = why
        super().__init__(f"{short(str(path))} {why}")


class NotAPacket(PacketError):
    """The file to check is no support packet."""

    code: ClassVar[str] = "not-a-packet"
    remedy: ClassVar[str] = "Give the HTML file as it was downloaded, not a copy that a program saved anew."

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(f"this is no support packet: {why}")
