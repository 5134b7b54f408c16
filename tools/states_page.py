"""The parts of docs/reconnection.md that are drawn from the tables of transitions; its prose is written by hand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from session_core.transitions import drawings

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "reconnection.md"


def states_page() -> str:
    """The page as it stands, with its drawings made anew."""
    drawn = drawings()
    part = re.compile(r"(?<=<!-- generated: )(?P<name>\w+) -->\n.*?(?=<!-- end -->)", re.DOTALL)
    return part.sub(lambda found: f"{found['name']} -->\n{drawn[found['name']]}\n", PAGE.read_text())
