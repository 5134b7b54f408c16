"""A page that keeps itself up to date."""

import re

from playwright.async_api import Page, expect

from tests.histories import SECOND_US, Life, session_id
from tests.pages.conftest import Site
from tests.pages.scene import NOW_US, ROOM_NAME, ROOM_SID, lives
from tests.servers.browser import PageOpener
from tests.waiting import eventually


async def _open(site: Site, page: Page, path: str = "/") -> None:
    await page.goto(site.url + path)
    await expect(page.locator("#live-text")).to_have_text(re.compile("Updated [0-9]+ s ago"))


def _newcomer(site: Site) -> Life:
    at_us = site.now_us - SECOND_US
    life = Life(session_id(99, at_us), at_us, room_name=ROOM_NAME, identity="gus")
    life.room_sid, life.participant_sid = ROOM_SID, f"PA{99:032x}"
    return life.connecting().later(400).connected().later(100).reconnecting("media")


def _a_moment_later(site: Site) -> None:
    site.now_us += 5 * SECOND_US
    site.fill([_newcomer(site)])


async def test_what_happens_is_shown_without_a_reload(site: Site, page: Page) -> None:
    await _open(site, page)
    await expect(page.locator("h1")).to_have_text("1 of 3 participants is reconnecting")
    _a_moment_later(site)
    await expect(page.locator("h1")).to_have_text("2 of 4 participants are reconnecting")
    await expect(page.locator(".latest tbody tr").first).to_contain_text("gus")


async def test_a_room_gets_a_lane_when_somebody_joins(site: Site, page: Page) -> None:
    await _open(site, page, f"/rooms/{ROOM_SID}")
    await expect(page.locator(".lane-name")).to_have_count(6)
    _a_moment_later(site)
    await expect(page.locator(".lane-name")).to_have_count(7)


async def test_where_no_stream_is_to_be_had_a_page_asks_every_few_seconds(site: Site, open_page: PageOpener) -> None:
    page = await open_page()
    await page.clock.install()
    await page.route("**/live", lambda route: route.fulfill(status=503))
    await _open(site, page)
    _a_moment_later(site)
    await page.clock.run_for(4_100)
    await expect(page.locator("h1")).to_have_text("2 of 4 participants are reconnecting")
    assert all("503" in one for one in open_page.complaints)
    open_page.complaints.clear()


async def test_focus_scroll_and_opened_tables_stay_where_they_are(site: Site, open_page: PageOpener) -> None:
    page = await open_page(width=1280, height=500)
    await _open(site, page)
    await page.locator("#outages-table summary").click()
    link = page.locator(".latest a", has_text="dora")
    await link.focus()
    await page.evaluate("scrollTo(0, 400)")
    _a_moment_later(site)
    await expect(page.locator(".latest tbody tr").first).to_contain_text("gus")
    await expect(link).to_be_focused()
    assert await page.locator("#outages-table").get_attribute("open") == ""
    assert await page.evaluate("scrollY") == 400


async def test_text_that_is_being_copied_stays(site: Site, page: Page) -> None:
    await _open(site, page)
    await page.evaluate("getSelection().selectAllChildren(document.querySelector('h1'))")
    _a_moment_later(site)
    await expect(page.locator(".latest tbody tr").first).to_contain_text("gus")
    assert await page.evaluate("getSelection().toString()") == "1 of 3 participants is reconnecting"


async def test_a_lost_connection_is_told_with_the_age_of_what_is_shown(site: Site, open_page: PageOpener) -> None:
    page = await open_page()
    await page.clock.install()
    await _open(site, page)
    site.stop()
    connection = page.locator("#connection")
    for _ in range(6):
        await page.clock.run_for(8_000)
        await eventually(lambda: open_page.complaints)
    await expect(connection).to_contain_text("The connection to the collector is lost")
    told = re.fullmatch("Updated ([0-9]+) s ago", await page.locator("#live-text").text_content() or "")
    assert told is not None
    assert int(told[1]) >= 40
    await expect(page.locator("h1")).to_have_text("1 of 3 participants is reconnecting")
    site.start()
    for _ in range(2):
        await page.clock.run_for(30_000)
        await eventually(lambda: True)
    await expect(connection).to_be_empty()
    assert all("CONNECTION_REFUSED" in one or "ERR_" in one for one in open_page.complaints)
    open_page.complaints.clear()


async def test_nothing_is_asked_while_paused_or_hidden(site: Site, page: Page) -> None:
    await page.clock.install()
    async with page.expect_response("**/fragments/now"):
        await _open(site, page)
    asked: list[str] = []
    await page.get_by_role("button", name="Pause").click()
    page.on("request", lambda request: asked.append(request.url.removeprefix(site.url)))
    await page.clock.run_for(60_000)
    await expect(page.locator("#live-text")).to_have_text(re.compile("Paused, 6[0-9] s old"))
    assert asked == []
    await page.get_by_role("button", name="Resume").click()
    await eventually(lambda: set(asked) == {"/live", "/fragments/now"})
    await page.evaluate(
        """() => {
        Object.defineProperty(document, 'hidden', { value: true, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
    }"""
    )
    asked.clear()
    _a_moment_later(site)
    await page.clock.run_for(60_000)
    assert asked == []


async def test_the_first_event_of_an_empty_store_brings_the_fleet(empty_site: Site, page: Page) -> None:
    await _open(empty_site, page)
    await expect(page.locator("h1")).to_have_text("No room has said anything yet")
    empty_site.fill(lives(0))
    await expect(page.locator("h1")).to_have_text("1 of 3 participants is reconnecting")
    assert empty_site.now_us == NOW_US
