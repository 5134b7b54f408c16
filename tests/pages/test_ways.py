"""Ways through the pages: by search, by link, by keyboard alone."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.pages.conftest import Site
from tests.pages.scene import ROOM_NAME, ROOM_SID, session_of


@pytest.mark.parametrize("word", [ROOM_SID, ROOM_NAME, "dora", f" {ROOM_SID} "])
async def test_a_room_is_found_by_what_people_know_of_it(site: Site, page: Page, word: str) -> None:
    await page.goto(site.url)
    await page.get_by_role("searchbox").fill(word)
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{site.url}/rooms/{ROOM_SID}")
    await expect(page.locator("h1")).to_have_text(ROOM_NAME)


async def test_a_session_is_found_by_its_id_and_its_participant(site: Site, page: Page) -> None:
    await page.goto(f"{site.url}/search?q=PA{5:032x}")
    await expect(page.locator("h1")).to_contain_text("dora")
    found = page.url
    await page.goto(f"{site.url}/search?q={found.rsplit('/', 1)[-1]}")
    assert page.url == found


async def test_what_nobody_told_of_is_said_to_be_unknown(site: Site, page: Page) -> None:
    await page.goto(f"{site.url}/search?q=<b>nobody</b>")
    await expect(page.locator("h1")).to_have_text("Nothing is known of “<b>nobody</b>”")


async def test_a_person_is_found_by_identity_and_a_time(whole_site: Site, page: Page) -> None:
    await page.goto(whole_site.url)
    await page.keyboard.press("/")
    await expect(page.get_by_role("searchbox")).to_be_focused()
    await page.keyboard.type("ana 16:20")
    await page.keyboard.press("Enter")
    await expect(page.locator(".understood")).to_contain_text(
        "Understood: ana, Mon 24 Nov 16:20 ±60 min by the clocks of UTC"
    )
    await expect(page.locator("h1")).to_have_text("“ana” at that time")
    await expect(page.locator("h2")).to_have_text(re.compile(ROOM_NAME))
    await page.get_by_role("link", name="ana", exact=True).click()
    await expect(page.locator("h1")).to_contain_text("ana")


async def test_who_is_reconnecting_is_said_to_be_wherever_they_are_told_of(site: Site, page: Page) -> None:
    await page.goto(f"{site.url}/sessions/{session_of('emre')}")
    await expect(page.locator("h1")).to_have_text(re.compile("emre.*reconnecting now"))
    await expect(page.locator(".verdict")).to_contain_text("it is reconnecting")
    await page.goto(f"{site.url}/sessions?identity=emre")
    await expect(page.locator(".fate")).to_have_text("reconnecting now")
    await page.goto(f"{site.url}/rooms/{ROOM_SID}")
    for part in ("sessions", "timeline"):
        await expect(page.locator(f"[data-part={part}]")).to_contain_text("reconnecting now")
    asked = await page.request.get(f"{site.url}/rooms/{ROOM_SID}/text")
    assert "16:04:12 to now, reconnecting now" in await asked.text()


async def test_a_code_leads_to_its_page(site: Site, page: Page) -> None:
    asked = await page.request.get(f"{site.url}/search?q=53002", max_redirects=0)
    assert (asked.status, asked.headers["location"]) == (303, "/codes/53002")


async def test_names_that_begin_as_what_is_asked_are_offered(whole_site: Site, page: Page) -> None:
    await page.goto(f"{whole_site.url}/search?q=dor")
    await expect(page.locator("h1")).to_have_text("Nothing is known of “dor”")
    await page.get_by_role("link", name="dora", exact=True).click()
    await expect(page).to_have_url(f"{whole_site.url}/rooms/{ROOM_SID}")


async def test_an_outage_leads_to_its_room_and_on_to_the_session(site: Site, page: Page) -> None:
    await page.goto(site.url)
    await page.locator(".latest tbody tr", has_text="chen").get_by_role("link", name=ROOM_NAME).click()
    await expect(page.locator("h1")).to_have_text(ROOM_NAME)
    await page.locator(".lane-name", has_text="chen").get_by_role("link").click()
    await expect(page.locator("h1")).to_have_text(re.compile("chen.*dropped"))
    await expect(page.locator(".verdict")).to_contain_text("Their own network: none of 5 others who were connected")
    await page.get_by_text("How we know").click()
    await expect(page.locator(".evidence li").last).to_contain_text("with 53000 (Signaling connection error)")
    await expect(page.locator("[data-part=events] tbody tr")).to_have_count(4)


async def test_everything_is_reached_by_keyboard(site: Site, page: Page) -> None:
    await page.goto(site.url)
    await page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    await expect(skip).to_be_focused()
    await expect(skip).to_be_in_viewport()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()
    reached = set()
    for _ in range(120):
        await page.keyboard.press("Tab")
        told = await page.evaluate(
            """() => {
            const one = document.activeElement;
            return [one.id || one.tagName, getComputedStyle(one).outlineStyle, one === document.body];
        }"""
        )
        if told[2]:
            break
        assert told[1] == "solid", told
        reached.add(told[0])
    assert {"SUMMARY", "A", "codes-scroll", "latest-scroll"} <= reached
