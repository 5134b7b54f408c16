"""The page Telemetry: an answer, what it rests on, and what to do."""

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests import trouble
from tests.pages.conftest import Site
from tests.pages.test_looks import LOW_CONTRAST, OVERFLOW
from tests.servers.browser import ColorScheme, PageOpener


@pytest.mark.parametrize(("width", "scheme"), [(400, "dark"), (1200, "light"), (2400, "dark")])
async def test_telemetry_fits_and_can_be_read(
    empty_site: Site, open_page: PageOpener, width: int, scheme: ColorScheme, tmp_path: Path
) -> None:
    empty_site.fill(trouble.lives(), trouble.REFUSED)
    page = await open_page(width=width, color_scheme=scheme)
    await page.goto(f"{empty_site.url}/telemetry")
    await page.screenshot(path=tmp_path / f"telemetry-{width}-{scheme}.png", full_page=True)
    assert await page.evaluate(OVERFLOW) <= 0
    assert await page.evaluate(LOW_CONTRAST) == []


async def test_trouble_is_told_first_with_what_to_do_and_leads_to_whom(empty_site: Site, page: Page) -> None:
    empty_site.fill(trouble.lives(), trouble.REFUSED)
    await page.goto(f"{empty_site.url}/telemetry")
    await expect(page.locator("h1")).to_have_text("No: figures mislead")
    first = page.locator(".findings li").first
    await expect(first).to_contain_text("84.2 % of the events that were sent are here; 3 are missing, of 2 sessions.")
    await expect(first.locator(".do")).to_contain_text("which region or version")
    await expect(page.get_by_role("region", name="The records that were refused last")).to_contain_text(
        "roomwatch dead-letters show 0/"
    )
    await (
        page.get_by_role("region", name="Sessions with the most events missing")
        .get_by_role("link", name="gaps")
        .click()
    )
    await page.wait_for_url("**/sessions/*")


async def test_what_is_well_is_said_to_be_and_every_part_is_there(whole_site: Site, page: Page) -> None:
    await page.goto(f"{whole_site.url}/telemetry?since=-6h")
    await expect(page.locator(".findings li.bad")).to_have_count(0)
    targets = await page.locator(".findings a").evaluate_all("all => all.map(one => one.hash.slice(1))")
    assert [target for target in targets if not await page.locator(f"#{target}").count()] == []
    await page.get_by_role("region", name="What has arrived, by Region").get_by_role("link", name="br1").click()
    await expect(page).to_have_url(f"{whole_site.url}/outages?region=br1&since=-6h")


async def test_an_empty_store_says_that_there_is_nothing_to_trust(empty_site: Site, page: Page) -> None:
    await page.goto(f"{empty_site.url}/telemetry")
    await expect(page.locator("h1")).to_contain_text("There is nothing to trust")
    await expect(page.locator(".findings li").first).to_contain_text("Look whether the collector is ready")


async def test_outages_of_an_incomplete_time_are_marked_and_lead_here(empty_site: Site, page: Page) -> None:
    empty_site.fill(trouble.lives())
    await page.goto(f"{empty_site.url}/outages")
    await page.get_by_role("link", name="What is missing, and what to do").click()
    await expect(page).to_have_url(f"{empty_site.url}/telemetry")
