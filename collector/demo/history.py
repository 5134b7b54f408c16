"""The fleet's last six hours: about 2 000 sessions, one incident, one bad release.

Pure planning from a seeded generator: `plan()` says what the world does to every session; life.py plays it through the
session core. The incident and the release are told by where they lie before now, so that the page of the demo shows
them wherever it is opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final, NamedTuple

from collector.demo.life import SECOND_US, Plan, Trouble
from collector.demo.population import (
    BAD_RELEASE,
    REGIONS,
    draw_client,
    draw_names,
    draw_room,
    draw_session_id,
    draw_sid,
    pick,
)
from session_core.errors import TOKEN_EXPIRED
from session_core.events import Session, Token
from session_core.instants import utc_from_us
from session_core.signals import ParticipantState

MINUTE_US: Final = 60 * SECOND_US
HOUR_US: Final = 60 * MINUTE_US
SPAN_US: Final = 6 * HOUR_US
SESSIONS: Final = 2_000
TOKEN_TTL_S: Final = 3_600

QUIET_OUTAGES_AN_HOUR: Final = 0.35
JOIN_FAILURES: Final = {"": 970, "0": 8, "20101": 4, "53006": 6, "53105": 7, "53000": 5}
"""Of a thousand joins: how many fail, and with which code (0: nobody answers)."""


class Span(NamedTuple):
    """From when to when something goes on, µs."""

    from_us: int
    to_us: int

    def holds(self, at_us: int) -> bool:
        """Whether it goes on at that time."""
        return self.from_us <= at_us < self.to_us


class Story(NamedTuple):
    """What the six hours hold: an outage of one region's signaling, and a release that breaks media."""

    now_us: int
    region: str
    outage: Span
    release: Span


def story(now_us: int) -> Story:
    """The story, told so that it ends now."""
    return Story(
        now_us=now_us,
        region="ie1",
        outage=Span(now_us - 95 * MINUTE_US, now_us - 83 * MINUTE_US),
        release=Span(now_us - 260 * MINUTE_US, now_us - 190 * MINUTE_US),
    )


def plans(told: Story, rng: Random, sessions: int = SESSIONS) -> Iterator[Plan]:
    """What the world does to each session, room by room, the oldest room first."""
    rooms: list[tuple[int, int]] = []
    planned = 0
    while planned < sessions:
        people = rng.choice((2, 2, 2, 3, 3, 4, 5, 6))
        rooms.append((told.now_us - SPAN_US + rng.randrange(SPAN_US - 12 * MINUTE_US), people))
        planned += people
    for starts_us, people in sorted(rooms):
        yield from _room(told, rng, starts_us, people)


def _room(told: Story, rng: Random, starts_us: int, people: int) -> Iterator[Plan]:
    name, room_sid = draw_room(rng)
    region = pick(rng, REGIONS)
    ends_us = min(starts_us + rng.randrange(8, 55) * MINUTE_US, told.now_us - 90 * SECOND_US)
    present: list[ParticipantState] = []
    host_ends_it = rng.random() < 0.08
    for identity in draw_names(rng, people):
        sid = draw_sid(rng, "PA")
        joins_us = starts_us + rng.randrange(90) * SECOND_US
        leaves_us = (
            ends_us if host_ends_it else min(ends_us + rng.randrange(60) * SECOND_US, told.now_us - 30 * SECOND_US)
        )
        version = BAD_RELEASE if told.release.holds(joins_us) and rng.random() < 0.35 else None
        client = draw_client(rng, region, version)
        session = Session(session_id=draw_session_id(rng, joins_us), room_name=name, identity=identity)
        ttl_s = TOKEN_TTL_S if rng.random() < 0.8 else 86_400
        minted_us = joins_us - rng.randrange(25) * MINUTE_US
        code = _join_code(told, rng, region, joins_us)
        yield Plan(
            session=session,
            client=client,
            token=Token(expires_at=utc_from_us(minted_us + ttl_s * SECOND_US), ttl_s=ttl_s),
            room_sid=room_sid,
            participant_sid=sid,
            others=tuple(present),
            joins_us=joins_us,
            ends_us=leaves_us,
            ending="completed" if host_ends_it else "leave",
            join_code=code,
            troubles=tuple(
                _troubles(told, rng, region, version, Span(joins_us, leaves_us), minted_us + ttl_s * SECOND_US)
            ),
        )
        if code is None:
            present.append(ParticipantState(sid, identity, "connected", 1))


def _join_code(told: Story, rng: Random, region: str, joins_us: int) -> int | None:
    if region == told.region and told.outage.holds(joins_us) and rng.random() < 0.7:
        return 0
    code = pick(rng, JOIN_FAILURES)
    return int(code) if code else None


def _troubles(
    told: Story, rng: Random, region: str, version: str | None, life: Span, token_ends_us: int
) -> Iterator[Trouble]:
    """What befalls one session's links: the noise of every day, the region's outage, the bad release."""
    hours = (life.to_us - life.from_us) / HOUR_US
    for _ in range(_poisson(rng, QUIET_OUTAGES_AN_HOUR * hours)):
        yield _everyday(rng, life, token_ends_us)
    if version == BAD_RELEASE:
        for _ in range(_poisson(rng, 1.2)):
            at_us = rng.randrange(life.from_us + 10 * SECOND_US, max(life.to_us, life.from_us + 20 * SECOND_US))
            yield Trouble(at_us, rng.choice((6, 12, 45)) * SECOND_US, "media")
    if region == told.region and life.from_us < told.outage.from_us < life.to_us:
        yield _in_the_outage(told, rng)


def _everyday(rng: Random, life: Span, token_ends_us: int) -> Trouble:
    at_us = rng.randrange(life.from_us + 5 * SECOND_US, max(life.to_us, life.from_us + 10 * SECOND_US))
    draw = rng.random()
    if at_us > token_ends_us:
        return Trouble(at_us, 5 * SECOND_US, "verdict", TOKEN_EXPIRED)
    if draw < 0.40:
        return Trouble(at_us, int(rng.expovariate(1 / 3.0) * SECOND_US), "media")
    if draw < 0.96:
        return Trouble(at_us, int(rng.expovariate(1 / 4.0) * SECOND_US), "unreachable")
    return Trouble(at_us, 60 * SECOND_US, "unreachable")


def _in_the_outage(told: Story, rng: Random) -> Trouble:
    """Within seconds everybody in the region loses signaling; what follows differs."""
    at_us = told.outage.from_us + int(rng.expovariate(1 / 4.0) * SECOND_US)
    draw = rng.random()
    if draw < 0.55:
        return Trouble(at_us, rng.randrange(2, 20) * SECOND_US, "unreachable")
    if draw < 0.83:
        return Trouble(at_us, told.outage.to_us - at_us, "refused")
    return Trouble(at_us, told.outage.to_us - at_us, "unreachable")


def _poisson(rng: Random, mean: float) -> int:
    """How often something happens that happens so often on average."""
    happened = 0
    waited = rng.expovariate(1.0)
    while waited < mean:
        happened += 1
        waited += rng.expovariate(1.0)
    return happened
