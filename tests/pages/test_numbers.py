"""Every number leads to the rows behind it, and there are as many of them."""

import html
import re
from pathlib import Path
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
UNLINKED: Final = {
    "headline, h1": "the rows of the page itself",
    "headline, sub": "the rows of the page itself; or events, which only exports list",
    "page, sub understood": "the rows of the page itself",
    "completeness, p": "events, which only exports list; or the rows of the page itself",
    "headline, li: :": "a verdict's sentence, whose counts stand in the evidence under it",
    "headline, dd: in 5 min, where": "what is usual is a median, not rows",
    "codes, What it means": "advice",
    **dict.fromkeys(("outages, Attempts", "events, Attempts"), "attempts, which are no events"),
    **dict.fromkeys(("outages, No.", "events, Seq", "events, Outage"), "the number of a row, not of rows"),
    **dict.fromkeys(("completeness-by, Missing", "over-time, Missing"), "events that never came"),
    "lost, How many": "events that never came",
    "refused, Where in it": "a place in a record",
    **dict.fromkeys(("freshness, Partitions", "freshness, Records stored"), "of Kafka, not of the store"),
}
"""What leads nowhere, by how the place and its words begin, and why."""
BARE: Final = Path(__file__).with_name("numbers.js").read_text(encoding="utf-8").split("\n", 1)[1]
NUMBERS: Final = """() => [...document.querySelectorAll("main a")]
    .filter((one) => one.closest("td, dd, h1, .sub, .legend, .completeness, .evidence li, [data-part=whom] p"))
    .map((one) => [one.innerText.trim().replace(/ of [0-9]+$/, ""), one.getAttribute("href")])
    .map(([text, href]) => [text.match(/(?:^| )([0-9]+)$/)?.[1], href])
    .filter(([count, href]) => count && /^[/](sessions|outages|rooms)([?]|$)/.test(href));"""


@pytest.mark.parametrize("path", PAGES)
async def test_no_number_leads_nowhere_but_those_that_say_why(whole_site: Site, page: Page, path: str) -> None:
    await page.goto(f"{whole_site.url}{path}")
    await page.locator("details").evaluate_all("all => all.forEach((one) => one.open = true)")
    assert await page.evaluate(BARE, [*UNLINKED]) == []


@pytest.mark.parametrize("path", [PAGES[0], PAGES[3], *PAGES[5:11]])
async def test_a_number_leads_to_as_many_rows(whole_site: Site, page: Page, path: str) -> None:
    await page.goto(f"{whole_site.url}{path}")
    await page.locator("details").evaluate_all("all => all.forEach((one) => one.open = true)")
    told = {href: count for count, href in await page.evaluate(NUMBERS)}
    assert len(told) > 2
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
    assert told == [
        ["46", "70", "2"],
        ["40", "20"],
        [],
        ["5", "14"],
        ["54", "69", "13", "2", "1"],
    ]


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


async def test_no_number_about_trouble_leads_nowhere_either(empty_site: Site, page: Page) -> None:
    empty_site.fill(trouble.lives(), trouble.REFUSED)
    await page.goto(f"{empty_site.url}/telemetry")
    assert await page.evaluate(BARE, [*UNLINKED]) == []


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
