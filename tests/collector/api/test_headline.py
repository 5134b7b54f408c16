"""The five answers of the first page."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, get_args

from collector.api.behind import settled
from collector.api.headline import Hours, Statement, headline
from collector.api.meanings import meaning
from collector.store.questions import Cause, Dimension, Outcome, Phase, Span
from collector.store.views import (
    Affected,
    Code,
    FailureBucket,
    FailureCodes,
    FailureCount,
    OutageBucket,
)
from collector.store.views_kpis import Distribution, Kpi, Kpis
from collector.times import HOUR_US
from session_core.instants import us_from_utc
from tests.collector.api.untold import UNTOLD

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


def _kpis(recovered: int = 0, settled: int = 0, abandoned: int = 0, p50: float | None = None) -> Kpis:
    def kpi(numerator: int) -> Kpi:
        return Kpi(value=None, numerator=numerator, denominator=settled, unit="share", definition="")

    back = Distribution(count=recovered, p50=p50, p95=p50, p99=p50, unit="ms", definition="")
    return Kpis(
        since=AT,
        until=AT,
        kpis={"reconnect_success_strict": kpi(recovered), "abandonment": kpi(abandoned)},
        distributions={"time_to_reconnect": back},
        completeness=UNTOLD,
    )


QUIET = _kpis()


def _codes(*counts: tuple[Phase, int, int]) -> FailureCodes:
    items = tuple(
        FailureCount(phase=phase, error=Code(code=code, name="", message=""), count=count, of=count, share=1)
        for phase, code, count in counts
    )
    return FailureCodes(since=AT, until=AT, by=(), bucket_s=None, items=items, buckets=None, completeness=UNTOLD)


def _outages(count: int, outcome: Outcome, cause: Cause = "signaling") -> OutageBucket:
    return OutageBucket(at=AT, cause=cause, outcome=outcome, count=count)


def _hit(value: str, **counts: int) -> Affected:
    facts: dict[str, Any] = dict.fromkeys(Affected.model_fields, 0)
    return Affected(**{**facts, **counts, "value": value})


BUCKET_US: Final = 300_000_000
SIX_HOURS: Final = Span(us_from_utc(AT) - 6 * HOUR_US, us_from_utc(AT))


def _hours(outages: Mapping[int, int] = {}, joins: Mapping[int, int] = {}) -> Hours:
    """So many outages, and joins that failed with 53006, by how many minutes ago they were."""
    at = {minutes: AT - timedelta(minutes=minutes) for minutes in (*outages, *joins)}
    failures = _codes(("join", 53006, sum(joins.values())))
    told = tuple(FailureBucket(at=at[ago], phase="join", code=53006, count=count) for ago, count in joins.items())
    return Hours(
        [OutageBucket(at=at[ago], cause="signaling", outcome="failed", count=count) for ago, count in outages.items()],
        failures.model_copy(update={"buckets": told}),
        SIX_HOURS,
        BUCKET_US,
    )


def _headline(
    buckets: Iterable[OutageBucket],
    codes: FailureCodes,
    affected: Mapping[Dimension, Sequence[Affected]],
    told: Kpis = QUIET,
    hours: Hours | None = None,
) -> tuple[Statement, ...]:
    return headline(buckets, codes, affected, told, hours or _hours())


def _since(hours: Hours) -> tuple[str, str, str]:
    """The answer to since when: what, why, which rows."""
    one = _headline([], _codes(), {}, hours=hours)[1]
    return one.answer, _said(one), one.href


def _said(one: Statement) -> str:
    return "".join(piece.text for piece in one.evidence)


def _leading(one: Statement) -> list[tuple[str, str]]:
    return [(piece.text, piece.href) for piece in one.evidence if piece.href]


def _answers(statements: tuple[Statement, ...]) -> list[tuple[str, str]]:
    return [(one.answer, one.tone) for one in statements]


def test_where_nothing_broke_it_says_so() -> None:
    statements = _headline([], _codes(), {"region": [_hit("ie1", live=9)]})
    assert _answers(statements) == [
        ("Nothing", "calm"),
        ("Nothing began", "calm"),
        ("Nobody", "calm"),
        ("None", "calm"),
        ("Nobody was gone", "calm"),
    ]


def test_an_incident_is_named_by_cause_region_code_and_return() -> None:
    outages = [_outages(6, "recovered"), _outages(3, "failed"), _outages(1, "open"), _outages(2, "recovered", "media")]
    by_region = [_hit("br1", live=10, dropped=9, outages=10), _hit("ie1", live=30, dropped=1, outages=2)]
    codes = _codes(("session", 53000, 6), ("session", 53002, 3), ("join", 53000, 2))
    hours = _hours({15: 9, 10: 3})
    statements = _headline(outages, codes, {"region": by_region}, _kpis(8, 12, 1, 4_100), hours)
    assert [(one.question, one.answer, _said(one), one.tone, one.href) for one in statements] == [
        (
            "What broke?",
            "Signaling, mostly",
            "10 of 12 outages; 2 joins failed",
            "bad",
            "/outages?cause=signaling",
        ),
        (
            "Since when?",
            "11:45",
            "12 outages since then, up to 9 in 5 min, where none is usual",
            "bad",
            "/outages?since=2026-11-24T11%3A45%3A00.000Z",
        ),
        (
            "For whom?",
            "Region br1",
            "90.0 % of the sessions that failed, 25.0 % of the sessions there",
            "bad",
            "/sessions?region=br1&fate=dropped&fate=abandoned&fate=lost&fate=not_joined&ended_at=-1h..",
        ),
        (
            "With which code?",
            "53000",
            f"8 of 11 failed sessions. {meaning(53000)}",
            "bad",
            "/codes/53000?last=24h",
        ),
        (
            "Did they come back?",
            "66.7 %",
            "8 of 12 outages, half within 4.1 s, 3 did not, 1 left while waiting, 1 still reconnecting",
            "bad",
            settled(AT, AT),
        ),
    ]


def test_counts_lead_to_their_rows() -> None:
    codes = _codes(("session", 53000, 6), ("join", 53000, 2))
    statements = _headline([_outages(6, "recovered"), _outages(1, "open")], codes, {})
    then = "ended_at=2026-11-24T12%3A00%3A00.000Z..2026-11-24T12%3A00%3A00.000Z"
    assert [_leading(one) for one in statements] == [
        [
            ("7", "/outages?cause=signaling"),
            ("7", "/outages"),
            ("2", f"/sessions?code=53000&fate=not_joined&{then}"),
        ],
        [],
        [],
        [
            ("8", f"/sessions?code=53000&fate=dropped&fate=not_joined&{then}"),
            ("8", f"/sessions?code=53000&fate=dropped&fate=not_joined&{then}"),
        ],
        [("1", "/outages?outcome=open")],
    ]


def test_trouble_began_where_far_more_than_is_usual_did() -> None:
    usual = dict.fromkeys(range(65, 365, 5), 3)
    assert _since(_hours({**usual, 60: 3, 40: 4, 35: 14, 30: 20, 25: 3, 20: 11, 5: 2})) == (
        "11:25",
        "50 outages since then, up to 20 in 5 min, where 3 are usual",
        "/outages?since=2026-11-24T11%3A25%3A00.000Z",
    )


def test_trouble_that_began_before_the_hour_is_told_from_there() -> None:
    assert _since(_hours(dict.fromkeys(range(5, 100, 5), 8)))[0] == "10:25"


def test_a_few_more_than_usual_are_no_beginning() -> None:
    usual = dict.fromkeys(range(5, 365, 5), 3)
    calm = "No sudden beginning"
    assert _since(_hours({**usual, 30: 9}))[:2] == (calm, "at most 9 outages in 5 min, where 3 are usual")
    assert _since(_hours({**usual, 30: 10}))[0] == "11:30"
    assert _since(_hours({30: 4}))[:2] == (calm, "at most 4 outages in 5 min, where none is usual")
    assert _since(_hours({30: 5}))[0] == "11:30"


def test_trouble_that_is_over_for_an_hour_is_not_told_of() -> None:
    assert _since(_hours({90: 40, 10: 1}))[:2] == (
        "No sudden beginning",
        "at most 1 outage in 5 min, where none is usual",
    )


def test_failed_joins_tell_the_beginning_where_they_rose_higher() -> None:
    assert _since(_hours({50: 6}, {20: 30, 15: 2})) == (
        "11:40",
        "32 failed joins since then, up to 30 in 5 min, where none is usual",
        "/sessions?code=53006&fate=not_joined&ended_at=2026-11-24T11%3A40%3A00.000Z..",
    )


def test_nobody_stands_out_where_all_are_hit_alike() -> None:
    rows = [_hit("ie1", live=10, outages=5), _hit("us1", live=11, outages=6)]
    assert _answers(_headline([_outages(11, "recovered")], _codes(), {"region": rows}))[2] == (
        "All alike",
        "calm",
    )


def test_a_few_sessions_do_not_name_a_region() -> None:
    rows = [_hit("ie1", live=1, dropped=4), _hit("us1", live=50)]
    assert _answers(_headline([_outages(4, "failed")], _codes(), {"region": rows}))[2][0] == "All alike"


def test_joins_that_fail_are_told_without_any_outage() -> None:
    rows = [_hit("ie1", join_failures=9, live=1), _hit("us1", live=20)]
    statements = _headline([], _codes(("join", 53006, 9)), {"region": rows})
    said = _answers(statements)
    assert [said[0], *said[2:4]] == [("Joining", "bad"), ("Region ie1", "bad"), ("53006", "bad")]


def test_every_dimension_has_a_name() -> None:
    for dimension in get_args(Dimension):
        rows = [_hit("x", live=1, dropped=9), _hit("y", live=20)]
        assert _answers(_headline([_outages(9, "failed")], _codes(), {dimension: rows}))[2][0].endswith(" x")
