"""What a support packet holds: gathered from the store, bounded, and without names where they are left out. Pure.

A packet leaves the house: it is handed to a vendor, or to somebody's support. So what names a person is left out unless
it is asked for; participants are numbered instead, and their SIDs stay, by which both sides know whom they mean.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from collector.api.verdicts import RoomVerdict
from collector.api.words import who
from collector.packets import FORMAT
from collector.store.views import Client, Lane, OutageView, RoomEvent, RoomEvents, RoomTimeline

Identities = Literal["hidden", "shown"]

PARTICIPANTS_MAX: Final = 200
SESSIONS_OF_ONE_MAX: Final = 50
OUTAGES_OF_ONE_MAX: Final = 200
EVENTS_MAX: Final = 2_000


class Maker(NamedTuple):
    """Who makes the packet, when, and until when it stands."""

    version: str
    fingerprint: str
    made_at: datetime
    expires_at: datetime


class Runs(NamedTuple):
    """What some of the sessions ran on."""

    client: Client
    sessions: int


class Contents(NamedTuple):
    """All that a packet says. `truncated`: the room holds more than it."""

    maker: Maker
    identities: Identities
    room: RoomTimeline
    verdict: RoomVerdict
    events: tuple[RoomEvent, ...]
    runs: tuple[Runs, ...]
    truncated: bool


def contents(
    maker: Maker, identities: Identities, room: RoomTimeline, verdict: RoomVerdict, told: RoomEvents
) -> Contents:
    """The contents of a packet on a room."""
    if identities == "hidden":
        room, verdict, told = _without_names(room, verdict, told)
    whole = Contents(
        maker, identities, room, verdict, told.items, _runs(room), room.truncated or told.truncated or verdict.truncated
    )
    return cut(whole, 1)


def cut(whole: Contents, divisor: int) -> Contents:
    """The contents with no more of each thing than its bound, divided by `divisor`; the newest of each."""
    room = whole.room
    lanes = tuple(_cut_lane(lane, divisor) for lane in room.participants[: _bound(PARTICIPANTS_MAX, divisor)])
    events = whole.events[-_bound(EVENTS_MAX, divisor) :]
    verdicts = whole.verdict.sessions[: _bound(len(whole.verdict.sessions), divisor)]
    runs = whole.runs[: _bound(PARTICIPANTS_MAX, divisor)]
    less = (
        lanes != room.participants
        or len(events) < len(whole.events)
        or len(verdicts) < len(whole.verdict.sessions)
        or len(runs) < len(whole.runs)
    )
    return whole._replace(
        room=room.model_copy(update={"participants": lanes}),
        verdict=whole.verdict.model_copy(update={"sessions": verdicts}),
        events=events,
        runs=runs,
        truncated=whole.truncated or less,
    )


def data_of(what: Contents) -> dict[str, Any]:
    """The contents as the data that is signed."""
    return {
        "format": FORMAT,
        "room_sid": what.room.room_sid,
        "made_at": what.maker.made_at.isoformat(),
        "expires_at": what.maker.expires_at.isoformat(),
        "made_by": {"roomwatch": what.maker.version, "key": what.maker.fingerprint},
        "identities": what.identities,
        "truncated": what.truncated,
        "verdict": what.verdict.model_dump(mode="json", exclude={"completeness"}),
        "timeline": what.room.model_dump(mode="json", exclude={"completeness"}),
        "events": [{"session_id": str(one.session_id), **one.event.model_dump(mode="json")} for one in what.events],
        "runs_on": [{**one.client.model_dump(mode="json"), "sessions": one.sessions} for one in what.runs],
        "completeness": what.room.completeness.model_dump(mode="json"),
    }


def outages_of(what: Contents) -> list[tuple[Lane, OutageView]]:
    """The outages in order of time, each with whom it happened to."""
    pairs = [(lane, outage) for lane in what.room.participants for outage in lane.outages]
    return sorted(pairs, key=lambda pair: (pair[1].started_at, str(pair[1].session_id), pair[1].number))


def names_of(what: Contents) -> dict[UUID, str]:
    """What each session's participant is called."""
    return {
        one.session_id: who(one.identity, one.participant_sid, one.session_id)
        for lane in what.room.participants
        for one in lane.sessions
    }


def _bound(most: int, divisor: int) -> int:
    return max(1, most // divisor)


def _cut_lane(lane: Lane, divisor: int) -> Lane:
    outages, sessions = _bound(OUTAGES_OF_ONE_MAX, divisor), _bound(SESSIONS_OF_ONE_MAX, divisor)
    kept = lane.sessions[-sessions:]
    there = {one.session_id for one in kept}
    return lane.model_copy(
        update={
            "participant_sids": lane.participant_sids[-sessions:],
            "sessions": kept,
            "segments": tuple(one for one in lane.segments if one.session_id in there)[-2 * outages :],
            "outages": tuple(one for one in lane.outages if one.session_id in there)[-outages:],
        }
    )


def _runs(room: RoomTimeline) -> tuple[Runs, ...]:
    """What clients said they run on: by version, the most frequent first."""
    kinds = ("sdk", "sdk_version", "app_version", "platform")
    counts = Counter(
        tuple(getattr(one.client, kind) for kind in kinds) for lane in room.participants for one in lane.sessions
    )
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))
    return tuple(Runs(Client(**dict(zip(kinds, values, strict=True))), count) for values, count in ranked)


def _without_names(
    room: RoomTimeline, verdict: RoomVerdict, told: RoomEvents
) -> tuple[RoomTimeline, RoomVerdict, RoomEvents]:
    """The same with participants numbered, without the room's name, and without what an application added freely."""
    lanes: list[Lane] = []
    numbers: dict[UUID, str] = {}
    for place, lane in enumerate(room.participants, start=1):
        name = f"participant {place}"
        sessions = tuple(one.model_copy(update={"identity": name, "room_name": None}) for one in lane.sessions)
        numbers |= {one.session_id: name for one in sessions}
        lanes.append(lane.model_copy(update={"identity": name, "sessions": sessions}))
    verdicts = tuple(one.model_copy(update={"identity": numbers.get(one.session_id)}) for one in verdict.sessions)
    events = tuple(one.model_copy(update={"event": one.event.model_copy(update={"extra": None})}) for one in told.items)
    return (
        room.model_copy(update={"participants": tuple(lanes), "room_name": None}),
        verdict.model_copy(update={"sessions": verdicts}),
        told.model_copy(update={"items": events}),
    )
