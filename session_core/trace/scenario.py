"""A scenario: a room that is connected, and what is then done to it, as text in JSON or TOML.

The format is that of the recorded traces of the real SDK (docs/scenarios.md). It is read strictly: whatever would be
played differently from how it reads is refused, with the file, the place and what to do. What a recording says of its
outcome (`trace`, `final`, `thrown`) is not read.
"""

from __future__ import annotations

import tomllib
from codecs import BOM_UTF8
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import PurePath
from typing import Any, Final, NamedTuple

import msgspec

from session_core.bounds import DAY_MS
from session_core.errors import ScenarioError
from session_core.media import RANK
from session_core.trace import policies

SESSION_TIMEOUT_S: Final = 30.0
FILE_MAX: Final = 64 * 2**20
"""Bytes of a file."""

SCENARIOS_MAX: Final = 10_000
STIMULI_MAX: Final = 100_000

KEYS: Final = (
    "id", "name", "session_timeout_s", "initial_participants", "precondition", "stimuli",
    "trace", "final", "thrown", "about",
)  # fmt: skip
CONNECTION_STATES: Final = ("new", "connecting", "connected", "disconnected", "failed", "closed")


class Stimulus(NamedTuple):
    """Something that is done, so many milliseconds after the beginning."""

    ms: float
    kind: str
    value: Any = None


class Someone(msgspec.Struct, frozen=True):
    """A remote participant as the server tells of it."""

    sid: str
    identity: str | None
    state: str
    revision: int


class Scenario(msgspec.Struct, frozen=True):
    """A connected room, and what is done to it.

    `session_timeout_s` None: the server sets no window. `silent`: it sends no heartbeats from the beginning on.
    """

    id: str
    stimuli: tuple[Stimulus, ...]
    name: str = ""
    session_timeout_s: float | None = SESSION_TIMEOUT_S
    initial_participants: tuple[Someone, ...] = ()
    silent: bool = False


def read(file: str, text: bytes) -> list[Scenario]:
    """The scenarios in a file's text: TOML if its name ends so, else JSON. Raises ScenarioError."""
    if len(text) > FILE_MAX:
        raise ScenarioError(file, "", f"holds more than {FILE_MAX} bytes; put its scenarios into several files")
    document = _document(file, text)
    if isinstance(document, dict) and "scenarios" in document:
        document = document["scenarios"]
        top = "scenarios"
    elif isinstance(document, dict):
        return [_scenario(_Place(file, ""), document, PurePath(file).stem)]
    else:
        top = ""
    here = _Place(file, top)
    items = here.listed(document, SCENARIOS_MAX, "scenarios")
    if not items:
        raise here.wrong("holds no scenario; write one at least")
    return [_scenario(here.at(n), item, f"{PurePath(file).stem}-{n + 1}") for n, item in enumerate(items)]


