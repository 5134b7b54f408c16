"""Breakdowns over HTTP."""

from typing import Any

import pytest
from httpx import AsyncClient


async def test_failure_codes_have_count_and_share_by_phase(api: AsyncClient) -> None:
    answer = (await api.get("/api/v1/breakdowns/failure-codes", params={"since": "-2h"})).json()
    assert [(one["phase"], one["error"]["code"], one["count"], one["of"], one["share"]) for one in answer["items"]] == [
        ("session", 53000, 1, 2, 0.5),
        ("session", 53002, 1, 2, 0.5),
    ]
    assert (answer["by"], answer["bucket_s"], answer["buckets"]) == ([], None, None)


async def test_failure_codes_are_split_by_region_and_time(api: AsyncClient) -> None:
    params = {"since": "-2h", "by": "region", "bucket": "5m", "phase": "session"}
    answer = (await api.get("/api/v1/breakdowns/failure-codes", params=params)).json()
    assert [(one["value"], one["error"]["code"], one["count"]) for one in answer["items"]] == [
        ("br1", 53000, 1),
        ("br1", 53002, 1),
    ]
    assert [(one["at"], one["code"], one["value"]) for one in answer["buckets"]] == [
        ("2025-11-24T16:15:00Z", 53000, "br1"),
        ("2025-11-24T16:15:00Z", 53002, "br1"),
    ]


async def test_the_range_is_widened_to_whole_minutes_and_says_so(api: AsyncClient) -> None:
    answer = (await api.get("/api/v1/breakdowns/failure-codes", params={"since": "-10s"})).json()
    assert (answer["since"], answer["until"]) == ("2025-11-24T16:37:00Z", "2025-11-24T16:38:00Z")


async def test_who_is_hit_is_told_by_version(api: AsyncClient) -> None:
    (row,) = (await api.get("/api/v1/breakdowns/affected", params={"by": "app_version"})).json()["items"]
    assert (row["value"], row["live"], row["outages"], row["recovered"], row["dropped"]) == ("5.12.1", 3, 8, 3, 4)


async def test_outages_and_sessions_are_broken_down_by_two_dimensions(api: AsyncClient) -> None:
    params = {"since": "-2h", "by": ["region", "platform"]}
    told = {
        what: [
            (one["word"], one["count"], one["of"], one["values"])
            for one in (await api.get(f"/api/v1/breakdowns/{what}", params=params)).json()["items"]
        ]
        for what in ("causes", "outcomes", "fates")
    }
    here = {"region": "br1", "platform": "web"}
    assert told == {
        "causes": [("signaling", 7, 8, here), ("media", 1, 8, here)],
        "outcomes": [
            ("recovered", 3, 7, here),
            ("failed", 2, 7, here),
            ("abandoned", 1, 7, here),
            ("lost", 1, 7, here),
        ],
        "fates": [("dropped", 2, 4, here), ("abandoned", 1, 4, here), ("lost", 1, 4, here)],
    }


async def test_fates_are_told_by_code_and_phase_and_time(api: AsyncClient) -> None:
    params: dict[str, Any] = {"since": "-2h", "by": ["code", "phase"], "bucket": "1h", "phase": "session", "limit": 2}
    answer = (await api.get("/api/v1/breakdowns/fates", params=params)).json()
    assert answer["by"] == ["code", "phase"]
    assert [(one["word"], one["values"], one["rest"], one["count"]) for one in answer["items"]] == [
        ("abandoned", {"code": None, "phase": "session"}, False, 1),
        ("lost", {"code": None, "phase": "session"}, False, 1),
        ("dropped", {"code": 53000, "phase": "session"}, False, 1),
        ("dropped", None, True, 1),
    ]
    assert answer["values_left_out"] == 1
    assert len(answer["buckets"]) == 4


async def test_filters_may_name_what_sums_do_not_keep(api: AsyncClient) -> None:
    async def counted(**params: str) -> int:
        return len((await api.get("/api/v1/breakdowns/outcomes", params={"since": "-2h", **params})).json()["items"])

    assert (await counted(platform="web"), await counted(platform="ios"), await counted(network_type="wifi")) == (
        4,
        0,
        4,
    )


@pytest.mark.parametrize(
    ("path", "params", "name", "why"),
    [
        ("fates", {"since": "-8d", "by": "platform"}, "since", "at most 7 days"),
        ("causes", {"since": "-8d", "by": "code"}, "since", "at most 7 days"),
        ("outcomes", {"since": "-8d", "network_type": "wifi"}, "since", "at most 7 days"),
        ("fates", {"by": ["region", "region"]}, "by", "two different ones"),
        ("fates", {"by": ["region", "code", "sdk"]}, "by", "at most 2"),
        ("causes", {"by": "phase"}, "by", "not one of the words"),
        ("causes", {"since": "-2d", "bucket": "1m"}, "bucket", "more than 1000 buckets"),
    ],
)
async def test_a_breakdown_that_would_cost_too_much_or_say_nothing_is_refused(
    api: AsyncClient, path: str, params: dict[str, Any], name: str, why: str
) -> None:
    answer = await api.get(f"/api/v1/breakdowns/{path}", params=params)
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["name"]) == (422, name)
    assert why in error["why"]


async def test_a_month_by_code_is_told_where_sums_keep_it(api: AsyncClient) -> None:
    answer = await api.get("/api/v1/breakdowns/outcomes", params={"since": "-30d", "by": ["code", "region"]})
    assert [one["values"]["code"] for one in answer.json()["items"]] == [None, None, None, 53000, 53002]


async def test_how_far_trouble_spread_is_asked_by_platform_for_at_most_a_week(api: AsyncClient) -> None:
    path = "/api/v1/breakdowns/blast-radius"
    whole, web, ios = [
        (await api.get(f"{path}?{asked}")).json()["items"] for asked in ("", "platform=web", "platform=ios")
    ]
    refused = await api.get(f"{path}?platform=web&since=-8d")
    assert (len(whole), web, ios) == (1, whole, [])
    assert (refused.status_code, refused.json()["errors"][0]["name"]) == (422, "since")
