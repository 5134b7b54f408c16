"""Every page at every size and in both themes: nothing goes wrong, nothing is cut off, everything can be read."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import httpx
import pytest

from collector.api.rendering import PLACES
from tests import trouble
from tests.pages.conftest import Site, house_of, serving, site_of
from tests.pages.scene import ROOM_SID, SPIKE, session_of
from tests.servers.browser import ColorScheme, PageOpener
from tests.servers.parts import ROOT, Part, find

LOW_CONTRAST: Final = Path(__file__).with_name("looking.js").read_text(encoding="utf-8").split("\n", 1)[1]
PAGES: Final = {
    **{place: word.lower() for place, word in PLACES.items()},
    f"/rooms/{ROOM_SID}": "room",
    f"/rooms/{ROOM_SID}?from=2025-11-24T16:15:00Z&to=2025-11-24T16:18:00Z": "room-closer",
    f"/sessions/{session_of('chen')}": "session",
    f"/incidents/{SPIKE.fingerprint}-{SPIKE.started_at_us}": "incident",
    "/search?q=ana 24 Nov 16:20": "search-found",
    "/search?q=dora 24 Nov 9:00": "search-nearest",
    "/search?q=nobody": "search-nothing",
    "/search": "search",
    "/codes/53000?last=24h": "code",
    "/codes/53113": "code-never-seen",
    "/rooms?fate=dropped&since=-6h": "rooms-bad",
    "/rooms?region=nowhere&since=2025-11-24T16:00:00Z": "rooms-none",
    "/sessions?fate=dropped&since=-24h": "sessions",
    "/sessions?region=nowhere": "sessions-none",
    f"/sessions?beside={session_of('dora')}&among=room&hit=yes": "sessions-beside",
    "/outages?region=br1&outcome=failed&lasted=3000-&since=-6h": "outages-chips",
    "/rooms?ended_at=2025-11-24T16:00:00Z..&fate=dropped&since=2025-11-24T10:00:00Z": "rooms-chips",
    "/docs": "api",
    "/docs/runbooks.md": "runbooks",
}
"""Every page, and what its picture is called. Those that the bar leads to are here by themselves."""
PROBLEMS: Final = {"/rooms/RMnobody": "problem-unknown", "/outages?lasted=9-3": "problem-filter"}
"""What is answered where there is no such page."""
OVERFLOW: Final = "() => document.documentElement.scrollWidth - innerWidth"
AXE: Final = """async () => {
    const found = await axe.run(document, { resultTypes: ["violations"] });
    return found.violations.filter((one) => ["serious", "critical"].includes(one.impact))
        .map((one) => `${one.id}: ${one.nodes.map((node) => node.target.join(" ")).slice(0, 5).join("; ")}`);
}"""
THEMES: Final[tuple[ColorScheme, ...]] = ("light", "dark")
PICTURES: Final = ROOT / "build" / "pages"


@pytest.mark.parametrize(("width", "height", "scale"), [(400, 800, 1), (1200, 800, 1), (3840, 2160, 0.5)])
async def test_a_page_fits_can_be_read_and_used_by_everybody_in_both_themes(
    whole_site: Site,
    elsewhere: dict[str, str],
    open_page: PageOpener,
    width: int,
    height: int,
    scale: float,
) -> None:
    page = await open_page(width=width, height=height, scale=scale)
    await page.add_init_script(path=find(Part.PAGE_CHECKS) / "axe-core" / "axe.min.js")
    PICTURES.mkdir(parents=True, exist_ok=True)
    here = {whole_site.url + path: name for path, name in (PAGES | PROBLEMS).items()}
    for path, name in (here | elsewhere).items():
        await page.goto(path)
        assert await page.locator("h1").is_visible()
        for scheme in THEMES:
            await page.emulate_media(color_scheme=scheme)
            assert await page.evaluate(OVERFLOW) <= 0, path
            assert await page.evaluate(LOW_CONTRAST) == [], (path, scheme)
            assert await page.evaluate(AXE) == [], (path, scheme)
            # Half the pixels each way of a wide one, and JPEG: lossless pictures in full took longer than all checks.
            await page.screenshot(path=PICTURES / f"{name}-{width}-{scheme}.jpg", quality=85, full_page=True)
    assert {one.rsplit("/", 1)[-1] for one in open_page.complaints if one.startswith("answer")} == {
        path.rsplit("/", 1)[-1] for path in PROBLEMS
    }
    # The browser says of each of these answers that it is an error, and of nothing else.
    assert [one for one in open_page.complaints if "404" not in one and "422" not in one] == []
    open_page.complaints.clear()


@pytest.fixture(scope="module")
def elsewhere(whole_site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Pages of other stores, of a server with logins, and a packet as a file; and what their pictures are called."""
    with ExitStack() as stack:
        empty = stack.enter_context(site_of(tmp_path_factory.mktemp("empty"), ()))
        told = site_of(tmp_path_factory.mktemp("trouble"), trouble.lives(), records=trouble.REFUSED)
        troubled = stack.enter_context(told)
        login = stack.enter_context(serving(stack.enter_context(house_of(tmp_path_factory.mktemp("login")))))
        packet = tmp_path_factory.mktemp("packet") / "packet.html"
        packet.write_bytes(httpx.get(f"{whole_site.url}/rooms/{ROOM_SID}/packet").content)
        yield {
            f"{empty.url}/": "now-empty",
            f"{troubled.url}/telemetry": "telemetry-trouble",
            f"{login}/login": "login",
            packet.as_uri(): "packet",
        }


async def test_the_first_screen_says_what_broke_since_when_for_whom_with_which_code_and_whether_they_came_back(
    whole_site: Site, open_page: PageOpener
) -> None:
    page = await open_page(width=1280, height=800)
    await page.goto(whole_site.url)
    answers = page.locator(".statement")
    assert await answers.locator("dt").all_text_contents() == [
        "What broke?",
        "Since when?",
        "For whom?",
        "With which code?",
        "Did they come back?",
    ]
    said = ["Signaling, mostly", "16:15", "Region br1", "53000", "78.3 %"]
    assert await answers.locator("strong").all_text_contents() == said
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
