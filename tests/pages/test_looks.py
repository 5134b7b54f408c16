"""Every page at every size and in both themes: nothing goes wrong, nothing is cut off, everything can be read."""

from pathlib import Path
from typing import Final

import pytest

from tests.pages.conftest import Site
from tests.pages.scene import ROOM_SID, SPIKE
from tests.servers.browser import ColorScheme, PageOpener

LOW_CONTRAST: Final = Path(__file__).with_name("looking.js").read_text(encoding="utf-8").split("\n", 1)[1]
INCIDENT: Final = f"/incidents/{SPIKE.fingerprint}-{SPIKE.started_at_us}"
PAGES: Final = (
    "/",
    f"/rooms/{ROOM_SID}",
    "/search?q=ben",
    "/search?q=nobody",
    "/incidents",
    INCIDENT,
    "/docs",
)
OVERFLOW: Final = "() => document.documentElement.scrollWidth - innerWidth"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 820, 1440])
async def test_a_page_fits_and_can_be_read(
    whole_site: Site, open_page: PageOpener, width: int, scheme: ColorScheme
) -> None:
    page = await open_page(width=width, color_scheme=scheme)
    for path in PAGES:
        await page.goto(whole_site.url + path)
        assert await page.locator("h1").is_visible()
        assert await page.evaluate(OVERFLOW) <= 0, path
        assert await page.evaluate(LOW_CONTRAST) == [], path


async def test_the_first_screen_says_what_broke_for_whom_with_which_code_and_whether_they_came_back(
    whole_site: Site, open_page: PageOpener
) -> None:
    page = await open_page(width=1280, height=800)
    await page.goto(whole_site.url)
    answers = page.locator(".statement")
    assert await answers.locator("dt").all_text_contents() == [
        "What broke?",
        "For whom?",
        "With which code?",
        "Did they come back?",
    ]
    assert await answers.locator("strong").all_text_contents() == ["Signaling, mostly", "Region br1", "53000", "78.3 %"]
    box = await answers.last.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 400


async def test_what_is_drawn_stands_in_a_table_too(whole_site: Site, open_page: PageOpener) -> None:
    page = await open_page()
    await page.goto(whole_site.url)
    for name in ("outages", "failures"):
        await page.locator(f"#{name}-table summary").click()
        cells = await page.locator(f"#{name}-table td").all_text_contents()
        legend = await page.locator(f"[data-part={name}-chart] .legend b").all_text_contents()
        assert sum(map(int, cells)) == sum(map(int, legend))
    assert await page.locator("svg[role=img]:not([aria-label])").count() == 0


async def test_an_empty_store_says_what_to_do(empty_site: Site, open_page: PageOpener) -> None:
    page = await open_page(width=400)
    await page.goto(empty_site.url)
    assert await page.locator("h1").text_content() == "No room has said anything yet"
    assert await page.get_by_text("roomwatch demo").is_visible()
    assert await page.evaluate(OVERFLOW) <= 0


async def test_nothing_is_asked_of_another_host(whole_site: Site, open_page: PageOpener) -> None:
    page = await open_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in PAGES:
        await page.goto(whole_site.url + path)
    assert asked
    assert [url for url in asked if not url.startswith(whole_site.url)] == []


async def test_a_page_says_all_without_scripts(whole_site: Site, open_page: PageOpener) -> None:
    context = await open_page.browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(whole_site.url)
    assert await page.locator(".latest tbody tr").count() == 25
    assert not await page.locator("#live").is_visible()
