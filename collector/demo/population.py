"""Who is in the simulated fleet: regions, SDKs, versions, networks, names.

Drawn from a seeded generator, so that a seed is a fleet. Not here: what happens to them (history.py, incidents.py).
"""

from __future__ import annotations

from random import Random
from typing import Final, NamedTuple
from uuid import UUID

from session_core.events import Client

REGIONS: Final = {"us1": 34, "ie1": 26, "de1": 16, "sg1": 14, "br1": 10}
"""Signaling regions and how many of a hundred sessions they serve."""

NETWORKS: Final = {"wifi": 62, "cellular": 26, "wired": 12}

APP_VERSIONS: Final = {"4.6.2": 15, "4.7.0": 50, "4.7.1": 35}
BAD_RELEASE: Final = "4.8.0"
"""The release whose media breaks; in the fleet only while it is rolled out."""

NAMES: Final = (
    "alice", "amir", "bea", "bob", "carol", "chen", "dana", "dev", "elif", "emre", "fatou", "finn", "grace", "hana",
    "igor", "ines", "jamal", "jo", "kai", "lena", "luis", "maya", "mona", "nils", "noor", "olga", "omar", "pia",
    "quinn", "rosa", "sami", "tara", "uma", "vera", "wei", "yara", "yusuf", "zoe",
)  # fmt: skip

SUBJECTS: Final = ("standup", "clinic", "lesson", "interview", "support", "review", "workshop", "consult")


class Sdk(NamedTuple):
    """An SDK and the versions of it that are about."""

    name: str
    platform: str
    versions: dict[str, int]
    weight: int


SDKS: Final = (
    Sdk("video-web", "browser", {"2.33.0": 20, "2.34.1": 45, "2.35.1": 35}, 56),
    Sdk("video-ios", "ios", {"5.10.0": 40, "5.11.2": 60}, 24),
    Sdk("video-android", "android", {"7.8.0": 35, "7.9.1": 65}, 20),
)


def pick(rng: Random, weights: dict[str, int]) -> str:
    """One of the words, as often as its weight says."""
    return rng.choices(tuple(weights), tuple(weights.values()))[0]


def draw_client(rng: Random, region: str, app_version: str | None = None) -> Client:
    """What one session runs on."""
    sdk = rng.choices(SDKS, [sdk.weight for sdk in SDKS])[0]
    return Client(
        sdk=sdk.name,
        sdk_version=pick(rng, sdk.versions),
        app_version=app_version or pick(rng, APP_VERSIONS),
        platform=sdk.platform,
        network_type=pick(rng, NETWORKS),
        region=region,
        media_region=region,
    )


def draw_names(rng: Random, count: int) -> list[str]:
    """So many different people."""
    return rng.sample(NAMES, count)


def draw_room(rng: Random) -> tuple[str, str]:
    """A room's name and SID."""
    return f"{rng.choice(SUBJECTS)}-{rng.randrange(1000, 10_000)}", draw_sid(rng, "RM")


def draw_sid(rng: Random, prefix: str) -> str:
    """An id in the form that the SDK's ids have: two letters and 32 hexadecimal digits."""
    return f"{prefix}{rng.getrandbits(128):032x}"


def draw_session_id(rng: Random, at_us: int) -> UUID:
    """A UUIDv7 for a session that begins then."""
    bits = (at_us // 1000) << 80 | 0x7 << 76 | rng.getrandbits(12) << 64 | 0b10 << 62 | rng.getrandbits(62)
    return UUID(int=bits)
