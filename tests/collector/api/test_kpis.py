"""The key figures over HTTP."""

from typing import Any

import pytest
from httpx import AsyncClient

from collector.store.reader_kpis import DEFINITIONS


async def test_every_figure_says_what_it_is_made_of(api: AsyncClient) -> None:
    answer = (await api.get("/api/v1/kpis")).json()
    assert list(answer["kpis"]) == list(DEFINITIONS)
    assert answer["kpis"]["reconnect_success_strict"] == {
        "value": 3 / 7,
        "numerator": 3,
        "denominator": 7,
        "low": pytest.approx(0.1582, abs=5e-5),
        "high": pytest.approx(0.7495, abs=5e-5),
        "unit": "share",
        "definition": "recovered / (recovered + failed + abandoned + lost)",
        "compared": None,
    }
    assert answer["distributions"]["time_to_reconnect"]["p50"] == 4_200


async def test_filters_and_range_narrow_the_figures(api: AsyncClient) -> None:
    elsewhere = (await api.get("/api/v1/kpis", params={"region": "us1"})).json()
    before = (await api.get("/api/v1/kpis", params={"since": "-3h", "until": "-2h"})).json()
    assert elsewhere["kpis"]["join_success"]["denominator"] == 0
    assert before["kpis"]["join_success"] == {**elsewhere["kpis"]["join_success"], "value": None}


async def test_only_shares_of_what_is_counted_one_by_one_have_an_interval(api: AsyncClient) -> None:
    told = (await api.get("/api/v1/kpis")).json()["kpis"]
    without = {name for name, kpi in told.items() if kpi["value"] is not None and kpi["low"] is None}
    assert without == {
        "reconnect_incidence",
        "time_reconnecting",
        "availability",
        "attempts_per_outage",
        "telemetry_completeness",
    }
    assert all(kpi["low"] <= kpi["value"] <= kpi["high"] for name, kpi in told.items() if name not in without)


async def test_a_range_is_compared_with_the_one_before_it(api: AsyncClient) -> None:
    params = {"since": "2025-11-24T16:20:00Z", "until": "2025-11-24T16:38:00Z", "compare": "previous"}
    answer = (await api.get("/api/v1/kpis", params=params)).json()
    kpi = answer["kpis"]["reconnect_success_strict"]
    assert (answer["compared"]["since"], answer["compared"]["until"]) == (
        "2025-11-24T16:02:00Z",
        "2025-11-24T16:20:00Z",
    )
    assert (kpi["numerator"], kpi["denominator"]) == (2, 3)
    assert kpi["compared"] == {
        "value": 1 / 4,
        "numerator": 1,
        "denominator": 4,
        "low": pytest.approx(0.0456, abs=5e-5),
        "high": pytest.approx(0.6994, abs=5e-5),
        "difference": pytest.approx(2 / 3 - 1 / 4),
        "difference_low": pytest.approx(-0.2257, abs=5e-5),
        "difference_high": pytest.approx(0.7568, abs=5e-5),
        "more_than_chance": False,
    }
    assert answer["distributions"]["time_to_reconnect"]["compared"]["count"] == 1
    assert answer["kpis"]["token_risk"]["compared"] is None


@pytest.mark.parametrize(
    ("asked", "since"),
    [
        ({"compare": "-7d"}, "2025-11-17T15:37:00Z"),
        ({"compare_since": "-3h"}, "2025-11-24T13:37:00Z"),
        ({"compare_since": "-3h", "compare_until": "-90m"}, "2025-11-24T13:37:00Z"),
        ({"tz": "Europe/Berlin", "compare_since": "2025-11-20T12:00"}, "2025-11-20T11:00:00Z"),
        ({"tz": "Europe/Berlin", "compare_since": "yesterday", "compare_until": "today"}, "2025-11-22T23:00:00Z"),
    ],
)
async def test_any_other_range_can_be_compared_with(api: AsyncClient, asked: dict[str, str], since: str) -> None:
    answer = (await api.get("/api/v1/kpis", params=asked)).json()
    assert answer["compared"]["since"] == since
    assert answer["kpis"]["join_success"]["compared"]["denominator"] == 0
    assert answer["kpis"]["join_success"]["compared"]["difference"] is None


@pytest.mark.parametrize(
    ("asked", "name", "why"),
    [
        ({"compare": "-30m"}, "compare", "overlaps"),
        ({"compare_since": "-50m", "compare_until": "-10m"}, "compare_since", "overlaps"),
        ({"compare_since": "-90d", "compare_until": "-2d"}, "compare_since", "longer than 31 days"),
        ({"compare": "previous", "compare_since": "-3h"}, "compare", "take one of them"),
        ({"compare_until": "-3h"}, "compare_until", "needs compare_since"),
        ({"compare": "yesterday"}, "compare", "pattern"),
        ({"compare_since": "2025-11-20T12:00"}, "compare_since", "says no time zone"),
        ({"compare_since": "-3h", "compare_until": "2025-11-24T12:00"}, "compare_until", "says no time zone"),
        ({"compare_since": "-3h", "compare_until": "-4h"}, "compare_since", "is not before compare_until (-4h)"),
    ],
)
async def test_a_comparison_that_says_nothing_is_refused(
    api: AsyncClient, asked: dict[str, Any], name: str, why: str
) -> None:
    answer = await api.get("/api/v1/kpis", params=asked)
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["name"]) == (422, name)
    assert why in error["why"]
