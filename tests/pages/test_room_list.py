"""The page Rooms: which room was bad, and the rows behind each of its numbers."""

import re
from typing import Final

import pytest
from playwright.async_api import Locator, Page, expect

from tests import trouble
from tests.pages.conftest import Site
from tests.pages.forms import add_filter, show_time
from tests.pages.scene import ROOM_NAME, ROOM_SID
from tests.servers.browser import PageOpener

ROWS: Final = ".rooms tbody tr"


async def _numbers(of: Locator) -> list[tuple[str, str]]:
    """Each number that leads somewhere, with where."""
    links = await of.get_by_role("link", name=re.compile("^[0-9]+$")).all()
    return [(await one.inner_text(), await one.get_attribute("href") or "") for one in links]


async def test_a_bad_room_says_when_how_many_what_and_who_fared_worst(whole_site: Site, page: Page) -> None:
    await page.goto(f"{whole_site.url}/rooms?room_name={ROOM_NAME}")
    await expect(page.locator("h1")).to_have_text("1 room like this began in the last 24 hours")
    cells = page.locator(ROWS).locator("th, td")
    assert [" ".join(text.split()) for text in await cells.all_inner_texts()] == [
        f"{ROOM_NAME} {ROOM_SID}", "24 Nov 16:03:12", "3 here now", "6", "8", "80 s", "4", "✕ dropped 53002, ben",
    ]  # fmt: skip


async def test_each_number_of_a_room_leads_to_as_many_rows(whole_site: Site, page: Page) -> None:
    await page.goto(f"{whole_site.url}/rooms?room_name={ROOM_NAME}")
    told = await _numbers(page.locator(ROWS))
    assert len(told) == 4
    for count, address in told:
        await page.goto(f"{whole_site.url}{address}")
        part = "[data-part=outages]" if "#outages" in address else "main"
        rows = page.locator(f"{part} tbody tr")
        who = set(await rows.locator("td:nth-child(1)").all_inner_texts())
        assert count in {str(await rows.count()), str(len(who))}, address


async def test_a_room_leads_to_its_page_and_the_worst_to_the_session(whole_site: Site, page: Page) -> None:
    await page.goto(f"{whole_site.url}/rooms?room_name={ROOM_NAME}")
    await page.get_by_role("link", name=ROOM_NAME, exact=True).click()
    await expect(page).to_have_url(f"{whole_site.url}/rooms/{ROOM_SID}")
    await page.get_by_role("navigation", name="Pages").get_by_role("link", name="Rooms").click()
    await expect(page).to_have_url(f"{whole_site.url}/rooms")
    await page.locator(ROWS, has_text=ROOM_NAME).get_by_role("link", name="ben", exact=True).click()
    await expect(page.locator("h1")).to_have_text(re.compile("ben.*dropped"))


async def test_the_rooms_that_are_said_to_be_there_now_are_listed(whole_site: Site, page: Page) -> None:
    await page.goto(whole_site.url)
    told = page.locator("[data-part=headline] .sub").get_by_role("link", name=re.compile("rooms$"))
    count = int((await told.inner_text()).split()[0])
    await told.click()
    await expect(page.locator(".chips li").first).to_contain_text("How it went in the room")
    await expect(page.locator(ROWS)).to_have_count(count)


async def test_views_narrow_to_the_bad_ones_and_a_chip_takes_it_back(whole_site: Site, page: Page) -> None:
    await page.goto(f"{whole_site.url}/rooms")
    await expect(page.locator("h1")).to_have_text("More than 50 rooms began in the last 24 hours")
    views = page.get_by_role("navigation", name="Which rooms")
    await views.get_by_role("link", name="Ended badly").click()
    await expect(views.locator("[aria-current]")).to_have_text("Ended badly")
    badly = await page.locator(f"{ROWS} td:nth-child(7)").all_inner_texts()
    assert badly
    assert "0" not in badly
    for _ in range(3):
        await page.locator(".chips li a").first.click()
    await expect(page).to_have_url(f"{whole_site.url}/rooms")
    await page.get_by_role("navigation", name="Time").get_by_role("link", name="1 hour").click()
    await expect(page).to_have_url(f"{whole_site.url}/rooms?since=-1h")


async def test_the_list_goes_on_and_every_room_is_on_one_page(whole_site: Site, page: Page) -> None:
    await page.goto(f"{whole_site.url}/rooms")
    seen: list[str] = []
    while True:
        seen += await page.locator(f"{ROWS} th a").evaluate_all("all => all.map(one => one.pathname)")
        more = page.get_by_role("link", name="Earlier rooms")
        if not await more.count():
            break
        await more.click()
        await expect(page.get_by_role("link", name="back to the first")).to_be_visible()
        await expect(page.locator(f"{ROWS} th a", has_text=ROOM_NAME)).to_have_count(0)
    assert len(seen) == len(set(seen)) == 151


async def test_filters_and_times_of_rooms_are_typed_where_there_are_no_scripts(
    whole_site: Site, open_page: PageOpener
) -> None:
    context = await open_page.browser.new_context(java_script_enabled=False, timezone_id="UTC")
    page = await context.new_page()
    await page.goto(f"{whole_site.url}/rooms?since=-6h")
    await add_filter(page, "code", "53002")
    await expect(page).to_have_url(f"{whole_site.url}/rooms?code=53002&since=-6h")
    await show_time(page, "2025-11-24T16:00", "2025-11-24T16:30")
    await expect(page.locator("h1")).to_have_text(re.compile("^[0-9]+ rooms? like this began in this time"))
    await expect(page.locator(ROWS)).to_contain_text([ROOM_NAME])


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/rooms?sort=sideways", "sort"),
        ("/rooms?cursor=nonsense", "cursor"),
        ("/rooms?add=colour&value=red", "add"),
        ("/rooms?since=tomorrowish", "since"),
    ],
)
async def test_what_cannot_be_asked_of_rooms_is_named_with_a_way_on(
    whole_site: Site, open_page: PageOpener, path: str, said: str
) -> None:
    page = await open_page()
    await page.goto(f"{whole_site.url}{path}")
    await expect(page.locator("main")).to_contain_text(said)
    await page.get_by_role("link", name="Start again").click()
    await expect(page).to_have_url(f"{whole_site.url}/rooms")
    open_page.complaints.clear()


async def test_where_no_room_is_like_that_there_are_ways_on(whole_site: Site, page: Page) -> None:
    await page.goto(f"{whole_site.url}/rooms?region=nowhere")
    await expect(page.locator("h1")).to_have_text("No room like this began in the last 24 hours")
    await page.get_by_role("link", name="The same time without filters").click()
    await expect(page).to_have_url(f"{whole_site.url}/rooms")


async def test_an_empty_store_has_no_rooms_and_says_what_to_do(empty_site: Site, open_page: PageOpener) -> None:
    page = await open_page(width=400)
    await page.goto(f"{empty_site.url}/rooms")
    await expect(page.locator("h1")).to_have_text("No room began in the last 24 hours")
    await page.get_by_role("link", name="Can I trust this?").click()
    await expect(page).to_have_url(f"{empty_site.url}/telemetry")


async def test_rooms_of_which_events_are_missing_are_said_to_be_incomplete(empty_site: Site, page: Page) -> None:
    empty_site.fill(trouble.lives())
    await page.goto(f"{empty_site.url}/rooms")
    await page.get_by_role("link", name="What is missing, and what to do").click()
    await expect(page).to_have_url(f"{empty_site.url}/telemetry")
