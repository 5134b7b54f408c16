"""Can what is shown be trusted? Facts in, findings out, each a sentence of plain words with what to do. Pure.

Where a finding is bad, figures mislead; where it is unsure, they may. The rules and their limits are the table of
`findings`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from collector.api.words import duration, number, share
from collector.store.views_telemetry import Telemetry

LATE_S: Final = 90
"""The age of the newest event beyond which a live fleet is not heard: a live session tells itself every minute."""
WHOLE: Final = 0.999
LOW: Final = 0.99
SILENT_MAX: Final = 0.02
CLOCKS_MAX: Final = 0.05
SLOW_MS: Final = 10_000

GOOD, UNSURE, BAD = "good", "unsure", "bad"


class Finding(NamedTuple):
    """What was looked at, how it stands, and what to do; `part` is where the page has more of it."""

    tone: str
    says: str
    do: str
    part: str


def findings(told: Telemetry) -> tuple[Finding, ...]:
    """All of them, the worst first."""
    found = (_fresh(told), _whole(told), _silent(told), _lost(told), _refused(told), _clocks(told), _delays(told))
    order = (BAD, UNSURE, GOOD)
    return tuple(sorted((one for one in found if one is not None), key=lambda one: order.index(one.tone)))


def answer(found: tuple[Finding, ...], told: Telemetry) -> str:
    """The page's headline: the answer to whether this can be trusted."""
    if not told.completeness.sessions:
        return "There is nothing to trust: no session told anything"
    if any(one.tone == BAD for one in found):
        return "No: figures mislead"
    return "Mostly: mind what is marked" if any(one.tone == UNSURE for one in found) else "Yes"


def _fresh(told: Telemetry) -> Finding:
    age_s = told.completeness.age_s
    if age_s is None:
        do = "Look whether the collector is ready (/readyz), reads the right topic, and whether clients publish to it."
        return Finding(UNSURE, "No event arrived in this time.", do, "freshness")
    says = f"The newest event is {duration(age_s * 1000)} old."
    if age_s <= LATE_S:
        return Finding(GOOD, says, "", "freshness")
    if not told.live:
        return Finding(GOOD, f"{says} Nobody is in a room, so there is nothing to tell.", "", "freshness")
    do = (
        "Figures of now are too small. Look at /readyz first; then whether the collector lags "
        "(rtc_collector_lag_seconds) or clients no longer reach Kafka."
    )
    here = f"{_count(told.live, 'session')} should be live, and would have told themselves within a minute."
    return Finding(BAD, f"{says} {here}", do, "freshness")


def _whole(told: Telemetry) -> Finding | None:
    whole = told.completeness
    if whole.share is None:
        return None
    missing = whole.events_expected - whole.events_received
    says = f"{share(whole.share)} of the events that were sent are here; {number(missing)} are missing"
    says += f", of {_count(whole.sessions_with_gaps, 'session')}." if whole.sessions_with_gaps else "."
    if whole.share >= WHOLE:
        return Finding(GOOD, says, "", "completeness")
    do = (
        "See below which region or version they are missing from. All of one version: its outbox or its way to Kafka. "
        "All at one time: the topic lost records before they were read (RtcRecordsLost)."
    )
    return Finding(BAD if whole.share < LOW else UNSURE, says, do, "completeness")


def _silent(told: Telemetry) -> Finding | None:
    whole = told.completeness
    if not whole.sessions:
        return None
    if not whole.silent_sessions:
        return Finding(GOOD, "No session went silent.", "", "silent")
    part = whole.silent_sessions / whole.sessions
    says = (
        f"{_count(whole.silent_sessions, 'session')} of {number(whole.sessions)} went silent ({share(part)}): "
        "what became of them is not known."
    )
    if part <= SILENT_MAX:
        return Finding(GOOD, f"{says} Some always do: laptops are closed, batteries end.", "", "silent")
    do = "Crashes, killed tabs, or a way to Kafka that broke: see whether a version or a platform stands out."
    return Finding(UNSURE, says, do, "silent")


def _lost(told: Telemetry) -> Finding:
    dropped = told.completeness.events_dropped_by_clients
    if not dropped:
        return Finding(GOOD, "No client had to drop an event.", "", "lost")
    says = f"Clients told that they had to drop {_count(dropped, 'event')}."
    do = "They could not send for longer than their outbox holds: see why below, or give it more room (docs/outbox.md)."
    return Finding(UNSURE, says, do, "lost")


def _refused(told: Telemetry) -> Finding:
    refused = told.completeness.dead_letters
    if not refused:
        return Finding(GOOD, "No record was refused.", "", "refused")
    says = f"{_count(refused, 'record')} {'was' if refused == 1 else 'were'} refused: what they told counts nowhere."
    do = "See the reason below. Once it is mended: roomwatch dead-letters replay sends them again, and they count."
    return Finding(UNSURE, says, do, "refused")


def _clocks(told: Telemetry) -> Finding | None:
    wrong = told.clocks.seconds + told.clocks.minutes + told.clocks.hours
    there = wrong + told.clocks.right
    if not there:
        return None
    if not wrong:
        return Finding(GOOD, "Every client's clock is within 2 s of the broker's.", "", "clocks")
    part = share(wrong / there)
    says = f"{_count(wrong, 'session')} of {number(there)} ({part}) told times by a clock that is more than 2 s off; "
    says += "they are corrected."
    if wrong / there <= CLOCKS_MAX:
        return Finding(GOOD, says, "", "clocks")
    do = "If they are many, it may be the brokers' clock that is off: compare it with a time server."
    return Finding(UNSURE, says, do, "clocks")


def _delays(told: Telemetry) -> Finding | None:
    slowest = told.delays.to_store_p99_ms
    if slowest is None:
        return None
    says = f"Of the newest {_count(told.delays.events, 'event')}, 99 % were stored within {duration(slowest)}."
    if slowest <= SLOW_MS:
        return Finding(GOOD, says, "", "delays")
    do = "The collector cannot keep up or was away: look at its lag, and add another one (docs/scaling.md)."
    return Finding(UNSURE, says, do, "delays")


def _count(count: int, noun: str) -> str:
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"
