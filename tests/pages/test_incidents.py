"""Incidents on the pages: seen on the first one, explained on their own."""

from dataclasses import replace

from tests.pages.conftest import Site
from tests.pages.scene import NOW_US, SPIKE
from tests.servers.browser import PageOpener


async def test_an_incident_that_goes_on_stands_on_the_first_page_and_leads_to_whom_it_hit(
    whole_site: Site, open_page: PageOpener
) -> None:
    page = await open_page()
    await page.goto(whole_site.url)
    await page.get_by_role("link", name="Sessions fail with code 53000").click()
    assert await page.locator("h1").text_content() == SPIKE.annotations["summary"]
    assert await page.get_by_text("4 of 139 sessions that were in a room were dropped with 53000").is_visible()
    cells = page.get_by_role("region", name="Whom it hit, by Region").locator("tbody tr")
    assert await cells.locator("th, td").all_text_contents() == [
        "br1", "4", "31", "12.9 %", "5.1 % to 28.9 %", "0 %", "0 % to 3.4 %", "stands out",
    ]  # fmt: skip
    await page.get_by_role("link", name="chen").click()
    await page.wait_for_url("**/sessions/*")


async def test_only_links_to_the_web_are_links(whole_site: Site, open_page: PageOpener) -> None:
    page = await open_page()
    await page.goto(f"{whole_site.url}/incidents/{SPIKE.fingerprint}-{SPIKE.started_at_us}")
    assert (
        await page.get_by_role("link", name="What to do first").get_attribute("href")
        == SPIKE.annotations["runbook_url"]
    )
    assert await page.locator("a[href^=javascript]").count() == 0


async def test_an_alert_that_knows_no_address_leads_to_our_own_runbooks(site: Site, open_page: PageOpener) -> None:
    relative = {**SPIKE.annotations, "runbook_url": "docs/runbooks.md#rtcfailurespike"}
    site.keep(replace(SPIKE, annotations=relative))
    page = await open_page()
    await page.goto(f"{site.url}/incidents/{SPIKE.fingerprint}-{SPIKE.started_at_us}")
    await page.get_by_role("link", name="What to do first").click()
    await page.wait_for_url("**/docs/runbooks.md#rtcfailurespike")
    assert await page.locator("h2#rtcfailurespike").is_visible()


async def test_an_incident_comes_and_goes_on_a_page_that_is_open(site: Site, open_page: PageOpener) -> None:
    page = await open_page()
    await page.goto(site.url)
    alarm = page.locator(".alarms")
    assert await alarm.count() == 0
    site.keep(replace(SPIKE, started_at_us=NOW_US))
    await alarm.wait_for()
    site.now_us += 1_000_000
    site.keep(replace(SPIKE, started_at_us=NOW_US, ended_at_us=NOW_US + 1))
    await alarm.wait_for(state="detached")


async def test_what_always_fires_is_no_incident_of_the_first_page(site: Site, open_page: PageOpener) -> None:
    site.keep(replace(SPIKE, labels={"alertname": "RtcWatchdog", "severity": "none"}, annotations={}))
    page = await open_page()
    await page.goto(site.url)
    assert await page.locator(".alarms").count() == 0
    await page.goto(f"{site.url}/incidents")
    assert await page.locator("h1").text_content() == "No incident goes on"
    assert await page.get_by_role("link", name="RtcWatchdog").is_visible()


async def test_where_nothing_was_told_the_page_says_what_to_do(empty_site: Site, open_page: PageOpener) -> None:
    page = await open_page(width=400)
    await page.goto(f"{empty_site.url}/incidents")
    assert await page.get_by_text("dashboards/alertmanager.yml").is_visible()
