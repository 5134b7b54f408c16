"""A fleet to look at: six quiet hours, one bad release, and an incident of signaling in one region that goes on now.

The same every time: choices are made by a hash of the number of a life.
"""

import hashlib
from typing import Final
from uuid import UUID

from collector.store.incidents import Alert
from session_core import wire
from session_core.errors import Origin
from tests.histories import MINUTE_US, SECOND_US, Life, session_id

NOW_US: Final = 1_764_000_000_000_000 + 37 * MINUTE_US + 12 * SECOND_US
BEGUN_US: Final = NOW_US - 6 * 60 * MINUTE_US
INCIDENT_US: Final = NOW_US - 21 * MINUTE_US
REGIONS: Final = ("ie1", "us1", "us2", "br1", "sg1", "de1")
INCIDENT_REGION: Final = "br1"
BAD_RELEASE: Final = "5.13.0"
ROOM_SID: Final = "RM" + "7" * 32
ROOM_NAME: Final = "biology-101"
SPIKE: Final = Alert(
    "4f8a2c91d03be657",
    INCIDENT_US + 5 * MINUTE_US,
    None,
    {
        "alertname": "RtcFailureSpike",
        "severity": "page",
        "code": "53000",
        "phase": "session",
        "region": INCIDENT_REGION,
    },
    {
        "summary": "Sessions fail with code 53000 far more often than yesterday",
        "description": "4 sessions failed with 53000 in 10 minutes; for the traffic of now yesterday predicts 0.2.",
        "runbook_url": "https://docs.example.test/runbooks.md#rtcfailurespike",
        "dashboard_url": "javascript:alert(1)",
    },
)
"""What Alertmanager tells of it."""
SUBJECTS: Final = ("maths", "biology", "history")
NAMES: Final = ("ana", "ben", "chen", "dora", "emre", "fatima", "gus", "hana", "ivo", "june", "kofi", "lena")


def lives(count: int = 900) -> list[Life]:
    """The fleet, and the room of the story."""
    return [*(_life(number) for number in range(count)), *room_of_the_story()]


def room_of_the_story() -> list[Life]:
    """One room in which everything happens that can happen to a participant."""
    begun = NOW_US - 34 * MINUTE_US
    ana = _member(1, "ana", begun).later(34 * 60_000 - 21_000)
    _outage(ana.reconnecting("media"), 4_200).reconnected().later(12_000).alive()
    ben = _member(2, "ben", begun + 20 * SECOND_US).later(13 * 60_000)
    _outage(ben.reconnecting(), 30_000, attempts=6).disconnected(53002, Origin.WINDOW)
    again = _member(3, "ben", ben.now_us + 9 * SECOND_US, previous=ben)
    again.later(19 * 60_000).alive()
    chen = _member(4, "chen", begun + 35 * SECOND_US).later(13 * 60_000 + 2_000)
    _outage(chen.reconnecting(), 21_000, attempts=12).disconnected(53000, Origin.ATTEMPTS)
    dora = _member(5, "dora", begun + 50 * SECOND_US).later(13 * 60_000 + 4_000)
    _outage(dora.reconnecting(), 11_000, attempts=3).disconnected(reason="leave", origin=Origin.LOCAL)
    emre = _member(6, "emre", begun + 60 * SECOND_US).later(13 * 60_000 + 1_000)
    _outage(emre.reconnecting(), 6_400, attempts=2).reconnected().later(240_000)
    _outage(emre.reconnecting(), 2_100).reconnected().later(15 * 60_000 + 20_000)
    emre.reconnecting().attempted().later(4_000).alive()
    fatima = _member(7, "fatima", begun + 80 * SECOND_US).later(16 * 60_000)
    fatima.reconnecting().attempted().later(1_000).alive()
    return [ana, ben, again, chen, dora, emre, fatima]


def session_of(name: str) -> UUID:
    """The last session of somebody in the room of the story."""
    return next(life.session_id for life in reversed(room_of_the_story()) if life.identity == name)


def _member(number: int, name: str, at_us: int, previous: Life | None = None) -> Life:
    life = Life(session_id(50_000 + number, at_us), at_us, room_name=ROOM_NAME, identity=name)
    life.room_sid, life.participant_sid = ROOM_SID, f"PA{number:032x}"
    life.previous_session_id = previous.session_id if previous else None
    life.client = _client(INCIDENT_REGION, "5.12.1", "twilio-video.js", "2.35.0")
    return life.connecting().later(640).connected(ttl_s=14_400)


