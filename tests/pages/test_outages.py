"""The page Outages: a click narrows, every view is an address, nothing needs scripts."""

from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Page, expect

from tests.pages.conftest import Site
from tests.pages.forms import add_filter, show_time
from tests.pages.scene import ROOM_SID
from tests.pages.test_looks import LOW_CONTRAST, OVERFLOW
from tests.servers.browser import ColorScheme, PageOpener

VIEWS: Final = (
    "/outages?since=-6h",
    "/outages?since=-6h&region=br1&outcome=failed&outcome=abandoned&lasted=3000-",
    "/outages?region=nowhere",
)


@pytest.mark.parametrize(("width", "scheme"), [(400, "light"), (1200, "dark"), (2400, "light")])
async def test_outages_fit_and_can_be_read(
    whole_site: Site, open_page: PageOpener, width: int, scheme: ColorScheme, tmp_path: Path
) -> None:
    page = await open_page(width=width, color_scheme=scheme)
    for number, path in enumerate(VIEWS):
        await page.goto(whole_site.url + path)
        await page.screenshot(path=tmp_path / f"outages-{number}-{width}-{scheme}.png", full_page=True)
        assert await page.evaluate(OVERFLOW) <= 0, path
        assert await page.evaluate(LOW_CONTRAST) == [], path


async def test_a_click_narrows_and_a_chip_takes_it_back(whole_site: Site, page: Page) -> None:
    await page.goto(f"{whole_site.url}/outages?since=-6h")
    await expect(page.locator("h1")).to_have_text("263 outages in the last 6 hours")
    await page.get_by_role("region", name="Outages by Region").get_by_role("link", name="br1").click()
    await expect(page).to_have_url(f"{whole_site.url}/outages?region=br1&since=-6h")
    await expect(page.locator("h1")).to_have_text("63 outages in the last 6 hours")
    await page.locator(".legend").first.get_by_role("link", name="did not come back").click()
    await expect(page.locator("h1")).to_have_text("9 outages in the last 6 hours")
    await page.get_by_role("link", name="Remove the filter Region br1").click()
    await expect(page).to_have_url(f"{whole_site.url}/outages?outcome=failed&since=-6h")
    await page.get_by_role("link", name="Remove all").click()
    await expect(page).to_have_url(f"{whole_site.url}/outages?since=-6h")


async def test_a_bar_of_the_trend_leads_to_its_time(whole_site: Site, page: Page) -> None:
    await page.goto(f"{whole_site.url}/outages?since=-6h")
    bar = page.get_by_role("link", name="16:15: 11 came back")
    await bar.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text("20 outages")
    await expect(page.locator("[data-part=headline] time").first).to_have_text("24 Nov 16:15:00")
    await expect(page.locator(".latest tbody tr")).to_have_count(20)


async def test_a_bar_of_the_lengths_leads_to_the_outages_that_lasted_so_long(whole_site: Site, page: Page) -> None:
    await page.goto(f"{whole_site.url}/outages?since=-6h&region=br1")
    await page.get_by_role("link", name="30 s to 45 s: 0 came back, 1 did not").click()
    await expect(page.locator(".chips li").nth(1)).to_contain_text("Lasted 30 s to 45 s")
    await expect(page.locator(".latest tbody tr")).to_contain_text(["ben"])


async def test_platform_and_network_stand_beside_the_fleet_where_its_sessions_can_be_counted(
    whole_site: Site, page: Page
) -> None:
    for since, columns in (("-6h", 5), ("-24h", 4)):
        await page.goto(f"{whole_site.url}/outages?since={since}")
        for label, value in (("Platform", "web"), ("Network", "wifi")):
            table = page.get_by_role("region", name=f"Outages by {label}", exact=True)
            await expect(table.locator("thead th")).to_have_count(columns)
            told = await table.locator("tr", has_text=value).locator("td").all_inner_texts()
            assert told[1 : columns - 2] == ["100 %"] * (columns - 3), since


async def test_the_list_leads_on_and_to_room_and_session(whole_site: Site, page: Page) -> None:
    await page.goto(f"{whole_site.url}/outages?since=-6h")
    first = await page.locator(".latest time").evaluate_all("all => all.map(one => one.dateTime)")
    await page.get_by_role("link", name="Earlier outages").click()
    await expect(page.get_by_role("link", name="back to the first")).to_be_visible()
    second = await page.locator(".latest time").evaluate_all("all => all.map(one => one.dateTime)")
    assert len(first) == len(second) == 50
    assert [*first, *second] == sorted({*first, *second}, reverse=True)
    await page.go_back(wait_until="commit")  # out of the browser's own cache, where nothing is loaded
    await page.locator(".latest tbody tr").first.get_by_role("link", name="biology-101").click()
    await expect(page).to_have_url(f"{whole_site.url}/rooms/{ROOM_SID}")


async def test_every_count_of_a_drawing_stands_in_its_table_and_leads_to_its_rows(whole_site: Site, page: Page) -> None:
    await page.goto(f"{whole_site.url}/outages?since=-6h")
    await page.locator("#trend-table summary").click()
    cells = await page.locator("#trend-table td").all_text_contents()
    assert sum(map(int, cells)) == 263
    await page.locator("#trend-table tr", has_text="16:15").get_by_role("link", name="11", exact=True).click()
    await expect(page.locator(".latest tbody tr")).to_have_count(11)


async def test_filters_and_times_are_typed_where_there_are_no_scripts(whole_site: Site, open_page: PageOpener) -> None:
    context = await open_page.browser.new_context(java_script_enabled=False, timezone_id="UTC")
    page = await context.new_page()
    await page.goto(f"{whole_site.url}/outages?since=-6h")
    await add_filter(page, "app_version", "5.13.0")
    await expect(page).to_have_url(f"{whole_site.url}/outages?app_version=5.13.0&since=-6h")
    await show_time(page, "2025-11-24T16:00", "2025-11-24T16:30")
    await expect(page.locator("[data-part=headline] time").first).to_have_text("24 Nov 16:00:00")
    await expect(page.locator(".chips li").first).to_contain_text("App version 5.13.0")


async def test_where_there_are_none_it_says_whether_that_means_anything(whole_site: Site, page: Page) -> None:
    await page.goto(f"{whole_site.url}/outages?region=nowhere")
    await expect(page.locator("h1")).to_have_text("No outage in the last hour")
    await expect(page.get_by_role("heading", name="No session like this began")).to_be_visible()
    await page.get_by_role("link", name="The same time without filters").click()
    await expect(page).to_have_url(f"{whole_site.url}/outages")


async def test_a_filter_that_cannot_be_used_is_named_with_a_way_on(whole_site: Site, open_page: PageOpener) -> None:
    page = await open_page()
    await page.goto(f"{whole_site.url}/outages?lasted=9-3")
    await expect(page.locator("main")).to_contain_text("lasted = '9-3'")
    await page.get_by_role("link", name="Start again").click()
    await expect(page).to_have_url(f"{whole_site.url}/outages")
    open_page.complaints.clear()
