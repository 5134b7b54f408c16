"""Whether the tests notice each cell of the rows of transitions.py: `make mutate`, after mutmut, which sees no tables.

Every cell is given every other value of its column, one at a time: a condition every other value and "any", a tuple of
states one more or one less, a result every other one and none. A child process is forked for each, puts the changed
table in place, forgets what was looked up before, and runs the tests until one fails. A cell lives when none does.

The page that is drawn from the tables is left out: it would be drawn anew, and agree with whatever they say.

    python tools/mutate_tables.py                   all of them
    python tools/mutate_tables.py --only "LINKS R3"   those whose name begins so

Fails if one lives of which tests/mutants.md does not say why.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, NamedTuple, get_args, get_origin, get_type_hints

import pytest

from session_core import transitions
from session_core.events import RoomState

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "tests" / "mutants.md"

CONDITIONS: Final = {
    # Which columns of a table are conditions; the others are results.
    "LINKS": ("room", "signaling", "media", "was_failed"),
    "SDK": ("word", "room"),
    "TRIGGERS": ("trigger", "room"),
    "PARTICIPANTS": ("before", "told", "newer"),
    "LOCAL": ("before", "room_over", "signaling"),
}
LOOK_UPS: Final = (transitions.link, transitions.sdk, transitions.trigger, transitions.participant, transitions.local)
NEVER_A_PARTICIPANTS: Final = RoomState.CONNECTING
"""Nobody asks what becomes of a remote participant that is connecting: there is none."""

TESTS: Final = (
    # First those that notice most, for then the others are not even collected. All say the same whenever they are run.
    ("transitions", "causes"),
    ("participant", "room_sdk", "room", "room_giving_up", "room_others", "sdk_transitions"),
)
DRAWN: Final = "tests/session_core/test_transitions.py::test_the_page_shows_what_the_tables_say"
CPU_S_MAX: Final = 60
"""What a child may take: one that never ends is noticed, too."""


class Mutant(NamedTuple):
    """One cell with another value."""

    table: str
    row: int
    column: str
    value: object

    def rows(self) -> tuple[Any, ...]:
        """The table with this cell changed."""
        rows = list(getattr(transitions, self.table))
        rows[self.row] = rows[self.row]._replace(**{self.column: self.value})
        return tuple(rows)

    def __str__(self) -> str:
        row = getattr(transitions, self.table)[self.row]
        conditions = row[:1] if self.table == "LINKS" else [getattr(row, name) for name in CONDITIONS[self.table]]
        name = " ".join(map(shown, conditions))
        return f"{self.table} {name}, {self.column}: {shown(getattr(row, self.column))} -> {shown(self.value)}"


def shown(value: object) -> str:
    """A cell as a line shows it."""
    if isinstance(value, tuple):
        return "+".join(map(shown, value)) or "nowhere"
    return str(value.name if isinstance(value, Enum) else value)


def mutants() -> Iterator[Mutant]:
    """Every cell of every table, with every other value."""
    for table, conditions in CONDITIONS.items():
        rows = getattr(transitions, table)
        hints = get_type_hints(type(rows[0]))
        for column, hint in hints.items():
            used = dict.fromkeys(getattr(row, column) for row in rows)
            for number, row in enumerate(rows):
                for value in others(getattr(row, column), hint, list(used), is_condition=column in conditions):
                    if table != "PARTICIPANTS" or column != "before" or NEVER_A_PARTICIPANTS not in value:
                        yield Mutant(table, number, column, value)


def others(value: object, hint: Any, used: list[object], *, is_condition: bool) -> list[Any]:
    """What a cell of this type may hold instead of its value. `used`: what its column holds anywhere."""
    if isinstance(value, tuple):
        return [tuple(state for state in RoomState if (state in value) != (state is other)) for other in RoomState]
    if hint is str:
        return ["another"]
    kinds = get_args(hint) if get_origin(hint) is UnionType or NoneType in get_args(hint) else (hint,)
    found = list(used)
    for kind in kinds:
        if kind is bool:
            found += [False, True]
        elif isinstance(kind, type) and issubclass(kind, Enum):
            found += kind
    if is_condition or NoneType in kinds:
        found.append(None)
    return [other for other in dict.fromkeys(found) if other is not value and other != value]


def run_tests() -> bool:
    """Whether all pass. Their modules are imported anew: they hold tables of their own."""
    for name in [name for name in sys.modules if name.startswith("tests.session_core.test_")]:
        del sys.modules[name]
    quiet = ["-q", "-x", "--assert=plain", "-p", "no:cacheprovider", "--deselect", DRAWN]
    return all(pytest.main([*quiet, *(f"tests/session_core/test_{name}.py" for name in names)]) == 0 for names in TESTS)


def lives(mutant: Mutant) -> bool:
    """In a child: whether no test notices."""
    setattr(transitions, mutant.table, mutant.rows())
    for look_up in LOOK_UPS:
        look_up.cache_clear()
    return run_tests()


def begin(mutant: Mutant) -> int:
    """Forks the child that answers for this mutant."""
    child = os.fork()
    if child == 0:
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, sys.stdout.fileno())
        os.dup2(nowhere, sys.stderr.fileno())
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_S_MAX, CPU_S_MAX))
        code = 1
        try:
            code = 0 if lives(mutant) else 1
        finally:
            os._exit(code)
    return child


def survivors(chosen: list[Mutant], jobs: int) -> Iterator[Mutant]:
    """Those that no test notices, as they are found."""
    waiting = iter(chosen)
    running: dict[int, Mutant] = {}
    while True:
        while len(running) < jobs and (mutant := next(waiting, None)) is not None:
            running[begin(mutant)] = mutant
        if not running:
            return
        child, status = os.wait()
        mutant = running.pop(child)
        if status == 0:
            yield mutant


def main() -> int:
    """Tells of those that live; fails if one has no reason to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="NAME", help="those whose name begins so")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="children at a time")
    told = parser.parse_args()
    os.chdir(ROOT)
    if not run_tests():
        parser.error("the tests fail as it is")
    chosen = [mutant for mutant in mutants() if str(mutant).startswith(told.only)]
    reasons = PAGE.read_text()
    without = total = 0
    for mutant in survivors(chosen, told.jobs):
        has_reason = f"`{mutant}`" in reasons
        total += 1
        without += not has_reason
        print(f"{'lives, as the page says' if has_reason else 'LIVES':<24}{mutant}", flush=True)
    print(f"{len(chosen)} mutants of the tables, {total} live, {without} of them without a reason in {PAGE.name}")
    return 1 if without else 0


if __name__ == "__main__":
    sys.exit(main())
