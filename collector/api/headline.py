"""What the first page says in words: what broke, since when, for whom, with which code, whether they came back. Pure.

Every sentence is made of counts that stand on the same page; where there is nothing to say, it says so. A count leads
to its rows; a share and what is usual are of no rows of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final, NamedTuple

from collector.api.beginning import beginning
from collector.api.behind import BADLY, FAILED, between, failed, outages, sessions
from collector.api.behind import settled as over
from collector.api.meanings import meaning
from collector.api.words import duration, iso, minute_clock, number, share
from collector.store.questions import Dimension, Span
from collector.store.views import Affected, FailureBucket, FailureCodes, OutageBucket
from collector.store.views_kpis import Kpis
from collector.times import HOUR_US
from session_core.instants import us_from_utc, utc_from_us

GOOD: Final = 0.95
"""Of those who lost connection, so many come back where reconnecting works."""
STANDS_OUT: Final = 0.2
"""A region or version stands out whose share of the trouble is so much above its share of the sessions."""
TROUBLE_MIN: Final = 5
"""Below that, one user's bad afternoon would name a region."""

SINCE, LAST_HOUR = "-1h", "-1h.."
_BADLY: Final = (*BADLY, *FAILED["join"])
_DIMENSIONS: Final[dict[Dimension, str]] = {
    "region": "Region",
    "app_version": "App version",
    "sdk_version": "SDK version",
    "sdk": "SDK",
}
_CAUSES: Final = {"signaling": "Signaling", "media": "Media"}


class Said(NamedTuple):
    """A piece of a sentence. `href`: the rows that it counts; empty where it leads nowhere."""

    text: str
    href: str = ""


class Statement(NamedTuple):
    """One answer: the question, the answer in a few words, and what it rests on. `tone`: bad, good or calm.

    `href`: the rows behind it; empty where there are none. `at`: the moment, where the answer is one.
    """

    question: str
    answer: str
    evidence: tuple[Said, ...]
    tone: str
    href: str = ""
    at: datetime | None = None


class Hours(NamedTuple):
    """What is looked at for a beginning: outages and failures in stretches of time, up to now."""

    outages: Iterable[OutageBucket]
    failures: FailureCodes
    span: Span
    bucket_us: int


def headline(
    buckets: Iterable[OutageBucket],
    codes: FailureCodes,
    affected: Mapping[Dimension, Sequence[Affected]],
    told: Kpis,
    hours: Hours,
) -> tuple[Statement, ...]:
    """The five answers of an hour; `hours` are those that it is the last of."""
    by_cause: Counter[str] = Counter()
    still_open = 0
    for one in buckets:
        by_cause[one.cause or ""] += one.count
        still_open += one.count if one.outcome == "open" else 0
    joins = {one.error.code: one.count for one in codes.items if one.phase == "join"}
    return (
        _what(by_cause, _failed_joins(joins, between(codes.since, codes.until))),
        _since(hours),
        _whom(affected),
        _code(codes),
        _back(told, still_open),
    )


def _failed_joins(by_code: Mapping[int, int], ended: str) -> tuple[Said, ...]:
    """How many joins failed; empty where none did."""
    count = sum(by_code.values())
    if not count:
        return ()
    return Said(number(count), failed(by_code, ended, FAILED["join"])), Said(f" join{_s(count)} failed")


def _what(by_cause: Counter[str], joins: tuple[Said, ...]) -> Statement:
    question = "What broke?"
    whole = by_cause.total()
    if not whole:
        if joins:
            said = (*joins, Said(", and no outage began"))
            return Statement(question, "Joining", said, "bad", sessions(FAILED["join"], LAST_HOUR))
        return Statement(question, "Nothing", (Said("no outage began and no join failed"),), "calm")
    cause, count = by_cause.most_common(1)[0]
    answer = _CAUSES.get(cause, "Connections")
    if count < whole:
        answer += ", mostly" if count > whole / 2 else " and more"
    theirs = outages(SINCE, also=[("cause", cause)])
    said = (Said(number(count), theirs), Said(" of "), Said(number(whole), outages(SINCE)), Said(f" outage{_s(whole)}"))
    return Statement(question, answer, (*said, *((Said("; "), *joins) if joins else ())), "bad", theirs)


def _since(hours: Hours) -> Statement:
    """When the outages began; or the failed joins, where those rose higher."""
    question, minutes = "Since when?", hours.bucket_us // 60_000_000
    joins = [one for one in hours.failures.buckets or () if one.phase == "join"]
    found = []
    for noun, counts in (("outage", hours.outages), ("failed join", joins)):
        row: Counter[int] = Counter()
        for one in counts:
            row[us_from_utc(one.at)] += one.count
        found.append((noun, row, beginning(row, hours.span, hours.bucket_us, HOUR_US)))
    noun, row, began = max(found, key=lambda one: (one[2].at_us is not None, one[2].most - one[2].usual))
    if began.most <= 0:
        return Statement(question, "Nothing began", (Said("no outage and no failed join"),), "calm")
    usual = f" in {minutes} min, where {number(began.usual) if began.usual else 'none'} {_is(began.usual)} usual"
    peak = next((utc_from_us(one) for one in sorted(row) if row[one] == began.most), None)
    if peak is None:
        most = Said(number(began.most))
    else:
        beyond = peak + timedelta(microseconds=hours.bucket_us)
        highest = outages(iso(peak), iso(beyond)) if noun == "outage" else _joins(hours.failures, joins, peak, beyond)
        most = Said(number(began.most), highest)
    if began.at_us is None:
        said = (Said("at most "), most, Said(f" {noun}{_s(began.most)}{usual}"))
        return Statement(question, "No sudden beginning", said, "calm")
    at = utc_from_us(began.at_us)
    count = sum(row[one] for one in row if one >= began.at_us)
    rows = outages(iso(at)) if noun == "outage" else _joins(hours.failures, joins, at)
    evidence = (Said(number(count), rows), Said(f" {noun}{_s(count)} since then, up to "), most, Said(usual))
    return Statement(question, minute_clock(at), evidence, "bad", rows, at)


