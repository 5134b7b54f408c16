"""What the first page says in words: what broke, for whom, with which code, and whether they came back. Pure.

Every sentence is made of counts that stand on the same page; where there is nothing to say, it says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from collector.api.behind import BADLY, FAILED, outages, sessions
from collector.api.meanings import meaning
from collector.api.words import duration, number, share
from collector.store.questions import Dimension
from collector.store.views import Affected, FailureCodes, OutageBucket
from collector.store.views_kpis import Kpis

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


class Statement(NamedTuple):
    """One answer: the question, the answer in a few words, and what it rests on. `tone`: bad, good or calm.

    `href`: the rows behind it; empty where there are none.
    """

    question: str
    answer: str
    evidence: str
    tone: str
    href: str = ""


def headline(
    buckets: Iterable[OutageBucket],
    codes: FailureCodes,
    affected: Mapping[Dimension, Sequence[Affected]],
    told: Kpis,
) -> tuple[Statement, ...]:
    """The four answers of an hour."""
    by_cause: Counter[str] = Counter()
    still_open = 0
    for one in buckets:
        by_cause[one.cause or ""] += one.count
        still_open += one.count if one.outcome == "open" else 0
    failed_joins = sum(one.count for one in codes.items if one.phase == "join")
    return (
        _what(by_cause, failed_joins),
        _whom(affected),
        _code(codes),
        _back(told, still_open),
    )


def _what(by_cause: Counter[str], failed_joins: int) -> Statement:
    question = "What broke?"
    whole = by_cause.total()
    joins = f"; {_count(failed_joins, 'join')} failed" if failed_joins else ""
    if not whole:
        if failed_joins:
            said = f"{_count(failed_joins, 'join')} failed, and no outage began"
            return Statement(question, "Joining", said, "bad", sessions(FAILED["join"], LAST_HOUR))
        return Statement(question, "Nothing", "no outage began and no join failed", "calm")
    cause, count = by_cause.most_common(1)[0]
    answer = _CAUSES.get(cause, "Connections")
    if count < whole:
        answer += ", mostly" if count > whole / 2 else " and more"
    said = f"{number(count)} of {_count(whole, 'outage')}{joins}"
    return Statement(question, answer, said, "bad", outages(SINCE, also=[("cause", cause)]))


def _whom(affected: Mapping[Dimension, Sequence[Affected]]) -> Statement:
    question = "For whom?"
    if not any(row.outages or _ended_badly(row) for rows in affected.values() for row in rows):
        return Statement(question, "Nobody", "nothing broke", "calm")
    found = [
        one
        for dimension, rows in affected.items()
        for measure, noun in ((_ended_badly, "sessions that failed"), (_outages, "outages"))
        for one in _standing_out(dimension, rows, measure, noun)
    ]
    if not found:
        return Statement(question, "All alike", "no region or version stands out", "calm")
    _, answer, evidence, href = max(found)
    return Statement(question, answer, evidence, "bad", href)


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
        return Statement(question, "None", "no session ended with an error", "calm")
    by_code: Counter[int] = Counter()
    for one in codes.items:
        by_code[one.error.code] += one.count
    code, count = min(by_code.items(), key=lambda pair: (-pair[1], pair[0]))
    evidence = f"{number(count)} of {_count(by_code.total(), 'failed session')}. {meaning(code)}"
    return Statement(question, str(code), evidence, "bad", f"/codes/{code}?last=24h")


def _back(told: Kpis, still_open: int) -> Statement:
    question = "Did they come back?"
    strict, abandoned = told.kpis["reconnect_success_strict"], int(told.kpis["abandonment"].numerator)
    back, settled = int(strict.numerator), int(strict.denominator)
    waiting = f"{number(still_open)} still reconnecting" if still_open else ""
    if settled <= 0:
        return Statement(question, "Too early to say" if waiting else "Nobody was gone", waiting or "no outage", "calm")
    facts = [f"{number(back)} of {_count(settled, 'outage')}"]
    median = told.distributions["time_to_reconnect"].p50
    if median is not None:
        facts.append(f"half within {duration(median)}")
    if failed := settled - back - abandoned:
        facts.append(f"{number(failed)} did not")
    if abandoned:
        facts.append(f"{number(abandoned)} left while waiting")
    if waiting:
        facts.append(waiting)
    tone = "good" if back / settled >= GOOD else "bad"
    return Statement(question, share(back / settled), ", ".join(facts), tone, outages(SINCE))


def _outages(row: Affected) -> int:
    return row.outages


def _ended_badly(row: Affected) -> int:
    return row.dropped + row.join_failures


def _there(row: Affected) -> int:
    return max(0, row.live + row.ended + row.join_failures)


def _count(count: int, noun: str) -> str:
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"
