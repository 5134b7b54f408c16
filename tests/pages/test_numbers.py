"""Every number leads to the rows behind it, and there are as many of them."""

import html
import re
from typing import Final

import pytest
from playwright.async_api import Page, expect

from tests import trouble
from tests.pages.conftest import Site
from tests.pages.scene import ROOM_SID, SPIKE, session_of

PAGES: Final = (
    "/",
    "/outages?since=-6h",
    "/rooms?since=-6h",
    f"/rooms/{ROOM_SID}",
    "/sessions?fate=dropped&since=-24h",
    f"/sessions/{session_of('chen')}",
    "/releases?last=24h",
    "/codes?last=24h",
    "/codes/53000?last=24h",
    f"/incidents/{SPIKE.fingerprint}-{SPIKE.started_at_us}",
    "/telemetry?since=-6h",
    "/search?q=ana 24 Nov 16:20",
)
OF_ITSELF: Final = {
    "Of", "Attempts", "No.", "Seq", "Outage", "Joined", "Missing", "Partitions", "Records stored", "How many",
}  # fmt: skip
"""Columns that say something of their row, or of what a share is: not how many rows there are elsewhere."""
BARE: Final = """(columns) => [...document.querySelectorAll("main td.n, main .legend b")].filter((one) => {
    if (!/^[0-9\\u202f]+$/.test(one.innerText.trim()) || one.innerText.trim() === "0") return false;
    if (one.closest("a") || one.querySelector("a")) return false;
    return !columns.includes(columnOf(one));
}).map((one) => `${columnOf(one)}: ${one.innerText}`);
function columnOf(cell) {
    return cell.closest("table")?.tHead.rows[0].cells[cell.cellIndex].innerText ?? "legend";
}"""
NUMBERS: Final = """() => [...document.querySelectorAll("main :is(td, dd, h1, .sub, .legend, .completeness) a")]
    .map((one) => [one.innerText.trim().replace(/ of [0-9]+$/, ""), one.getAttribute("href")])
    .map(([text, href]) => [text.match(/(?:^| )([0-9]+)$/)?.[1], href])
    .filter(([count, href]) => count && /^[/](sessions|outages|rooms)([?]|$)/.test(href));"""


@pytest.mark.parametrize("path", PAGES)
async def test_no_number_of_a_table_or_a_legend_leads_nowhere(whole_site: Site, page: Page, path: str) -> None:
    await page.goto(f"{whole_site.url}{path}")
    await page.locator("details").evaluate_all("all => all.forEach((one) => one.open = true)")
    assert await page.evaluate(BARE, [*OF_ITSELF]) == []


@pytest.mark.parametrize("path", [PAGES[0], *PAGES[6:11]])
async def test_a_number_leads_to_as_many_rows(whole_site: Site, page: Page, path: str) -> None:
    await page.goto(f"{whole_site.url}{path}")
    await page.locator("details").evaluate_all("all => all.forEach((one) => one.open = true)")
    told = {href: count for count, href in await page.evaluate(NUMBERS)}
    assert len(told) > 5
    wrong = [
        (count, href, there)
        for href, count in told.items()
        if (there := await _rows_behind(whole_site, page, href)) != int(count)
    ]
    assert wrong == []


async def test_a_count_of_a_statement_leads_to_its_rows(whole_site: Site, page: Page) -> None:
    await page.goto(whole_site.url)
    told = await page.locator(".statement span").evaluate_all(
        "all => all.map((one) => [...one.querySelectorAll('a')].map((link) => link.innerText))"
    )
    assert told == [["46", "70", "2"], ["40"], [], ["5", "14"], ["1"]]


async def test_what_is_missing_leads_to_whose_it_is(empty_site: Site, page: Page) -> None:
    empty_site.fill(trouble.lives()[:4], trouble.REFUSED)
    await page.goto(empty_site.url)
    await expect(page.locator(".completeness")).to_contain_text("4 sessions, 1 with gaps). 1 session went silent")
    links = page.locator(".completeness a")
    told = [(await one.inner_text(), await one.get_attribute("href") or "") for one in await links.all()]
    assert [count for count, _ in told[1:]] == ["4", "1", "1", "3"]
    assert [await _rows_behind(empty_site, page, href) for _, href in told[1:4]] == [4, 1, 1]
    await links.last.click()
    counts = await page.locator("[data-part=refused] td.n").all_inner_texts()
    assert sum(map(int, counts)) == 3


async def _rows_behind(site: Site, page: Page, href: str) -> int:
    """How many rows a list has on all its pages, by its address."""
    if href.startswith("/outages"):
        text = await (await page.request.get(f"{site.url}{href}")).text()
        found = re.search(r"<h1>(?:([0-9]+) outages?|No outage)", text)
        assert found, href
        return int(found[1] or 0)
    rows, following = 0, f"{href}{'&' if '?' in href else '?'}limit=500"
    while following:
        text = await (await page.request.get(f"{site.url}{following}")).text()
        rows += text.split("<tbody>")[-1].count("<tr>") if "<tbody>" in text else 0
        more = re.search(r'<a href="([^"]+)">Earlier (?:sessions|rooms)</a>', text)
        following = html.unescape(more[1]) if more else ""
    return rows
