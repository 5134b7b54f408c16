"""Times are shown in the zone of whoever looks, with UTC where one points at them."""

import pytest
from playwright.async_api import Page, expect

from tests.pages.conftest import Site
from tests.pages.scene import ROOM_SID
from tests.servers.browser import PageOpener


async def _in_kolkata(open_page: PageOpener, url: str, *, scripts: bool = True) -> Page:
    """Its half hour shows whether minutes are moved too."""
    context = await open_page.browser.new_context(
        timezone_id="Asia/Kolkata", locale="en-GB", java_script_enabled=scripts
    )
    page = await context.new_page()
    await page.goto(url)
    return page


async def test_times_are_those_of_the_viewer_and_utc_is_a_hover_away(site: Site, open_page: PageOpener) -> None:
    page = await _in_kolkata(open_page, f"{site.url}/rooms/{ROOM_SID}")
    began = page.locator(".facts time").first
    await expect(began).to_have_text("24 Nov 21:33:12")
    await expect(began).to_have_attribute("title", "2025-11-24 16:03:12 UTC")
    await expect(page.locator(".lanes .axis text").first).to_have_text("21:35")
    await expect(page.locator(".lane svg[role=img] title").first).to_have_text(
        "connecting 21:33:12 to 21:33:12, 640 ms 16:03:12 to 16:03:12 UTC"
    )
    await expect(page.locator(".lanes .axis title").first).to_have_text("2025-11-24 16:05:00 UTC")
    await expect(page.locator("footer")).to_contain_text("Times are in your zone, Asia/Calcutta (GMT+5:30)")


async def test_times_that_arrive_later_are_those_of_the_viewer_too(site: Site, open_page: PageOpener) -> None:
    page = await _in_kolkata(open_page, site.url)
    at = page.locator("[data-part=headline] .sub time")
    await expect(at).to_have_text("22:07:12")
    site.now_us += 5_000_000
    site.fill([])
    await page.get_by_role("button", name="Pause").click()
    await page.get_by_role("button", name="Resume").click()
    await expect(at).to_have_text("22:07:17")


async def test_without_scripts_times_are_utc_and_the_page_says_so(site: Site, open_page: PageOpener) -> None:
    page = await _in_kolkata(open_page, f"{site.url}/rooms/{ROOM_SID}", scripts=False)
    await expect(page.locator(".facts time").first).to_have_text("24 Nov 16:03:12")
    await expect(page.locator("footer")).to_contain_text("All times are UTC.")


async def test_drawings_and_their_tables_are_in_the_viewers_zone_too(whole_site: Site, open_page: PageOpener) -> None:
    page = await _in_kolkata(open_page, f"{whole_site.url}/outages?since=-6h")
    await expect(page.locator("[data-part=headline] .sub")).to_contain_text("24 Nov 22:10:00 GMT+5:30")
    await page.locator("#trend-table summary").click()
    row = page.locator("#trend-table tr", has_text="21:45")
    await expect(row.locator("th time")).to_have_attribute("title", "2025-11-24 16:15:00 UTC")
    await expect(page.get_by_role("link", name="21:45: 11 came back")).to_have_count(1)
    assert "21:30" in await page.locator("[data-part=trend] svg .tick").all_text_contents()
    tick = page.locator("[data-part=trend] svg g", has=page.locator(".tick", has_text="21:30")).last
    await expect(tick.locator("title")).to_have_text("2025-11-24 16:00:00 UTC")


async def test_a_day_before_a_time_is_the_viewers_day(whole_site: Site, open_page: PageOpener) -> None:
    page = await _in_kolkata(open_page, f"{whole_site.url}/codes/53000?last=7d")
    titles = await page.locator("[data-part=trend] .plot .column title").all_text_contents()
    rows = await page.locator("[data-part=trend] tbody time").all_text_contents()
    assert [title.partition(": ")[0] for title in titles] == rows
    assert all(row.endswith(":30") for row in rows)


@pytest.mark.parametrize("path", ["/outages", "/rooms"])
async def test_a_time_is_typed_by_the_clocks_of_the_viewer(whole_site: Site, open_page: PageOpener, path: str) -> None:
    page = await _in_kolkata(open_page, f"{whole_site.url}{path}?since=2025-11-24T15:00:00Z&until=2025-11-24T16:30:00Z")
    await expect(page.locator("#time-form span")).to_have_text("GMT+5:30")
    begin, end = page.locator("input[name=begin]"), page.locator("input[name=end]")
    await expect(begin).to_have_value("2025-11-24T20:30")
    await expect(end).to_have_value("2025-11-24T22:00")
    await begin.fill("2025-11-24T21:30")
    await page.get_by_role("button", name="Show").click()
    await expect(page).to_have_url(
        f"{whole_site.url}{path}?since=2025-11-24T16%3A00%3A00.000Z&until=2025-11-24T16%3A30%3A00.000Z"
    )
    await expect(page.locator("[data-part=headline] .sub time").first).to_have_text("24 Nov 21:30:00")


async def test_the_times_of_a_filter_are_those_of_the_viewer(whole_site: Site, open_page: PageOpener) -> None:
    ended = "ended_at=2025-11-24T16:00:00Z..2025-11-24T16:30:00Z"
    for path in ("/sessions", "/rooms"):
        page = await _in_kolkata(open_page, f"{whole_site.url}{path}?{ended}")
        chip = page.locator(".chips li").first
        await expect(chip).to_contain_text("from 24 Nov 21:30:00 to 24 Nov 22:00:00")
        await expect(chip.locator("time").first).to_have_attribute("title", "2025-11-24 16:00:00 UTC")
        assert "16:00:00 UTC to 24 Nov 16:30:00 UTC" in str(await chip.locator("a").get_attribute("aria-label"))
