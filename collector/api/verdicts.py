"""Why did this call drop? The verdict on a session, and on a room: rules of collector/verdict/rules.py over HTTP."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from collector.api.dependencies import NowDep, ReaderDep
from collector.api.fields import FieldsRoute
from collector.api.filters import NoQuery
from collector.api.meanings import MEANINGS
from collector.api.problems import problems
from collector.api.rooms import RoomSid
from collector.api.words import number
from collector.errors import RoomNotFound, SessionNotFound
from collector.store.questions import Among
from collector.store.reader import Reader
from collector.store.views import Completeness, RoomTimeline, SessionView
from collector.store.views_around import Case
from collector.verdict import ACTIONS, BAD_FATES, Confidence, Line, verdict_of

router = APIRouter(tags=["verdicts"], route_class=FieldsRoute)

SESSIONS_MAX: Final = 25


class Evidence(BaseModel):
    """A line of evidence."""

    model_config = ConfigDict(frozen=True)

    at: datetime | None = Field(description="None where it has no time of its own.")
    says: str = Field(examples=["14 of 15 others in the region, in other rooms were hit too"])
    among: Among | None = Field(
        description="Which others it counts: /sessions?beside={session_id}&among={among} lists them, with hit=yes only "
        "those that were hit; None where it counts none."
    )
    hit: int | None = Field(description="How many of them were hit.", examples=[14])
    there: int | None = Field(description="How many there were.", examples=[15])


class SessionVerdict(BaseModel):
    """Why a session ended as it did, and how one knows."""

    model_config = ConfigDict(frozen=True)

    session_id: UUID
    identity: str | None
    participant_sid: str | None
    rule: str = Field(description="The rule that fitted: docs/verdicts.md explains each.", examples=["region"])
    sentence: str = Field(
        examples=["14 of 15 others in region ie1 lost connection at the same time: the region, not their network."]
    )
    confidence: Confidence
    evidence: tuple[Evidence, ...]
    missing: tuple[str, ...] = Field(description="What would make it surer.")
    what_to_do: str | None
    completeness: Completeness


class RoomVerdict(BaseModel):
    """What went wrong in a room: the verdicts on its sessions that ended badly, the latest first."""

    model_config = ConfigDict(frozen=True)

    room_sid: str
    rule: str | None = Field(description="The rule that fitted most often; None where nobody was dropped.")
    sentence: str
    sessions: tuple[SessionVerdict, ...]
    truncated: bool = Field(description="More sessions ended badly than one answer holds.")
    completeness: Completeness


@router.get("/sessions/{session_id}/verdict", responses=problems(SessionNotFound))
def read_session_verdict(
    session_id: UUID, query: Annotated[NoQuery, Query()], reader: ReaderDep, now_us: NowDep
) -> SessionVerdict:
    """Why this session ended: one sentence, how sure it is, the rule, and the evidence."""
    del query
    return session_verdict(reader.case(session_id, now_us=now_us))


@router.get("/rooms/{room_sid}/verdict", responses=problems(RoomNotFound))
def read_room_verdict(
    room_sid: RoomSid,
    query: Annotated[NoQuery, Query()],
    reader: ReaderDep,
    now_us: NowDep,
) -> RoomVerdict:
    """Why sessions of this room ended badly."""
    del query
    return room_verdict(reader, reader.room_timeline(room_sid, now_us=now_us), now_us)


def session_verdict(case: Case) -> SessionVerdict:
    """The verdict as it is answered."""
    found, ending = verdict_of(case), case.story.session.ending
    code = ending.error.code if ending is not None and ending.error is not None else None
    return SessionVerdict(
        session_id=case.story.session.session_id,
        identity=case.story.session.identity,
        participant_sid=case.story.session.participant_sid,
        rule=found.rule,
        sentence=found.sentence,
        confidence=found.confidence,
        evidence=tuple(map(_evidence, found.evidence)),
        missing=found.missing,
        what_to_do=_what_to_do(found.rule, code if case.story.session.fate in BAD_FATES else None),
        completeness=case.completeness,
    )


def _evidence(line: Line) -> Evidence:
    hit, there = (None, None) if line.others is None else (line.others.hit, line.others.there)
    return Evidence(at=line.at, says=line.says, among=line.among, hit=hit, there=there)


def _what_to_do(rule: str, code: int | None) -> str | None:
    if rule in ACTIONS:
        return ACTIONS[rule]
    return MEANINGS[code].do if code in MEANINGS else None


def room_verdict(reader: Reader, room: RoomTimeline, now_us: int) -> RoomVerdict:
    """The same for a room."""
    there = [session for lane in room.participants for session in lane.sessions]
    ended = sorted((one for one in there if one.fate in BAD_FATES), key=_ended_at, reverse=True)
    verdicts = tuple(session_verdict(reader.case(one.session_id, now_us=now_us)) for one in ended[:SESSIONS_MAX])
    rules = Counter(one.rule for one in verdicts)
    rule = min(rules, key=lambda name: (-rules[name], name)) if rules else None
    return RoomVerdict(
        room_sid=room.room_sid,
        rule=rule,
        sentence=_sentence(verdicts, rule, rules, len(ended), len(there)),
        sessions=verdicts,
        truncated=len(ended) > SESSIONS_MAX,
        completeness=room.completeness,
    )


def _sentence(
    verdicts: tuple[SessionVerdict, ...], rule: str | None, rules: Counter[str], ended: int, there: int
) -> str:
    if rule is None:
        return f"Nobody was dropped: none of {number(there)} session{'' if there == 1 else 's'} ended badly."
    first = next(one for one in verdicts if one.rule == rule)
    if ended == 1:
        return f"1 of {number(there)} session{'' if there == 1 else 's'} ended badly. {first.sentence}"
    share = "All" if rules[rule] == ended else f"{rules[rule]}"
    # How each of them ended is its own affair.
    why = first.sentence.split(". ", 1)[0].rstrip(".")
    return f"{number(ended)} of {number(there)} sessions ended badly. {share} of them: {why[0].lower()}{why[1:]}."


def _ended_at(session: SessionView) -> datetime:
    return session.ended_at or session.last_event_at
