"""The page of sessions: who follows a number sees the rows behind it, and by which filters they are there."""

import re

import pytest
from httpx import AsyncClient


async def test_a_number_on_the_first_page_leads_to_as_many_rows(api: AsyncClient) -> None:
    now = (await api.get("/")).text
    (address, dropped) = next(
        (href.replace("&amp;", "&"), int(count))
        for href, count in re.findall(r'<a href="(/sessions[^"]+)">([0-9]+)</a> of <a', now)
        if "fate=dropped" in href
    )
    page = (await api.get(address)).text
    assert len(re.findall(r'<a href="/sessions/[0-9a-f-]{36}">', page)) == dropped > 0


async def test_each_filter_can_be_taken_away(api: AsyncClient) -> None:
    page = (await api.get("/sessions?region=br1&fate=dropped&since=-24h")).text
    assert re.findall(r'aria-label="Remove ([^"]+)"', page) == [
        "Region: br1",
        "How it went: dropped",
        "Since: 24 h ago",
    ]
    assert 'href="/sessions?region=br1&amp;since=-24h"' in page


async def test_sessions_of_which_events_are_missing_are_asked_for_in_a_time(api: AsyncClient) -> None:
    assert "None, the newest first" in (await api.get("/sessions?heard=-1d..&untold=yes")).text
    assert "7, the newest first" in (await api.get("/sessions?heard=-1d..&off_s=..2")).text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("untold=yes", "untold = 'yes': needs heard"),
        ("off_s=2..", "off_s = '2..': needs heard"),
        ("heard=-1d..&sort=started_at", "sort = 'started_at': is not had beside heard"),
    ],
)
async def test_what_is_asked_of_telemetry_needs_its_time_and_has_one_order(
    api: AsyncClient, query: str, said: str
) -> None:
    answer = await api.get(f"/sessions?{query}")
    assert (answer.status_code, said in answer.json()["detail"]) == (422, True)


async def test_the_next_page_goes_on_where_this_one_ended(api: AsyncClient) -> None:
    seen: list[str] = []
    address: str | None = "/sessions?since=-24h&limit=3"
    while address is not None:
        page = (await api.get(address)).text
        seen += re.findall(r'<a href="/sessions/([0-9a-f-]{36})">', page)
        following = re.search(r'<a href="([^"]+)">Earlier sessions</a>', page)
        address = following.group(1).replace("&amp;", "&") if following else None
    assert len(seen) == len(set(seen)) == 7


async def test_a_filter_that_is_not_known_is_refused(api: AsyncClient) -> None:
    answer = await api.get("/sessions?regoin=br1")
    assert (answer.status_code, answer.json()["errors"][0]["name"]) == (422, "regoin")


async def test_the_same_rows_are_had_as_json_and_csv(api: AsyncClient) -> None:
    page = (await api.get("/sessions?fate=dropped")).text
    as_json, as_csv = (href.replace("&amp;", "&") for href in re.findall(r'<a href="(/api/[^"]+)"', page))
    rows = (await api.get(as_csv)).text.splitlines()[1:]
    assert len((await api.get(as_json)).json()["items"]) == len(rows) == 2


async def test_what_is_no_filter_alone_goes_with_the_one_that_it_is_of(api: AsyncClient) -> None:
    beside = "beside=019ab69b-2420-72e9-ae7b-2423ab9891e1"
    page = (await api.get(f"/sessions?fate=lost&{beside}&among=room&hit=yes")).text
    links = re.findall(r'<a href="([^"]+)" aria-label="Remove', page)
    assert [href.replace("&amp;", "&") for href in links] == [
        f"/sessions?{beside}&among=room&hit=yes",
        "/sessions?fate=lost",
        f"/sessions?fate=lost&{beside}&hit=yes",
        f"/sessions?fate=lost&{beside}&among=room",
    ]
