"""The pages Releases and Codes: from a question to its answer, and on to the sessions behind it."""

import pytest
from playwright.async_api import expect

from tests.pages.conftest import Site
from tests.pages.scene import BAD_RELEASE, SPIKE
from tests.servers.browser import PageOpener


async def test_the_bad_release_is_found_worse_and_says_by_how_much(whole_site: Site, open_page: PageOpener) -> None:
    page = await open_page()
    await page.goto(f"{whole_site.url}/incidents")
    await page.get_by_role("navigation", name="Pages").get_by_role("link", name="Releases").click()
    await expect(page.locator("h1")).to_have_text(f"{BAD_RELEASE} is worse than the others")
    row = page.locator(".releases tbody tr", has_text=BAD_RELEASE)
    await expect(row.locator(".judged")).to_have_text("worse drops more")
    assert [text.split()[0] for text in await row.locator("td.n").all_inner_texts()] == [
        "84.2", "96.8", "146", "23", "80.2", "98.3",
    ]  # fmt: skip


async def test_a_number_of_releases_leads_to_the_sessions_behind_it(whole_site: Site, open_page: PageOpener) -> None:
    page = await open_page()
    await page.goto(f"{whole_site.url}/releases")
    row = page.locator(".releases tbody tr", has_text=BAD_RELEASE)
    await row.get_by_role("link", name="23").click()
    await expect(page.locator("main tbody tr")).to_have_count(23)
    await expect(page.locator("main")).to_contain_text(BAD_RELEASE)


async def test_what_is_compared_stands_in_the_address(whole_site: Site, open_page: PageOpener) -> None:
    page = await open_page()
    await page.goto(f"{whole_site.url}/releases")
    await page.get_by_role("link", name="SDK version").click()
    await page.get_by_role("link", name="last 30 days").click()
    assert page.url == f"{whole_site.url}/releases?last=30d&by=sdk_version"
    await expect(page.locator(".choices [aria-current]")).to_have_text(["last 30 days", "SDK version"])
    assert await page.locator(".releases tbody tr").count() == 3


async def test_a_code_leads_from_the_list_to_its_meaning_and_to_a_session(
    whole_site: Site, open_page: PageOpener
) -> None:
    page = await open_page()
    await page.goto(f"{whole_site.url}/codes?last=24h")
    await expect(page.locator("h1")).to_have_text("49 sessions failed, most with 53405")
    await page.get_by_role("link", name=SPIKE.labels["code"], exact=True).click()
    await expect(page.locator("h1")).to_have_text("53000 SignalingConnectionError")
    await expect(page.locator("[data-part=meaning]")).to_contain_text("Look at the signaling servers of the region")
    await page.locator("#trend-table summary").click()
    cells = await page.locator("#trend-table td").all_text_contents()
    assert sum(map(int, cells)) == 15
    first = page.locator("#hit-region-scroll tbody tr").first
    assert (await first.locator("th, td").all_text_contents())[:4] == ["br1", "7", "150", "4.7 %"]
    await page.get_by_role("link", name="chen").click()
    await page.wait_for_url("**/sessions/*")


async def test_each_number_of_a_code_leads_to_as_many_sessions(whole_site: Site, open_page: PageOpener) -> None:
    page = await open_page()
    await page.goto(f"{whole_site.url}/codes/53000?last=24h")
    links = page.locator("[data-part=headline] .sub a, #hit-region-scroll td:nth-child(2) a")
    told = [(await one.inner_text(), await one.get_attribute("href")) for one in await links.all()]
    assert len(told) >= 3
    for count, address in told:
        await page.goto(f"{whole_site.url}{address}")
        assert (count, await page.locator("main tbody tr").count()) == (count, int(count))


async def test_a_code_that_did_not_come_is_explained_all_the_same(site: Site, open_page: PageOpener) -> None:
    page = await open_page(width=400)
    await page.goto(f"{site.url}/codes/53105?last=30d")
    assert await page.get_by_text("No session failed with it in the last 30 days.").is_visible()
    assert await page.get_by_text("The room was full.").is_visible()


@pytest.mark.parametrize("path", ["/releases", "/codes"])
async def test_where_nothing_happened_the_page_says_so(empty_site: Site, open_page: PageOpener, path: str) -> None:
    page = await open_page(width=400)
    await page.goto(empty_site.url + path)
    assert await page.locator("h1").text_content() in {"No release was seen", "No session failed"}
