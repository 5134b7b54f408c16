"""What a scenario led to, as text for people or as JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from session_core.bounds import clip
from session_core.errors import CATALOGUE, UNKNOWN_NAME
from session_core.policy import ReconnectPolicy
from session_core.trace.player import Player, final
from session_core.trace.timeline import Line

POLICIES: Final = {"documented": ReconnectPolicy.documented, "twilio-js": ReconnectPolicy.twilio_js}
"""By the name on the command line."""


def json_lines(player: Player, *, with_final: bool) -> Iterator[str]:
    """One object a line: every public event, then, if asked for, how everything stands at last."""
    for line in player.lines:
        yield msgspec.json.encode(line).decode()
    if with_final:
        yield msgspec.json.encode({"scenario": player.scenario.id, "final": final(player.room)}).decode()


def text_lines(player: Player, *, with_final: bool) -> Iterator[str]:
    """A time line: seconds, who, what, with which code. Then, if asked for, how everything stands at last."""
    scenario = player.scenario
    title = scenario.name if scenario.name.startswith(scenario.id) else f"{scenario.id} {scenario.name}"
    yield f"{clip(title).rstrip()} ({player.room.policy.name})"
    width = max((len(line.who) for line in player.lines), default=0)
    for line in player.lines:
        yield f"{line.t / 1000:>10.3f} s  {line.who:<{width}}  {_what(line)}"
    if not player.lines:
        yield "           nothing is told: nobody notices"
    if with_final:
        end = final(player.room)
        others = "".join(f", {identity} {state}" for identity, state in end["participants"])
        yield f"   at last: room {end['room']}, local {end['local']}{others}"


def _what(line: Line) -> str:
    about = f" {line.participant}" if line.participant is not None else ""
    if line.code is None:
        return f"{line.event}{about}"
    known = CATALOGUE.get(line.code)
    return f"{line.event}{about}  {line.code} {known.name if known else UNKNOWN_NAME}"
