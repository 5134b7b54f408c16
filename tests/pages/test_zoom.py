"""A room looked at more closely: by buttons, keys and dragging; and taken along as text."""

import re

from playwright.async_api import Page, expect

from tests.histories import SECOND_US, START_US, Life, session_id
from tests.pages.conftest import Site
from tests.pages.scene import ROOM_SID
from tests.servers.browser import PageOpener


async def _open(site: Site, page: Page) -> None:
    await page.goto(f"{site.url}/rooms/{ROOM_SID}")
    await expect(page.locator("#lanes")).to_be_visible()


async def test_buttons_look_closer_and_the_address_says_at_what(site: Site, page: Page) -> None:
    await _open(site, page)
    await page.get_by_role("link", name="Zoom in").click()
    closer = f"{site.url}/rooms/{ROOM_SID}?from=2025-11-24T16:11:31.800Z&to=2025-11-24T16:28:52.200Z"
    await expect(page).to_have_url(closer)
    await expect(page.locator("[data-part=events] tbody tr")).to_have_count(13)
    await page.reload()
    await expect(page.locator("[data-part=events] tbody tr")).to_have_count(13)
    await page.go_back()
    await expect(page.locator("[data-part=events] tbody tr")).to_have_count(28)


async def test_keys_move_and_zoom_while_the_lanes_have_the_focus(site: Site, page: Page) -> None:
    await _open(site, page)
    await page.locator("#lanes").focus()
    await page.keyboard.press("+")
    await expect(page).to_have_url(re.compile("from=2025-11-24T16:11:31"))
    await expect(page.get_by_role("link", name="Whole room")).to_be_visible()
    await expect(page.locator("#lanes")).to_be_focused()
    await page.keyboard.press("ArrowRight")
    await expect(page).to_have_url(re.compile("from=2025-11-24T16:20:1[12]"))
    await expect(page.get_by_role("link", name="Earlier")).to_be_visible()
    await page.keyboard.press("0")
    await expect(page).to_have_url(f"{site.url}/rooms/{ROOM_SID}")


async def test_a_stretch_that_is_dragged_over_is_looked_at(site: Site, page: Page) -> None:
    await _open(site, page)
    box = await page.locator(".lane svg[role=img]").first.bounding_box()
    assert box is not None
    y = box["y"] + 20
    await page.mouse.move(box["x"] + box["width"] * 0.4, y)
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] * 0.5, y, steps=3)
    await page.mouse.up()
    await expect(page).to_have_url(re.compile("from=2025-11-24T16:16:4[0-9].*&to=2025-11-24T16:20:1[0-9]"))
    await expect(page.locator("[data-part=events] h2")).to_contain_text("of the time seen above")


async def test_what_is_seen_closely_stays_so_when_something_happens(site: Site, page: Page) -> None:
    await _open(site, page)
    await page.get_by_role("link", name="Zoom in").click()
    rows = page.locator("[data-part=events] tbody tr")
    await expect(rows).to_have_count(13)
    site.now_us += 5_000_000
    site.fill([])
    await page.get_by_role("button", name="Pause").click()
    await page.get_by_role("button", name="Resume").click()
    await expect(page.locator(".facts")).to_contain_text("24 Nov 16:37:17")
    await expect(rows).to_have_count(13)


async def test_evidence_leads_to_the_lane_that_it_speaks_of(site: Site, page: Page) -> None:
    await _open(site, page)
    await page.get_by_text("Each of them").click()
    await page.locator(".evidence.each > li", has_text="chen").locator("li a").first.click()
    await expect(page.locator(".lane:target")).to_contain_text("chen")
    await expect(page).to_have_url(re.compile(r"from=.*&to=.*#lane-"))


async def test_a_room_is_copied_as_text_for_a_ticket(site: Site, open_page: PageOpener) -> None:
    page = await open_page()
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await _open(site, page)
    button = page.get_by_role("button", name="Copy as text")
    await button.click()
    await expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = await page.evaluate("navigator.clipboard.readText()")
    told = await page.request.get(f"{site.url}/rooms/{ROOM_SID}/text")
    assert copied == await told.text()


async def test_an_event_about_somebody_says_about_whom(empty_site: Site, page: Page) -> None:
    ana, ben = (Life(session_id(number), START_US, identity=name) for number, name in ((1, "ana"), (2, "ben")))
    for number, life in enumerate((ana, ben)):
        life.room_sid, life.participant_sid = ROOM_SID, f"PA{number:032x}"
        life.connecting().later(400).connected()
    ana.later(1_000).participant("reconnecting", f"PA{1:032x}").later(500).participant("reconnecting", f"PA{9:032x}")
    empty_site.now_us = ana.now_us + SECOND_US
    empty_site.fill([ana, ben])
    await _open(empty_site, page)
    about = page.locator("[data-part=events] tbody tr", has_text="participant.reconnecting").locator("small")
    await expect(about).to_have_text(["ben", f"PA{9:032x}"])
