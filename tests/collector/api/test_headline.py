"""The four answers of the first page."""

from datetime import UTC, datetime
from typing import Any, get_args

from collector.api.headline import Statement, headline
from collector.store.questions import Cause, Dimension, Outcome, Phase
from collector.store.views import (
    Affected,
    Code,
    FailureCodes,
    FailureCount,
    OutageBucket,
)
from collector.store.views_kpis import Distribution, Kpi, Kpis
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


def _answers(statements: tuple[Statement, ...]) -> list[tuple[str, str]]:
    return [(one.answer, one.tone) for one in statements]


def test_where_nothing_broke_it_says_so() -> None:
    statements = headline([], _codes(), {"region": [_hit("ie1", live=9)]}, QUIET)
    assert _answers(statements) == [
        ("Nothing", "calm"),
        ("Nobody", "calm"),
        ("None", "calm"),
        ("Nobody was gone", "calm"),
    ]


def test_an_incident_is_named_by_cause_region_code_and_return() -> None:
    outages = [_outages(6, "recovered"), _outages(3, "failed"), _outages(1, "open"), _outages(2, "recovered", "media")]
    by_region = [_hit("br1", live=10, dropped=9, outages=10), _hit("ie1", live=30, dropped=1, outages=2)]
    codes = _codes(("session", 53000, 6), ("session", 53002, 3), ("join", 53000, 2))
    statements = headline(outages, codes, {"region": by_region}, _kpis(8, 12, 1, 4_100))
    assert statements == (
        Statement(
            "What broke?", "Signaling, mostly", "10 of 12 outages; 2 joins failed", "bad", "/outages?cause=signaling"
        ),
        Statement(
            "For whom?",
            "Region br1",
            "90.0 % of the sessions that failed, 25.0 % of the sessions there",
            "bad",
            "/sessions?region=br1&fate=dropped&fate=abandoned&fate=lost&fate=not_joined&ended_at=-1h..",
        ),
        Statement(
            "With which code?",
            "53000",
            "8 of 11 failed sessions. A signaling server was there but would not have the client: refused at joining, "
            "or at every attempt to come back.",
            "bad",
            "/codes/53000?last=24h",
        ),
        Statement(
            "Did they come back?",
            "66.7 %",
            "8 of 12 outages, half within 4.1 s, 3 did not, 1 left while waiting, 1 still reconnecting",
            "bad",
            "/outages",
        ),
    )


def test_nobody_stands_out_where_all_are_hit_alike() -> None:
    rows = [_hit("ie1", live=10, outages=5), _hit("us1", live=11, outages=6)]
    assert _answers(headline([_outages(11, "recovered")], _codes(), {"region": rows}, QUIET))[1] == (
        "All alike",
        "calm",
    )


def test_a_few_sessions_do_not_name_a_region() -> None:
    rows = [_hit("ie1", live=1, dropped=4), _hit("us1", live=50)]
    assert _answers(headline([_outages(4, "failed")], _codes(), {"region": rows}, QUIET))[1][0] == "All alike"


def test_joins_that_fail_are_told_without_any_outage() -> None:
    rows = [_hit("ie1", join_failures=9, live=1), _hit("us1", live=20)]
    statements = headline([], _codes(("join", 53006, 9)), {"region": rows}, QUIET)
    assert _answers(statements)[:3] == [("Joining", "bad"), ("Region ie1", "bad"), ("53006", "bad")]


def test_every_dimension_has_a_name() -> None:
    for dimension in get_args(Dimension):
        rows = [_hit("x", live=1, dropped=9), _hit("y", live=20)]
        assert _answers(headline([_outages(9, "failed")], _codes(), {dimension: rows}, QUIET))[1][0].endswith(" x")
