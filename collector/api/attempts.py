"""How many wrong tokens came from each address of late. Nobody can guess a token; this bounds what trying costs."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from typing import Final

WINDOW_US: Final = 60_000_000
FAILURES_MAX: Final = 10
"""Wrong tokens that an address may send in WINDOW_US."""
ADDRESSES_MAX: Final = 10_000


class Attempts:
    """Counts in bounded memory: where there are too many addresses, the one that failed first is forgotten."""

    def __init__(self) -> None:
        self._failed: dict[str, tuple[int, int]] = {}  # of an address: when its window began, failures in it

    def wait_s(self, address: str, now_us: int) -> int | None:
        """Seconds until this address may try again; None: it may now."""
        began_us, failures = self._failed.get(_neighbourhood(address), (0, 0))
        left_us = began_us + WINDOW_US - now_us
        return -(-left_us // 1_000_000) if failures >= FAILURES_MAX and 0 < left_us <= WINDOW_US else None

    def failed(self, address: str, now_us: int) -> None:
        """A wrong token came from there."""
        place = _neighbourhood(address)
        began_us, failures = self._failed.pop(place, (now_us, 0))
        if not 0 <= now_us - began_us < WINDOW_US:
            began_us, failures = now_us, 0
        if len(self._failed) >= ADDRESSES_MAX:
            del self._failed[next(iter(self._failed))]
        self._failed[place] = (began_us, failures + 1)


def _neighbourhood(address: str) -> str:
    """Whoever has one address of version 6 has all that share its first half."""
    try:
        parsed = ip_address(address.split("%", maxsplit=1)[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(IPv6Address(int(parsed) >> 64 << 64))
    return str(parsed)
