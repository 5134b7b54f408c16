"""Between a click and its answer the page says that it waits. Answers are held back by hand: nothing is timed."""

import asyncio
from typing import Final

from playwright.async_api import Page, Route, expect

from tests.pages.conftest import Site
from tests.pages.scene import ROOM_NAME, ROOM_SID

BAR: Final = """(ms) => {
    const view = document.getElementById("view");
    const all = view.getAnimations({ subtree: true });
    for (const one of all) { one.pause(); one.currentTime = ms; }
    const bar = getComputedStyle(view, "::before");
    return [all.length > 0, Number(bar.opacity) > 0, Number(getComputedStyle(view.firstElementChild).opacity) < 1];
}"""
"""Whether anything moves; and so many milliseconds after a click whether the bar is seen, and what waits is paler."""

BUSY: Final = "document.getElementById('view').getAttribute('aria-busy')"
"""Asked at once of a page that is about to be left: a locator would wait for the one that follows."""


class Held:
    """Answers to requests like these are held back until `let_go`."""

    def __init__(self) -> None:
        self._go = asyncio.Event()
        self.asked = asyncio.Event()

    async def back(self, page: Page, like: str) -> None:
        await page.route(like, self._hold)

    def let_go(self) -> None:
        self._go.set()

    async def _hold(self, route: Route) -> None:
        self.asked.set()
        await self._go.wait()
        await route.continue_()


async def expect_waiting(page: Page) -> None:
    await expect(page.locator("main")).to_have_attribute("aria-busy", "true")


async def expect_nothing_awaited(page: Page) -> None:
    await expect(page.locator("main")).not_to_have_attribute("aria-busy", "true")


async def test_a_part_of_a_page_that_is_asked_for_is_waited_for(site: Site, page: Page) -> None:
    await page.goto(f"{site.url}/rooms/{ROOM_SID}")
    held = Held()
    await held.back(page, "**/fragments/rooms/*?from=*")
    await page.get_by_role("link", name="Zoom in").click()
    await expect_waiting(page)
    held.let_go()
    await expect_nothing_awaited(page)
    await expect(page.locator("[data-part=events] tbody tr")).to_have_count(13)


async def test_the_way_back_to_an_earlier_view_is_waited_for(site: Site, page: Page) -> None:
    await page.goto(f"{site.url}/rooms/{ROOM_SID}")
    await page.get_by_role("link", name="Zoom in").click()
    await expect(page.locator("[data-part=events] tbody tr")).to_have_count(13)
    await expect_nothing_awaited(page)
    held = Held()
    await held.back(page, f"**/fragments/rooms/{ROOM_SID}")
    await page.evaluate("history.back()")
    await expect_waiting(page)
    held.let_go()
    await expect_nothing_awaited(page)
    await expect(page.locator("[data-part=events] tbody tr")).to_have_count(28)


async def test_who_resumes_waits_and_what_comes_by_itself_is_not_waited_for(site: Site, page: Page) -> None:
    held = Held()
    await held.back(page, "**/fragments/now")
    await page.goto(site.url)
    await held.asked.wait()
    await expect_nothing_awaited(page)
    await page.get_by_role("button", name="Pause").click()
    await expect_nothing_awaited(page)
    await page.get_by_role("button", name="Resume").click()
    await expect_waiting(page)
    held.let_go()
    await expect_nothing_awaited(page)


async def test_a_search_and_a_link_wait_for_their_page(site: Site, page: Page) -> None:
    await page.goto(f"{site.url}/docs")
    await page.get_by_role("searchbox").fill(ROOM_SID)
    assert (
        await page.evaluate(f"() => {{ document.querySelector('.search').requestSubmit(); return {BUSY}; }}") == "true"
    )
    await expect(page.locator("h1")).to_have_text(ROOM_NAME)
    await expect_nothing_awaited(page)
    to_codes = """document.querySelector(".places a[href='/codes']").click()"""
    assert await page.evaluate(f"() => {{ {to_codes}; return {BUSY}; }}") == "true"
    await page.wait_for_url("**/codes")
    await expect_nothing_awaited(page)
    await page.go_back(wait_until="commit")
    await expect(page.locator("h1")).to_have_text(ROOM_NAME)
    await expect_nothing_awaited(page)


async def test_what_leaves_the_page_where_it_is_is_not_waited_for(site: Site, page: Page) -> None:
    await page.goto(f"{site.url}/rooms/{ROOM_SID}")
    await page.get_by_text("Support packet").click()
    async with page.expect_download():
        await page.get_by_role("link", name="Without names").click()
    await expect_nothing_awaited(page)
    await page.locator(".facts a[href='#outages-title']").first.click()
    await expect_nothing_awaited(page)


async def test_nothing_is_seen_of_an_answer_that_comes_at_once(site: Site, page: Page) -> None:
    await page.goto(f"{site.url}/rooms/{ROOM_SID}")
    held = Held()
    await held.back(page, "**/fragments/rooms/*?from=*")
    await page.get_by_role("link", name="Zoom in").click()
    await expect_waiting(page)
    assert await page.evaluate(BAR, 140) == [True, False, False]
    assert await page.evaluate(BAR, 400) == [True, True, True]
    held.let_go()


async def test_where_motion_is_not_wanted_the_bar_stands_still(site: Site, page: Page) -> None:
    await page.emulate_media(reduced_motion="reduce")
    await page.goto(f"{site.url}/rooms/{ROOM_SID}")
    held = Held()
    await held.back(page, "**/fragments/rooms/*?from=*")
    await page.get_by_role("link", name="Zoom in").click()
    await expect_waiting(page)
    assert await page.evaluate(BAR, 140) == [True, False, False]
    moving = "document.getElementById('view').getAnimations({ subtree: true }).map((one) => one.animationName)"
    assert "pass" not in await page.evaluate(moving)
    assert await page.evaluate(BAR, 152) == [True, True, True]
    held.let_go()
