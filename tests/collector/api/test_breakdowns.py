"""Breakdowns over HTTP."""

from httpx import AsyncClient


async def test_failure_codes_have_count_and_share_by_phase(api: AsyncClient) -> None:
    answer = (await api.get("/api/v1/breakdowns/failure-codes", params={"since": "-2h"})).json()
    assert [(one["phase"], one["error"]["code"], one["count"], one["of"], one["share"]) for one in answer["items"]] == [
        ("session", 53000, 1, 2, 0.5),
        ("session", 53002, 1, 2, 0.5),
    ]
    assert (answer["by"], answer["bucket_s"], answer["buckets"]) == (None, None, None)


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
