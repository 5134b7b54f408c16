"""The key figures over HTTP."""

from httpx import AsyncClient

from collector.store.reader_kpis import DEFINITIONS


async def test_every_figure_says_what_it_is_made_of(api: AsyncClient) -> None:
    answer = (await api.get("/api/v1/kpis")).json()
    assert list(answer["kpis"]) == list(DEFINITIONS)
    assert answer["kpis"]["reconnect_success_strict"] == {
        "value": 3 / 7,
        "numerator": 3,
        "denominator": 7,
        "unit": "share",
        "definition": "recovered / (recovered + failed + abandoned + lost)",
    }
    assert answer["distributions"]["time_to_reconnect"]["p50"] == 4_200


async def test_filters_and_range_narrow_the_figures(api: AsyncClient) -> None:
    elsewhere = (await api.get("/api/v1/kpis", params={"region": "us1"})).json()
    before = (await api.get("/api/v1/kpis", params={"since": "-3h", "until": "-2h"})).json()
    assert elsewhere["kpis"]["join_success"]["denominator"] == 0
    assert before["kpis"]["join_success"] == {**elsewhere["kpis"]["join_success"], "value": None}
