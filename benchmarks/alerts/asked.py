"""Which months the command lines of this folder simulate."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Final

VOLUMES: Final = (780, 3_120, 12_480)
KINDS: Final = ("independent", "clustered")


def parser_of_months(about: str | None, seeds: Sequence[int]) -> argparse.ArgumentParser:
    """Asks for volumes, kinds, seeds and days; without words it is every volume and kind."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--volumes", type=int, nargs="+", default=VOLUMES, help="attempts an hour")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--seeds", type=int, nargs="+", default=seeds)
    parser.add_argument("--days", type=int, default=30)
    return parser
