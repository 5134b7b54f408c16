"""Whole tasks by the keyboard alone: from the top of a page to what somebody came for."""

from typing import Final

from playwright.async_api import Locator, Page, expect

from tests.pages.conftest import Site
from tests.pages.scene import ROOM_NAME, ROOM_SID, session_of
from tests.servers.browser import PageOpener

STEPS_MAX: Final = 80
FOCUSED: Final = "one => one === document.activeElement"


async def _tab_to(page: Page, what: Locator) -> None:
    """Presses Tab until it has the focus, and looks whether one sees that."""
    for _ in range(STEPS_MAX):
        await page.keyboard.press("Tab")
        if await what.evaluate(FOCUSED):
            break
    await expect(what).to_be_focused()
    assert await what.evaluate("one => getComputedStyle(one).outlineStyle") == "solid"


async def test_a_room_is_found(site: Site, page: Page) -> None:
    await page.goto(site.url)
    await _tab_to(page, page.get_by_role("searchbox"))
    await page.keyboard.type(ROOM_NAME)
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{site.url}/rooms/{ROOM_SID}")
    await expect(page.locator("h1")).to_have_text(ROOM_NAME)


async def test_the_evidence_of_a_verdict_is_opened_and_followed(site: Site, page: Page) -> None:
    await page.goto(f"{site.url}/sessions/{session_of('chen')}")
    await _tab_to(page, page.locator("#verdict-evidence summary"))
    await page.keyboard.press("Enter")
    await expect(page.locator("#verdict-evidence li").first).to_be_visible()
    await _tab_to(page, page.locator("#verdict-evidence a").first)
    await page.keyboard.press("Enter")
    await expect(page.locator(".lane:target")).to_contain_text("chen")


async def test_a_chip_is_removed(whole_site: Site, page: Page) -> None:
    await page.goto(f"{whole_site.url}/outages?region=br1&outcome=failed&since=-6h")
    await _tab_to(page, page.get_by_role("link", name="Remove the filter Region br1"))
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{whole_site.url}/outages?outcome=failed&since=-6h")


async def test_a_filter_is_added(whole_site: Site, page: Page) -> None:
    await page.goto(f"{whole_site.url}/outages?since=-6h")
    await _tab_to(page, page.locator("#filter-form summary"))
    await page.keyboard.press("Enter")
    await _tab_to(page, page.locator("select[name=add]"))
    await page.keyboard.type("App")
    await expect(page.locator("select[name=add]")).to_have_value("app_version")
    await _tab_to(page, page.locator("input[name=value]"))
    await page.keyboard.type("5.13.0")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{whole_site.url}/outages?app_version=5.13.0&since=-6h")


async def test_a_room_is_copied_as_text(site: Site, open_page: PageOpener) -> None:
    page = await open_page()
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.goto(f"{site.url}/rooms/{ROOM_SID}")
    await _tab_to(page, page.get_by_role("button", name="Copy as text"))
    await page.keyboard.press("Space")
    await expect(page.get_by_role("button", name="Copied")).to_be_focused()
    assert ROOM_NAME in await page.evaluate("navigator.clipboard.readText()")