def _outage(life: Life, ms: int, attempts: int = 1) -> Life:
    for _ in range(attempts):
        life.attempted().later(ms // attempts)
    return life


def _client(region: str, app_version: str, sdk: str, sdk_version: str) -> wire.ClientData:
    return wire.ClientData(
        sdk=sdk,
        sdk_version=sdk_version,
        app_version=app_version,
        platform="web",
        network_type="wifi",
        region=region,
        media_region=region,
    )


def _life(number: int) -> Life:
    dice = hashlib.sha256(b"%d" % number).digest()
    at_us = BEGUN_US + (NOW_US - BEGUN_US) * number // 900 + dice[0] * SECOND_US // 4
    room = number // 6
    life = Life(session_id(number, at_us), at_us, room_name=f"{SUBJECTS[room % len(SUBJECTS)]}-{room}")
    life.room_sid, life.participant_sid = f"RM{room:032x}", f"PA{number:032x}"
    life.identity = f"{NAMES[dice[2] % len(NAMES)]}-{number}"
    region = REGIONS[dice[3] % len(REGIONS)]
    release = BAD_RELEASE if dice[4] < 70 and number > 300 else ("5.12.1", "5.12.0")[dice[4] % 2]
    sdk, sdk_version = (("twilio-video.js", "2.35.0"), ("twilio-video.js", "2.34.1"), ("livekit", "2.9.4"))[dice[5] % 3]
    life.client = _client(region, release, sdk, sdk_version)
    life.connecting().later(300 + dice[6] * 6)
    if dice[7] < 4:
        return life.connect_failed((53000, 20101, 53105, 53006)[dice[7]])
    if dice[7] == 4:
        return life.connect_failed(None, Origin.LOCAL)
    life.connected(ttl_s=86_400 if dice[8] < 200 else 3_600)
    return _stay(life, dice, until_us=at_us + (8 + dice[9] % 50) * MINUTE_US, release=release)


def _stay(life: Life, dice: bytes, *, until_us: int, release: str) -> Life:
    """Lives on to the end, through what its region and its release have in store."""
    hit_us = INCIDENT_US + dice[10] * SECOND_US
    if life.client.region == INCIDENT_REGION and life.now_us < hit_us < until_us:
        life.later((hit_us - life.now_us) // 1000)
        if not _incident(life, dice):
            return life
    elif release == BAD_RELEASE and dice[11] < 150:
        _beat(life, dice[12] * 2_000)
        _outage(life.reconnecting("media"), 2_000 + dice[13] * 60)
        if dice[13] > 200:
            return life.disconnected(53405, Origin.WINDOW)
        life.reconnected()
    elif dice[14] < 50:
        _beat(life, 20_000 + dice[15] * 1_500)
        _outage(life.reconnecting(), 400 + dice[16] * 30).reconnected()
    if dice[17] < 3:
        return life
    _beat(life, max(0, until_us - life.now_us) // 1000)
    return life.disconnected(reason="leave", origin=Origin.LOCAL)


def _incident(life: Life, dice: bytes) -> bool:
    """Signaling of the region goes away; says whether the session lives on."""
    life.reconnecting()
    fortune = dice[18]
    if fortune < 90:
        _outage(life, 3_000 + dice[19] * 60, attempts=3).reconnected()
        return True
    if fortune < 170:
        _outage(life, 18_000, attempts=12).disconnected(53000, Origin.ATTEMPTS)
    elif fortune < 215:
        _outage(life, 30_000, attempts=5).disconnected(53002, Origin.WINDOW)
    elif fortune < 235:
        _outage(life, 9_000, attempts=2).disconnected(reason="leave", origin=Origin.LOCAL)
    elif fortune < 248:
        _outage(life, 4_000, attempts=1).disconnected(20104, Origin.SERVER)
    return False


def _beat(life: Life, ms: int) -> None:
    """Time passes, with the proofs of life that keep a session from being lost."""
    for _ in range(ms // 60_000):
        life.later(60_000).alive()
    life.later(ms % 60_000)
