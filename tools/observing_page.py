"""The generated parts of docs/observing.md: the program of examples/ and the crosswalk of LiveKit's reasons."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from session_core.adapters.livekit_reasons import table

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "observing.md"
PROGRAM: Final = ROOT / "examples" / "observe_any_sdk.py"


def observing_page() -> str:
    """The page as it stands, with its generated parts made anew."""
    made = {"program": f"```python\n{PROGRAM.read_text()}```", "crosswalk": table()}
    part = re.compile(r"(?<=<!-- generated: )(?P<name>\w+) -->\n.*?(?=<!-- end -->)", re.DOTALL)
    return part.sub(lambda found: f"{found['name']} -->\n{made[found['name']]}\n", PAGE.read_text())
