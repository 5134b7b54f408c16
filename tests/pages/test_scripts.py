"""The scripts of the pages are what their types say, by TypeScript's own compiler in its strictest mood."""

import json
import subprocess
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Error

from collector.api.rendering import FOLDER
from tests.pages.conftest import Site
from tests.servers.browser import PageOpener
from tests.servers.parts import Part, find

SCRIPTS: Final = Path(FOLDER) / "static"
OPTIONS: Final = {
    "allowJs": True,
    "checkJs": True,
    "strict": True,
    "noEmit": True,
    "module": "esnext",
    "moduleResolution": "bundler",
    "target": "es2022",
    "lib": ["es2022", "dom", "dom.iterable"],
    "types": [],
    "noUnusedLocals": True,
    "noUnusedParameters": True,
    "noImplicitReturns": True,
    "noUncheckedIndexedAccess": True,
    "exactOptionalPropertyTypes": True,
}


def said_of(scripts: Path, folder: Path) -> str:
    project = folder / "tsconfig.json"
    project.write_text(json.dumps({"compilerOptions": OPTIONS, "include": [f"{scripts}/*.js"]}))
    compiler = find(Part.GRAFANA_TYPES) / "typescript" / "bin" / "tsc"
    command = [str(find(Part.NODE)), str(compiler), "-p", str(project)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_the_compiler_finds_no_fault_with_any_script(tmp_path: Path) -> None:
    assert said_of(SCRIPTS, tmp_path) == ""


SPOILED: Final = (
    ("import { Feed } from", "import { Fed } from", "no exported member"),
    ("this.#setPaused(!this.#paused)", "this.#setPaused(1)", "not assignable"),
    ("one.scrollLeft", "one.scrolLeft", "does not exist"),
)


def test_the_compiler_finds_faults_that_are_put_in(tmp_path: Path) -> None:
    for script in SCRIPTS.glob("*.js"):
        text = script.read_text(encoding="utf-8")
        for good, bad, _ in SPOILED:
            text = text.replace(good, bad)
        (tmp_path / script.name).write_text(text, encoding="utf-8")
    said = said_of(tmp_path, tmp_path)
    assert [fault for _, _, fault in SPOILED if fault not in said] == []


async def test_no_script_makes_text_into_elements_or_code(empty_site: Site, open_page: PageOpener) -> None:
    page = await open_page()
    await page.goto(empty_site.url)
    for attempt in ("document.body.innerHTML = '<p>x</p>'", "trustedTypes.createPolicy('any', {})"):
        with pytest.raises(Error, match="TypeError"):
            await page.evaluate(f"() => {{ {attempt} }}")
    assert await page.locator("h1").is_visible()
    assert all("TrustedHTML" in one or "trusted-types" in one for one in open_page.complaints)
    open_page.complaints.clear()
