"""Why did this call drop? An answer by rules: the first row of RULES that fits a case is the verdict. Pure.

Rules:
1. A verdict is one sentence, how sure it is, the name of its rule, and the evidence as lines with times. The same case
   always has the same verdict.
2. What others lived through at the same moment tells one home from a room, a region or a release. Where there was
   nobody to compare with, it says so and is less sure.
3. "Not enough data" is a verdict, and says what is missing.

docs/verdicts.md has a paragraph for each rule; tests play each out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from collector.store.shares import interval
from collector.store.views_around import Case
from collector.verdict.words import (
    MANY_MIN,
    Confidence,
    Line,
    Verdict,
    are_few,
    are_many,
    around_of_trouble,
    beside_lines,
    by_others,
    code_of,
    end_line,
    error_of,
    how_it_ended,
    lost_line,
    never_joined,
    of_all,
    seconds,
    together,
    version_lines,
)

TOKEN_CODES: Final = (20101, 20102, 20103, 20105, 20106, 20107)
EXPIRED: Final = 20104
TOO_LONG: Final = 53216
FULL: Final = 53105
BUSY: Final = 53006
COMPARED_MIN: Final = 3
"""Fewer others near say little."""
TROUBLED_S: Final = 30.0
BY_EVENTS: Final = ("own-network",)
"""Rules that an event could have spoken against: a change of network stands in events alone."""

Rule = Callable[[Case], Verdict | None]


def verdict_of(case: Case) -> Verdict:
    """The verdict of the first rule that fits; the last one always does."""
    found = next(found for rule in RULES if (found := rule(case)) is not None)
    return _without_events(case, found) if case.is_without_events else found


def _without_events(case: Case, found: Verdict) -> Verdict:
    """The verdict says that events are missing; one that they could have told otherwise is unsure."""
    days = case.events_kept_days
    aged = f"its events, which are kept {days} days" if days else "its events, which have aged out"
    sure: Confidence = "unsure" if found.rule in BY_EVENTS else found.confidence
    return found._replace(confidence=sure, missing=(*found.missing, aged))


def going_on(case: Case) -> Verdict | None:
    """The session has not ended."""
    its = case.story.session
    if its.fate not in {"connecting", "live"}:
        return None
    if case.outage is not None:
        since = seconds(case.outage.downtime_ms)
        sentence = f"It has not ended: it is reconnecting, for {since} as far as it told."
        return Verdict("going-on", sentence, "certain", (lost_line(case.outage), *beside_lines(case.around)))
    return Verdict(
        "going-on", "It has not ended, and it is connected." if its.fate == "live" else "It is joining.", "certain", ()
    )


def room_ended(case: Case) -> Verdict | None:
    """Somebody ended the room for all, or its time was up."""
    its = case.story.session
    if its.fate != "completed":
        return None
    over = code_of(its) == TOO_LONG
    sentence = "It reached the longest time allowed for a session." if over else "The room was ended for everyone."
    return Verdict("room-ended", sentence, "certain", (end_line(its),))


def joined_elsewhere(case: Case) -> Verdict | None:
    """The same identity joined again, and the server let the older session go."""
    its = case.story.session
    if its.fate != "superseded":
        return None
    return Verdict(
        "joined-elsewhere",
        "The same identity joined again elsewhere, and this session had to go.",
        "certain",
        (end_line(its),),
    )


def removed(case: Case) -> Verdict | None:
    """The server let the participant go without an error."""
    its = case.story.session
    if its.fate != "removed":
        return None
    return Verdict("removed", "The application or a host removed the participant.", "certain", (end_line(its),))


def left(case: Case) -> Verdict | None:
    """The participant left while connected; shortly after trouble, or without any."""
    its = case.story.session
    if its.fate != "left" or its.ended_at is None:
        return None
    last = case.story.outages[-1] if case.story.outages else None
    if last is not None and last.ended_at is not None:
        after_s = (its.ended_at - last.ended_at).total_seconds()
        if after_s <= TROUBLED_S:
            sentence = (
                f"The participant left, {after_s:.0f} s after an outage of {seconds(last.downtime_ms)} had ended."
            )
            return Verdict(
                "left-after-trouble",
                sentence,
                "likely",
                (lost_line(last), Line(last.ended_at, "connected again"), end_line(its)),
            )
    return Verdict(
        "left", "The participant left while connected: nothing had dropped the call.", "certain", (end_line(its),)
    )


def process_died(case: Case) -> Verdict | None:
    """The next start of the same process said that the one before had died."""
    its = case.story.session
    if its.ending is None or its.ending.origin != "restart":
        return None
    return Verdict(
        "process-died", "The application's process died, and its next start said so.", "certain", (end_line(its),)
    )


def token_expired(case: Case) -> Verdict | None:
    """The token had expired when the client joined or came back."""
    its = case.story.session
    if code_of(its) != EXPIRED:
        return None
    lines = [*([lost_line(case.outage)] if case.outage else [])]
    if its.token is not None:
        lines.append(Line(its.token.expires_at, "the access token expired"))
    lines.append(end_line(its))
    at = its.ended_at or its.started_at
    before = ""
    if its.token is not None and its.token.expires_at <= at:
        before = f", {seconds((at - its.token.expires_at).total_seconds() * 1000)} before"
    return Verdict(
        "token-expired",
        f"The access token had expired{before}, so the client was turned away.",
        "certain",
        tuple(lines),
    )


def token_refused(case: Case) -> Verdict | None:
    """The server would not take the token."""
    its = case.story.session
    if code_of(its) not in TOKEN_CODES:
        return None
    return Verdict(
        "token-refused", f"The server refused the access token: {error_of(its)}.", "certain", (end_line(its),)
    )


def room_full(case: Case) -> Verdict | None:
    """The room had no place left."""
    its = case.story.session
    return Verdict("room-full", "The room was full.", "certain", (end_line(its),)) if code_of(its) == FULL else None


def cancelled(case: Case) -> Verdict | None:
    """The application gave up joining by itself."""
    its = case.story.session
    if its.fate != "not_joined" or code_of(its) is not None or its.ending is None or its.ending.origin != "local":
        return None
    return Verdict("cancelled", "The application gave up joining before it was done.", "certain", (end_line(its),))


def everywhere(case: Case) -> Verdict | None:
    """Many were hit in all regions at once."""
    around = around_of_trouble(case)
    if around is None or not (are_many(together(around.room, around.region)) and are_many(around.elsewhere)):
        return None
    what = "Joining failed" if never_joined(case) else "Connections broke"
    return by_others(case, "everywhere", f"{what} in all regions at once: not their network.", "certain")


def region(case: Case) -> Verdict | None:
    """Many were hit in its region, and not elsewhere."""
    around = around_of_trouble(case)
    if around is None or not are_many(around.region):
        return None
    name = case.story.session.client.region or "the same, untold, region"
    what = "to join" if never_joined(case) else "connection"
    verb = "failed" if never_joined(case) else "lost"
    hit = f"{of_all(around.region)} others in region {name} {verb} {what}"
    sentence = f"{hit} at the same time: the region, not their network."
    sure: Confidence = "certain" if are_few(around.elsewhere) else "likely"
    return by_others(case, "region", sentence, sure)


def room(case: Case) -> Verdict | None:
    """Most of its room were hit, and others of its region were not."""
    around = around_of_trouble(case)
    if around is None or never_joined(case) or around.room.hit < 2 or around.room.hit < 0.5 * around.room.there:
        return None
    outside = together(around.region, around.elsewhere)
    if outside.there and not are_few(outside):
        return None
    hit = f"{of_all(around.room)} others in the room lost connection at the same time"
    if not outside.there:
        found = by_others(case, "room", f"{hit}: the room, or what they share.", "unsure")
        return found._replace(missing=("others outside the room, to compare with",))
    return by_others(case, "room", f"{hit}, and hardly anybody outside: the room or its media server.", "likely")


def release(case: Case) -> Verdict | None:
    """Its app version has far more outages of this cause than others at the time."""
    around = around_of_trouble(case)
    if around is None or case.outage is None or case.outage.cause is None:
        return None
    ours, rest = (
        interval(around.version.hit, around.version.there),
        interval(around.other_versions.hit, around.other_versions.there),
    )
    if ours is None or rest is None or around.version.hit < MANY_MIN or ours[0] <= rest[1]:
        return None
    name = case.story.session.client.app_version or "not told"
    sentence = (
        f"App version {name} lost its {case.outage.cause} for {of_all(around.version)} sessions within an hour, "
        f"other versions for {of_all(around.other_versions)}: the release."
    )
    found = by_others(case, "release", sentence, "likely")
    *before, end = found.evidence
    return found._replace(evidence=(*before, *version_lines(around, case.outage.cause), end))


def network_changed(case: Case) -> Verdict | None:
    """The kind of network changed when connection was lost."""
    around = around_of_trouble(case)
    if around is None or len(case.networks) < 2 or never_joined(case):
        return None
    sentence = f"Their network changed from {case.networks[0]} to {case.networks[-1]} when connection was lost."
    return by_others(case, "network-changed", sentence, "likely")


def server_busy(case: Case) -> Verdict | None:
    """The server had no room for the join."""
    its = case.story.session
    return (
        Verdict(
            "server-busy",
            "The server was too busy to take the join.",
            "certain",
            (end_line(its), *beside_lines(case.around)),
        )
        if code_of(its) == BUSY
        else None
    )


def join_failed(case: Case) -> Verdict | None:
    """The join failed with a code, and others could join."""
    its = case.story.session
    if its.fate != "not_joined" or its.ending is None or its.ending.error is None:
        return None
    alone = case.around is not None and are_few(together(case.around.region, case.around.elsewhere))
    after = ", while others could join" if alone else ""
    return Verdict(
        "join-failed",
        f"Joining failed: {error_of(its)}{after}.",
        "likely" if alone else "unsure",
        (end_line(its), *beside_lines(case.around)),
    )


def own_network(case: Case) -> Verdict | None:
    """Nobody else was hit at the same moment."""
    around = around_of_trouble(case)
    if around is None or case.outage is None:
        return None
    others = together(around.room, around.region, around.elsewhere)
    if not are_few(others):
        return None
    near = together(around.room, around.region)
    sure: Confidence = "likely" if near.there >= COMPARED_MIN else "unsure"
    hit = f"only {of_all(others)}" if others.hit else f"none of {others.there}"
    sentence = (
        f"Their own network: {hit} others who were connected lost connection at the same time. {how_it_ended(case)}"
    )
    return by_others(case, "own-network", sentence, sure)


def ended_by_error(case: Case) -> Verdict | None:
    """The server ended it with an error, without an outage before."""
    its = case.story.session
    if its.fate != "dropped" or case.outage is not None or code_of(its) is None:
        return None
    return Verdict(
        "ended-by-error",
        f"It was dropped without an outage before: {error_of(its)}.",
        "likely",
        (end_line(its), *beside_lines(case.around)),
    )


def went_silent(case: Case) -> Verdict | None:
    """Nothing was heard of it any more: a crash, a closed lid, or lost telemetry."""
    its = case.story.session
    if its.fate != "lost":
        return None
    sentence = "It went silent: the tab or device was closed, the process died, or its telemetry did not get through."
    lines = (*((lost_line(case.outage),) if case.outage else ()), end_line(its), *beside_lines(case.around))
    return Verdict("went-silent", sentence, "unsure", lines, ("what happened after its last event",))


def connection_lost(case: Case) -> Verdict | None:
    """Connection was lost, and others say neither one nor the other."""
    around = around_of_trouble(case)
    if around is None or case.outage is None:
        return None
    others = together(around.room, around.region, around.elsewhere)
    missing = () if others.there >= COMPARED_MIN else ("others who were connected at the time, to compare with",)
    return by_others(case, "connection-lost", f"Connection was lost. {how_it_ended(case)}", "unsure")._replace(
        missing=missing
    )


def not_enough_data(case: Case) -> Verdict:
    """Nothing fits: what was told does not say why."""
    story, missing = case.story, list[str]()
    if story.session.events_received < story.session.events_expected:
        missing.append(f"{story.session.events_expected - story.session.events_received} of its events")
    if story.session.ending is None:
        missing.append("how it ended")
    sentence = "Not enough data: what was told does not say why it ended."
    if case.is_without_events:
        return Verdict(
            "not-enough-data", f"{sentence[:-1]}, and its events have aged out.", "unsure", (), tuple(missing)
        )
    return Verdict("not-enough-data", sentence, "unsure", (), tuple(missing) or ("a cause",))


RULES: Final[tuple[Rule, ...]] = (
    going_on,
    room_ended,
    joined_elsewhere,
    removed,
    left,
    process_died,
    token_expired,
    token_refused,
    room_full,
    cancelled,
    everywhere,
    region,
    room,
    release,
    network_changed,
    server_busy,
    join_failed,
    own_network,
    ended_by_error,
    connection_lost,
    went_silent,
    not_enough_data,
)
"""From what is told outright to what is concluded; what others lived through goes before what a code says."""
