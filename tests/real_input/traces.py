"""The 13 timed traces of the real SDK, and what they say happened. Nothing here knows of our room.

Times are milliseconds since the first stimulus, as in the file. What is expected is read from the traces: from what the
SDK's public emitters said (ROOM, LOCAL) and when it opened a WebSocket (its own telemetry, `insights`). How long media
was down is read from the stimuli: the SDK never says so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

FILE: Final = Path(__file__).parents[1] / "data" / "sdk_traces.json"

SAYS: Final = {
    # What an emitter says, and the event of ours that says it. What is not here says nothing new: a participant's own
    # events are twins of the room's, and "connected" comes with "reconnected".
    ("ROOM", "reconnecting"): "room.reconnecting",
    ("ROOM", "reconnected"): "room.reconnected",
    ("ROOM", "disconnected"): "room.disconnected",
    ("ROOM", "participantReconnecting"): "participant.reconnecting",
    ("ROOM", "participantReconnected"): "participant.reconnected",
    ("ROOM", "participantDisconnected"): "participant.disconnected",
    ("LOCAL", "reconnecting"): "local.reconnecting",
    ("LOCAL", "reconnected"): "local.reconnected",
    ("LOCAL", "disconnected"): "local.disconnected",
}
SILENT: Final = {("LOCAL", "connected")}
ATTEMPT: Final = ("insights", "signaling:early:info")
REFUSED: Final = ("insights", "signaling:closed:error")

CAUSES: Final = {53001: "signaling", 53405: "media"}
MEDIA_WELL: Final = {"connected", "completed", "disconnected", "closed"}


class Stimulus(NamedTuple):
    """What was done to the SDK."""

    ms: int
    kind: str
    value: Any = None


class Traced(msgspec.Struct, frozen=True):
    """What it emitted."""

    t: int
    src: str
    event: str
    detail: list[Any]


class End(msgspec.Struct, frozen=True):
    """How everything stood at last. `participants` are pairs of identity and state."""

    room: str
    local: str
    participants: list[tuple[str, str]]


class Said(NamedTuple):
    """An event: when, what, about whom, and with which code."""

    ms: float
    type: str
    identity: str | None = None
    code: int | None = None


class OutageTold(NamedTuple):
    """One outage, as a trace tells it. `end` is what the room said then, None where it goes on."""

    number: int
    started_ms: int
    cause: str
    end: Said | None
    attempts: int
    signaling_down_ms: int
    media_down_ms: int
    downtime_ms: int
    since_previous_ms: int | None


class Scenario(msgspec.Struct, frozen=True):
    """One trace with what led to it."""

    id: str
    name: str
    session_timeout_s: int
    initial_participants: list[dict[str, Any]]
    precondition: str
    stimuli: list[list[Any]]
    trace: list[Traced]
    final: End

    def done(self) -> list[Stimulus]:
        """What was done, in order."""
        return [Stimulus(*stimulus) for stimulus in self.stimuli]

    @property
    def ends_ms(self) -> int:
        """When the recording ended."""
        return max(s.ms + (s.value if s.kind == "advance_ms" else 0) for s in self.done())

    def said(self) -> list[Said]:
        """What the SDK told the application, in order."""
        return [
            _said(step, SAYS[step.src, step.event])
            for step in self.trace
            if step.src in {"ROOM", "LOCAL"} and (step.src, step.event) not in SILENT
        ]

    def published(self) -> list[Said]:
        """That part of it which telemetry tells: not what the local participant says, since the room says it too."""
        return [said for said in self.said() if not said.type.startswith("local.")]

    def when(self, what: tuple[str, str]) -> list[int]:
        """When the SDK emitted this."""
        return [step.t for step in self.trace if (step.src, step.event) == what]

    def refused(self) -> list[int]:
        """When an attempt was refused: every loss of the WebSocket but the first, which is the outage."""
        return self.when(REFUSED)[1:]

    def outages(self) -> list[OutageTold]:
        """The outages, each as it stood when it ended, or else when the trace ended."""
        told: list[OutageTold] = []
        said = self.said()
        for place, begins in enumerate(said):
            if begins.type != "room.reconnecting":
                continue
            end = next((s for s in said[place:] if s.type in {"room.reconnected", "room.disconnected"}), None)
            start_ms, end_ms = int(begins.ms), int(end.ms) if end else self.ends_ms
            before = told[-1].end if told else None
            told.append(
                OutageTold(
                    number=len(told) + 1,
                    started_ms=start_ms,
                    cause=CAUSES[begins.code or 0],
                    end=end,
                    attempts=sum(start_ms <= ms < end_ms for ms in self.when(ATTEMPT)),
                    signaling_down_ms=_within(self._signaling_down(), start_ms, end_ms),
                    media_down_ms=_within(self._media_down(), start_ms, end_ms),
                    downtime_ms=end_ms - start_ms,
                    since_previous_ms=None if before is None else start_ms - int(before.ms),
                )
            )
        return told

    def _signaling_down(self) -> list[tuple[int, int]]:
        """From when until when: the local participant follows signaling alone."""
        return _stretches(
            [(s.t, s.event == "reconnecting") for s in self.trace if s.src == "LOCAL" and s.event != "reconnected"],
            self.ends_ms,
        )

    def _media_down(self) -> list[tuple[int, int]]:
        """From when until when: from ICE failed until it is well again."""
        turns = [(s.ms, s.value == "failed") for s in self.done() if s.kind == "ice" and _is_turn(s.value)]
        return _stretches(turns, self.ends_ms)


class File(msgspec.Struct, frozen=True):
    """The file."""

    about: str
    scenarios: list[Scenario]


SCENARIOS: Final = msgspec.json.decode(FILE.read_bytes(), type=File).scenarios


def _said(step: Traced, kind: str) -> Said:
    if kind.startswith("participant."):
        return Said(step.t, kind, identity=str(step.detail[0]).partition(",")[0])
    return Said(step.t, kind, code=step.detail[0] if kind.startswith("room.") else None)


def _is_turn(ice: str) -> bool:
    return ice == "failed" or ice in MEDIA_WELL


def _stretches(turns: list[tuple[int, bool]], ends_ms: int) -> list[tuple[int, int]]:
    stretches: list[tuple[int, int]] = []
    since: int | None = None
    for ms, is_down in [*turns, (ends_ms, False)]:
        if is_down and since is None:
            since = ms
        elif not is_down and since is not None:
            stretches.append((since, ms))
            since = None
    return stretches


def _within(stretches: list[tuple[int, int]], start_ms: int, end_ms: int) -> int:
    return sum(max(0, min(until, end_ms) - max(since, start_ms)) for since, until in stretches)
