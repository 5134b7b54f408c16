"""The parts of docs/store.md that are drawn from the collector's tables; its prose is written by hand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from collector.ingest.derive import OUTCOME_OF_END
from collector.ingest.operators import OUTAGE, SESSION, table

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "store.md"


def store_page() -> str:
    """The page as it stands, with its tables made anew."""
    drawn = {"sessions": table(SESSION), "outages": table(OUTAGE), "ends": _ends()}
    part = re.compile(r"(?<=<!-- generated: )(?P<name>\w+) -->\n.*?(?=<!-- end -->)", re.DOTALL)
    return part.sub(lambda found: f"{found['name']} -->\n{drawn[found['name']]}", PAGE.read_text())


def _ends() -> str:
    fates = " | ".join(end.value for end in OUTCOME_OF_END)
    outcomes = " | ".join(OUTCOME_OF_END.values())
    rule = "|---" * (len(OUTCOME_OF_END) + 1)
    return f"| the session is | {fates} |\n{rule}|\n| its open outage is | {outcomes} |\n"
