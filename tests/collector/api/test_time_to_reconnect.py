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


@pytest.mark.parametrize(
    ("params", "name"),
    [
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
