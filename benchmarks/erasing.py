"""How long it takes to find a person in a store of a million sessions, and to erase them.

    python benchmarks/erasing.py --sessions 1000000 --stores postgresql sqlite

Each person has ten sessions of ten events. Found and erased as `roomwatch erase` does it, a few people one after the
other, each another; no archive is looked at.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.copies import empty_stores, fill_with_copies  # noqa: E402
from benchmarks.figures import Figure, percentile, say  # noqa: E402
from collector.store.audit import entry  # noqa: E402
from collector.store.engine import make_engine  # noqa: E402
from collector.store.erasure import Erasure, Person  # noqa: E402
from tests.histories import START_US  # noqa: E402

SESSIONS_OF_ONE: Final = 10
IDENTITY: Final = "someone"


def measure(url: str, kind: str, sessions: int, times: int) -> Iterator[Figure]:
    """Fills a store, and erases people from it."""
    engine = make_engine(url)
    people = sessions // SESSIONS_OF_ONE
    fill_with_copies(engine, sessions, people)
    erasure = Erasure(engine)
    found_ms, erased_ms = [], []
    for number in range(1, times + 1):
        person = Person(f"{IDENTITY}-{number * (people // (times + 1))}")
        began_s = time.perf_counter()
        found = erasure.find(person)
        found_ms.append((time.perf_counter() - began_s) * 1000)
        if found.sessions != SESSIONS_OF_ONE:
            raise RuntimeError(f"{person.name} has {found.sessions} sessions, not {SESSIONS_OF_ONE}")
        began_s = time.perf_counter()
        erasure.erase(person, entry("erase", "benchmark", {}, at_us=START_US, chance=secrets.token_bytes))
        erased_ms.append((time.perf_counter() - began_s) * 1000)
    engine.dispose()
    for name, took in (("find a person", sorted(found_ms)), ("erase a person", sorted(erased_ms))):
        of = {"store": kind, "sessions": sessions, "events": found.events, "times": times, "most": round(took[-1])}
        yield Figure(name, percentile(took, 50), "ms", of=of)


def _figures(kinds: Sequence[str], sessions: int, times: int) -> Iterator[Figure]:
    for kind, url in empty_stores(kinds):
        yield from measure(url, kind, sessions, times)


def main() -> None:
    """One run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=1_000_000)
    parser.add_argument("--stores", nargs="+", default=["postgresql", "sqlite"])
    parser.add_argument("--times", type=int, default=9)
    told = parser.parse_args()
    say(_figures(told.stores, told.sessions, told.times))


if __name__ == "__main__":
    main()
