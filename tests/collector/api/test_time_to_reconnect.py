"""How long outages lasted, over HTTP."""

import pytest
from httpx import AsyncClient

PATH = "/api/v1/breakdowns/time-to-reconnect"


async def test_it_is_told_with_percentiles_and_completeness(api: AsyncClient) -> None:
    answer = (await api.get(PATH, params={"cause": "signaling"})).json()
    assert (answer["one_in"], answer["recovered"], answer["p50_ms"], answer["p99_ms"]) == (1, 2, 2100, 6400)
    held = [one for one in answer["buckets"] if one["recovered"] or one["not_recovered"]]
    assert held[1] == {"from_ms": 2000, "to_ms": 3000, "recovered": 1, "not_recovered": 0}
    assert answer["completeness"]["share"] == 1.0


async def test_how_long_it_took_is_asked_as_of_the_list_or_as_by_the_page(api: AsyncClient) -> None:
    of_the_list, by_the_page = [
        (await api.get(PATH, params=told)).json() for told in ({"downtime_ms": "4000..4999"}, {"lasted": "4000-5000"})
    ]
    assert of_the_list == by_the_page
    assert (of_the_list["recovered"], of_the_list["p50_ms"]) == (1, 4200)


@pytest.mark.parametrize(
    ("params", "recovered"),
    [
        ({"downtime_ms": "..2100"}, 1),
        ({"downtime_ms": ["2100", "6400.."]}, 2),
        ({"downtime_ms": "2000..", "lasted": "0-5000"}, 2),
        ({"downtime_ms": "5000..", "lasted": "0-5000"}, 0),
    ],
)
async def test_both_ways_to_ask_mean_and_and_repeated_ones_or(
    api: AsyncClient, params: dict[str, str | list[str]], recovered: int
) -> None:
    assert (await api.get(PATH, params=params)).json()["recovered"] == recovered


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"downtime_ms": "4000-5000"}, "downtime_ms"),
        ({"lasted": "5-4"}, "lasted"),
        ({"lasted": "long"}, "lasted"),
        ({"cause": "gremlins"}, "cause"),
        ({"code": "x"}, "code"),
        ({"before": "1"}, "before"),
        ({"since": "-40d"}, "since"),
    ],
)
async def test_a_filter_that_cannot_be_used_is_named(api: AsyncClient, params: dict[str, str], name: str) -> None:
    answer = await api.get(PATH, params=params)
    assert answer.status_code == 422
    assert [one["name"] for one in answer.json()["errors"]] == [name]
