"""What verdicts are made of: the answer's shape, counts of others, and the words for what was told. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal, NamedTuple

from collector.store.questions import Among
from collector.store.views import OutageView, SessionView
from collector.store.views_around import Around, Case, Others

Confidence = Literal["certain", "likely", "unsure"]

BAD_FATES: Final = ("dropped", "abandoned", "lost", "not_joined")
"""Of sessions that did not end as somebody wanted."""
MANY: Final = 0.3
"""From this share of the others on, what hit them hit this session too."""
MANY_MIN: Final = 3
FEW: Final = 0.1


class Line(NamedTuple):
    """A piece of evidence: when, where it has a time, and what; which others it counts, where it does, and how many."""

    at: datetime | None
    says: str
    among: Among | None = None
    others: Others | None = None


class Verdict(NamedTuple):
    """The answer. `missing` is what would make it surer."""

    rule: str
    sentence: str
    confidence: Confidence
    evidence: tuple[Line, ...]
    missing: tuple[str, ...] = ()


ACTIONS: Final[dict[str, str]] = {
    "everywhere": "Look at what all regions share: signaling's release, DNS, certificates, the token service.",
    "region": "Look at the signaling servers of the region and the way to them, or move traffic away from it.",
    "room": "Look at the media server that the room was on, and at what its participants share: an office, a network.",
    "release": "Compare the release with the one before, and take it back if it stands out.",
    "network-changed": "Nothing on your side: they moved to another network. A longer window lets more come back.",
    "own-network": "Nothing on your side, unless they ask often: then their network is what to look at.",
    "process-died": "Look for crashes of the application at that time.",
    "removed": "Ask who removes participants: the application, or a host.",
    "went-silent": "Look for crashes at that time, and at whether telemetry of others came through.",
}
"""What to do where the rule says more of that than a code does."""


def code_of(its: SessionView) -> int | None:
    """The code that it ended with; None: none was told."""
    return its.ending.error.code if its.ending is not None and its.ending.error is not None else None


def error_of(its: SessionView) -> str:
    """The same with its words."""
    error = its.ending.error if its.ending is not None else None
    return "no code was told" if error is None else f"{error.code}, {error.message}"


def never_joined(case: Case) -> bool:
    """Whether the session never joined its room."""
    return case.story.session.fate == "not_joined"


def around_of_trouble(case: Case) -> Around | None:
    """What happened around the moment, where it was trouble that ended the session."""
    return case.around if case.story.session.fate in BAD_FATES else None


def are_many(others: Others) -> bool:
    """Whether what hit these others is no coincidence."""
    return others.hit >= MANY_MIN and others.hit >= MANY * others.there


def are_few(others: Others) -> bool:
    """Whether hardly anybody of them was hit."""
    return others.hit <= max(1, FEW * others.there) and others.there >= 1


def together(*groups: Others) -> Others:
    """Groups of others as one."""
    return Others(hit=sum(one.hit for one in groups), there=sum(one.there for one in groups))


def of_all(others: Others) -> str:
    """`14 of 15`."""
    return f"{others.hit} of {others.there}"


def seconds(ms: float) -> str:
    """A duration as a sentence says it."""
    seconds = ms / 1000
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def lost_line(outage: OutageView) -> Line:
    """The line about the beginning of an outage."""
    what = {"signaling": "signaling was lost", "media": "media was lost"}.get(outage.cause or "", "connection was lost")
    return Line(outage.started_at, what)


def end_line(its: SessionView) -> Line:
    """The line about the end."""
    words = {
        "window": "the reconnection window was over",
        "attempts": "the attempts to come back were used up",
        "server": "the server ended it",
        "media": "media had failed",
        "transport": "signaling had failed",
        "local": "this side left",
        "restart": "the process had died",
    }
    ending = its.ending
    if ending is None:
        return Line(its.last_event_at, "the last that was heard of it")
    code = "" if ending.error is None else f", with {ending.error.code} ({ending.error.message})"
    return Line(ending.at, f"{words.get(ending.origin or '', 'it ended')}{code}")


def how_it_ended(case: Case) -> str:
    """How the end came about, as a sentence."""
    its, outage = case.story.session, case.outage
    if outage is None:
        return ""
    gone = seconds(outage.downtime_ms)
    if its.fate == "abandoned":
        return f"They left after {gone} of reconnecting."
    if its.fate == "lost":
        return "Nothing was heard of them after that."
    origin = its.ending.origin if its.ending is not None else None
    if origin == "window":
        return f"Their reconnection window ended {gone} after connection was lost."
    if origin == "attempts":
        return f"All {outage.attempts} attempts to come back within {gone} failed."
    return f"It ended {gone} after that."


def beside_lines(around: Around | None) -> tuple[Line, ...]:
    """What others lived through at the moment."""
    if around is None:
        return ()
    return _group_lines(
        around,
        "were hit too",
        ("room", around.room, "others in the room"),
        ("region", around.region, "others in the region, in other rooms"),
        ("elsewhere", around.elsewhere, "in other regions"),
    )


def version_lines(around: Around, cause: str) -> tuple[Line, ...]:
    """What others of its app version, and of others, lived through within an hour."""
    return _group_lines(
        around,
        f"lost {cause} within an hour",
        ("version", around.version, "others with its app version"),
        ("other_versions", around.other_versions, "with other versions"),
    )


def _group_lines(around: Around, fared: str, *groups: tuple[Among, Others, str]) -> tuple[Line, ...]:
    return tuple(
        Line(around.at, f"{of_all(others)} {words} {fared}", among, others)
        for among, others, words in groups
        if others.there
    )


def by_others(case: Case, rule: str, sentence: str, sure: Confidence) -> Verdict:
    """A verdict with what others lived through as evidence."""
    its = case.story.session
    lines = [*([lost_line(case.outage)] if case.outage else []), *beside_lines(case.around), end_line(its)]
    if len(case.networks) > 1:
        lines.insert(1, Line(None, f"network: {', then '.join(case.networks)}"))
    if case.rejoined is not None:
        lines.append(Line(None, f"came back as session {case.rejoined}"))
    return Verdict(rule, sentence.strip(), sure, tuple(lines))
