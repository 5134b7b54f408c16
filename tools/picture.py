"""Makes the README's picture of the page: runs the demo, waits for its incident, and takes a photograph in Chromium.

`python tools/picture.py`; needs what `make setup` brings.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, sync_playwright

SIGNALING_CONNECTION: Final = 53000
ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.servers.browser import Chromium  # noqa: E402

PICTURE: Final = ROOT / "docs" / "images" / "fleet.png"
WIDTH, HEIGHT = 1200, 840
SCALE: Final = 2  # for screens that have two pixels where others have one
TALL: Final = 4_000  # so that the page needs no scroll bar
WHEN_REFUSED: Final = 10
"""Sessions that have ended with 53000 in the last minutes when the shutter opens."""


def main() -> None:
    """Writes the picture."""
    command = [sys.executable, "-m", "collector", "demo", "--port", "0", "--seconds", "90"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as demo:
        if demo.stdout is None:
            raise SystemExit("the demo says nothing")
        found = re.search(r"http://\S+", demo.stdout.readline())
        if found is None:
            raise SystemExit("the demo gives no address")
        with Chromium() as chromium, sync_playwright() as playwright:
            browser = playwright.chromium.connect_over_cdp(chromium.debugging_url)
            page = browser.new_page(
                viewport={"width": WIDTH, "height": TALL},
                device_scale_factor=SCALE,
                locale="en-GB",
                timezone_id="UTC",
            )
            photograph(page, found[0])
            browser.close()
        demo.terminate()
        demo.stdout.read()
    print(f"wrote {PICTURE.relative_to(ROOT)}")


def photograph(page: Page, url: str) -> None:
    """Waits until the incident shows, and writes the picture."""
    page.goto(url)
    while refused(page, url) < WHEN_REFUSED:
        page.wait_for_timeout(500)
    page.reload()
    page.get_by_text("Did they come back?").wait_for()
    PICTURE.parent.mkdir(exist_ok=True)
    page.screenshot(path=PICTURE, clip={"x": 0, "y": 0, "width": WIDTH, "height": HEIGHT})


def refused(page: Page, url: str) -> int:
    """How many sessions of the last minutes ended with 53000."""
    answer = page.request.get(f"{url}/api/v1/breakdowns/failure-codes?since=-3m&phase=session").json()
    return sum(item["count"] for item in answer["items"] if item["error"]["code"] == SIGNALING_CONNECTION)


if __name__ == "__main__":
    main()