def _joins(failures: FailureCodes, joins: Iterable[FailureBucket], at: datetime, until: datetime | None = None) -> str:
    codes = {one.code for one in joins if one.at >= at and (until is None or one.at < until)}
    ended = f"{iso(at)}..{'' if until is None else iso(until)}"
    return "" if failures.codes_left_out else failed(sorted(codes), ended, FAILED["join"])


def _whom(affected: Mapping[Dimension, Sequence[Affected]]) -> Statement:
    question = "For whom?"
    if not any(row.outages or _ended_badly(row) for rows in affected.values() for row in rows):
        return Statement(question, "Nobody", (Said("nothing broke"),), "calm")
    found = [
        one
        for dimension, rows in affected.items()
        for measure, noun in ((_ended_badly, "sessions that failed"), (_outages, "outages"))
        for one in _standing_out(dimension, rows, measure, noun)
    ]
    if not found:
        return Statement(question, "All alike", (Said("no region or version stands out"),), "calm")
    _, answer, evidence, href = max(found)
    return Statement(question, answer, (Said(evidence),), "bad", href)


def _standing_out(
    by: Dimension, rows: Sequence[Affected], measure: Callable[[Affected], int], noun: str
) -> Iterator[tuple[float, str, str, str]]:
    """Values of a dimension that have more of the trouble than of the sessions: by how much, what, why, which."""
    whole = sum(measure(row) for row in rows)
    there = sum(_there(row) for row in rows)
    for row in rows if whole >= TROUBLE_MIN and there else ():
        hit, present = measure(row) / whole, _there(row) / there
        if hit - present >= STANDS_OUT:
            evidence = f"{share(hit)} of the {noun}, {share(present)} of the sessions there"
            theirs = [(by, row.value or "")]
            which = outages(SINCE, also=theirs) if measure is _outages else sessions(_BADLY, LAST_HOUR, theirs)
            yield hit - present, f"{_DIMENSIONS[by]} {row.value or 'not told'}", evidence, which


def _code(codes: FailureCodes) -> Statement:
    question = "With which code?"
    if not codes.items:
        return Statement(question, "None", (Said("no session ended with an error"),), "calm")
    by_code: Counter[int] = Counter()
    for one in codes.items:
        by_code[one.error.code] += one.count
    code, count = min(by_code.items(), key=lambda pair: (-pair[1], pair[0]))
    ended, whole = between(codes.since, codes.until), by_code.total()
    evidence = (
        Said(number(count), failed([code], ended)),
        Said(" of "),
        Said(number(whole), failed(by_code, ended)),
        Said(f" failed session{_s(whole)}. {meaning(code)}"),
    )
    return Statement(question, str(code), evidence, "bad", f"/codes/{code}?last=24h")


def _back(told: Kpis, still_open: int) -> Statement:
    question = "Did they come back?"
    strict, abandoned = told.kpis["reconnect_success_strict"], int(told.kpis["abandonment"].numerator)
    back, settled = int(strict.numerator), int(strict.denominator)
    open_now = outages(SINCE, also=[("outcome", "open")])
    waiting = (Said(number(still_open), open_now), Said(" still reconnecting")) if still_open else ()
    if settled <= 0:
        answer = "Too early to say" if waiting else "Nobody was gone"
        return Statement(question, answer, waiting or (Said("no outage"),), "calm")
    ended = partial(over, told.since, told.until)
    said = [
        Said(number(back), ended(["recovered"])) if back else Said("none"),
        Said(" of "),
        Said(number(settled), ended()),
        Said(f" outage{_s(settled)}"),
    ]
    median = told.distributions["time_to_reconnect"].p50
    if median is not None:
        said.append(Said(f", half within {duration(median)}"))
    if stayed := settled - back - abandoned:
        said += [Said(", "), Said(number(stayed), ended(["failed", "lost"])), Said(" did not")]
    if abandoned:
        said += [Said(", "), Said(number(abandoned), ended(["abandoned"])), Said(" left while waiting")]
    if waiting:
        said += [Said(", "), *waiting]
    tone = "good" if back / settled >= GOOD else "bad"
    return Statement(question, share(back / settled), tuple(said), tone, ended())


def _outages(row: Affected) -> int:
    return row.outages


def _ended_badly(row: Affected) -> int:
    return row.dropped + row.join_failures


def _there(row: Affected) -> int:
    return max(0, row.live + row.ended + row.join_failures)


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _is(count: int) -> str:
    return "is" if count < 2 else "are"