def _document(file: str, text: bytes) -> Any:
    text = text.removeprefix(BOM_UTF8)
    try:
        if file.lower().endswith(".toml"):
            return tomllib.loads(text.decode())
        return msgspec.json.decode(text)
    except (tomllib.TOMLDecodeError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ScenarioError(file, "", f"cannot be read: {error}; write JSON, or TOML in a file *.toml") from None


class _Place(NamedTuple):
    """Where in which file, for errors."""

    file: str
    path: str

    def key(self, name: str) -> _Place:
        return _Place(self.file, f"{self.path}.{name}" if self.path else name)

    def at(self, number: int) -> _Place:
        return _Place(self.file, f"{self.path}[{number}]")

    def wrong(self, reason: str) -> ScenarioError:
        return ScenarioError(self.file, self.path, reason)

    def listed(self, value: Any, most: int, what: str) -> list[Any]:
        if not isinstance(value, list):
            raise self.wrong(f"is {_kind(value)}; make it a list of {what}")
        if len(value) > most:
            raise self.wrong(f"has {len(value)} {what}; {most} are the most")
        return value

    def table(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.wrong(f"is {_kind(value)}; make it a table")
        return value

    def text(self, value: Any) -> str:
        if not isinstance(value, str):
            raise self.wrong(f"is {_kind(value)}; make it a text")
        return value

    def number(self, value: Any, most: float, unit: str, least: float = 0) -> float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not least <= value <= most:
            raise self.wrong(f"is {_shown(value)}; make it a number from {least:.0f} to {most:.0f} {unit}")
        return float(value) if isinstance(value, float) and not value.is_integer() else int(value)

    def whole(self, value: Any, least: int | None = None) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.wrong(f"is {_shown(value)}; make it a whole number")
        if least is not None and value < least:
            raise self.wrong(f"is {value}; make it {least} or more")
        return value

    def word(self, value: Any, words: tuple[str, ...]) -> str:
        if value not in words:
            raise self.wrong(f"is {_shown(value)}; make it one of {', '.join(words)}")
        return str(value)


def _scenario(here: _Place, value: Any, name: str) -> Scenario:
    table = here.table(value)
    for key in table:
        meant = get_close_matches(key, KEYS, n=1, cutoff=0.7)
        if key not in KEYS and meant:
            raise here.key(key).wrong(f"is no key of a scenario; did you mean {meant[0]}?")
    if "stimuli" not in table:
        raise here.wrong("has no stimuli; say what is done as a list of [ms, kind, value]")
    timeout = table.get("session_timeout_s", SESSION_TIMEOUT_S)
    if timeout is not None:
        timeout = here.key("session_timeout_s").number(timeout, DAY_MS / 1000, "seconds")
    return Scenario(
        id=here.key("id").text(table.get("id", name)),
        name=here.key("name").text(table.get("name", "")),
        session_timeout_s=timeout,
        initial_participants=_people(here.key("initial_participants"), table.get("initial_participants", [])),
        silent=policies.is_silent(here.key("precondition").text(table.get("precondition", ""))),
        stimuli=tuple(_stimuli(here.key("stimuli"), table["stimuli"])),
    )


def _people(here: _Place, value: Any) -> tuple[Someone, ...]:
    return tuple(_someone(here.at(n), item) for n, item in enumerate(here.listed(value, STIMULI_MAX, "participants")))


def _someone(here: _Place, value: Any) -> Someone:
    table = here.table(value)
    missing = [name for name in ("sid", "state", "revision") if name not in table]
    if missing:
        raise here.wrong(f"has no {missing[0]}; a participant has sid, identity, state and revision")
    identity = table.get("identity")
    return Someone(
        here.key("sid").text(table["sid"]),
        None if identity is None else here.key("identity").text(identity),
        here.key("state").text(table["state"]),
        here.key("revision").whole(table["revision"], least=0),
    )


def _stimuli(here: _Place, value: Any) -> Iterator[Stimulus]:
    earlier = 0.0
    for n, item in enumerate(here.listed(value, STIMULI_MAX, "stimuli")):
        place = here.at(n)
        if not isinstance(item, list) or not 2 <= len(item) <= 3:
            raise place.wrong(f"is {_shown(item)}; write [ms, kind] or [ms, kind, value]")
        ms = place.at(0).number(item[0], DAY_MS, "milliseconds")
        if ms < earlier:
            raise place.at(0).wrong(
                f"is {ms}, but time is at {earlier} there already; put stimuli in the order of time"
            )
        kind = place.at(1).word(item[1], tuple(VALUES))
        stimulus = Stimulus(ms, kind, VALUES[kind](place.at(2), item[2] if len(item) == 3 else None))
        earlier = ms + stimulus.value if kind == "advance_ms" else ms
        yield stimulus


# What may stand behind each kind


def _nothing(here: _Place, value: Any) -> None:
    del here, value


def _anything(here: _Place, value: Any) -> Any:
    del here
    return value


def _close_code(here: _Place, value: Any) -> int:
    if isinstance(value, dict):
        return _close_code(here.key("code"), value.get("code"))
    code = policies.CLOSED_ABNORMALLY if value is None else here.whole(value)
    if not 1000 <= code <= 4999:
        raise here.wrong(f"is {code}; make it the code of a WebSocket's close, 1000 to 4999")
    return code


def _ice(here: _Place, value: Any) -> tuple[str, str]:
    if isinstance(value, dict):
        peer = here.key("peer").text(value.get("peer", policies.ONE_PEER))
        return peer, here.key("state").word(value.get("state"), tuple(RANK))
    return policies.ONE_PEER, here.word(value, tuple(RANK))


def _connection_state(here: _Place, value: Any) -> tuple[str, str]:
    if isinstance(value, dict):
        peer = here.key("peer").text(value.get("peer", policies.ONE_PEER))
        return peer, here.key("state").word(value.get("state"), CONNECTION_STATES)
    return policies.ONE_PEER, here.word(value, CONNECTION_STATES)


def _duration(here: _Place, value: Any) -> float:
    return here.number(value, DAY_MS, "milliseconds")


def _policy(here: _Place, value: Any) -> policies.Policy:
    policy = policies.understood(here.text(value))
    if policy is None:
        raise here.wrong(f"is {_shown(value)}, which is not understood; {policies.FORMS}")
    return policy


def _welcome(here: _Place, value: Any) -> dict[str, Any]:
    frame = {**here.table({} if value is None else value), "type": "welcome"}
    return {**frame, "negotiatedTimeout": _negotiated(here, frame)}


def _message(here: _Place, value: Any) -> dict[str, Any]:
    table = here.table(value)
    here.key("type").text(table.get("type"))
    people = table.get("participants")
    return {**table, "participants": _people(here.key("participants"), [] if people is None else people)}


def _frame(here: _Place, value: Any) -> Any:
    """A frame may be anything, as from a server that has gone wrong; what is known of it has to be right."""
    frame = _decoded(value) if isinstance(value, str) else value
    return _known_frame(here, frame) if isinstance(frame, dict) else frame


def _decoded(text: str) -> Any:
    """A frame as the client reads it: text is JSON, and what is none reads as nothing."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None


def _known_frame(here: _Place, value: dict[str, Any]) -> dict[str, Any]:
    match value.get("type"):
        case "msg":
            return {**value, "body": _message(here.key("body"), value.get("body"))}
        case "busy":
            here.key("retryAfter").number(value.get("retryAfter"), DAY_MS, "milliseconds", least=-DAY_MS)
        case "welcome":
            return {**value, "negotiatedTimeout": _negotiated(here, value)}
    return value


def _negotiated(here: _Place, frame: dict[str, Any]) -> float:
    timeout = frame.get("negotiatedTimeout", policies.NEGOTIATED_MS)
    return here.key("negotiatedTimeout").number(timeout, DAY_MS, "milliseconds")


VALUES: Final = {
    "server_ws_close": _close_code,
    "ws_open": _nothing,
    "ws_open_and_welcome": _welcome,
    "server_msg": _message,
    "server_frame": _frame,
    "ice": _ice,
    "pc_connection_state": _connection_state,
    "app_room_disconnect": _nothing,
    "network_change": _nothing,
    "policy": _policy,
    "advance_ms": _duration,
    "note": _anything,
}
"""Every kind of stimulus, and what reads the value behind it."""


def _kind(value: Any) -> str:
    kinds = {dict: "a table", list: "a list", str: "a text", bool: "a truth value", int: "a number", float: "a number"}
    return kinds.get(type(value), "nothing" if value is None else type(value).__name__)


def _shown(value: Any) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
