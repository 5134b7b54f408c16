"""What the documentation names exists: files, links, headings, verbs."""

import re
from pathlib import Path

from tests.house.tree import ROOT, text, tracked

PAGES = tracked(".md")
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
CODE = re.compile(r"`(?P<path>[\w.-]+(?:/[\w.{},*-]+)+|[\w-]+\.(?:py|md|toml|yml|json))`")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
TOP = {path.parts[0] for path in tracked()}
NOT_IN_THE_TREE = re.compile(r"[{}*<>]|^(?:application|text)/")


def headings(page: Path) -> set[str]:
    """The anchors that a page's headings get."""
    titles = re.findall(r"^#+ (.+)$", FENCE.sub("", text(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def test_every_link_leads_somewhere() -> None:
    broken = []
    for page in PAGES:
        for match in LINK.finditer(FENCE.sub("", text(page))):
            target, _, anchor = match["target"].partition("#")
            if target.startswith(("http:", "https:", "mailto:")):
                continue
            there = (ROOT / page).parent / target if target else ROOT / page
            if not there.exists():
                broken.append(f"{page}: {match['target']}")
            elif anchor and there.suffix == ".md" and anchor not in headings(there.resolve().relative_to(ROOT)):
                broken.append(f"{page}: {match['target']} has no such heading")
    assert broken == []


def test_every_file_that_a_page_names_exists() -> None:
    names = {str(p) for p in tracked()} | {str(parent) for p in tracked() for parent in p.parents}
    missing = [
        f"{page}: {match['path']}"
        for page in PAGES
        if page.name != "CHANGELOG.md"
        for match in CODE.finditer(FENCE.sub("", text(page)))
        if not NOT_IN_THE_TREE.search(match["path"])
        if match["path"].split("/")[0] in TOP or "/" not in match["path"]
        if match["path"].rstrip("/") not in names and not any(n.endswith("/" + match["path"]) for n in names)
    ]
    assert missing == []


def test_every_make_verb_that_a_page_names_exists() -> None:
    verbs = set(re.findall(r"^([a-z][a-z0-9-]*):", text(Path("Makefile")), re.MULTILINE))
    named = {(str(page), verb) for page in PAGES for verb in re.findall(r"`make ([a-z][a-z0-9-]*)", text(page))}
    assert {(page, verb) for page, verb in named if verb not in verbs} == set()


def test_every_page_is_reached_from_the_readme() -> None:
    """A page that no page links to is a page that nobody reads."""
    seen: set[Path] = set()
    pending = [ROOT / "README.md"]
    while pending:
        page = pending.pop().resolve()
        if page in seen or not page.is_file() or page.suffix != ".md":
            continue
        seen.add(page)
        pending += [page.parent / m["target"].partition("#")[0] for m in LINK.finditer(text(page.relative_to(ROOT)))]
    unreached = {str(p) for p in PAGES if p.parts[0] != "tests" and (ROOT / p).resolve() not in seen}
    assert unreached == set()
