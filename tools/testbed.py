"""Obtains what the tests run against: Kafka, PostgreSQL, Prometheus, Alertmanager, Chromium, what npm has.

`install` brings what this machine lacks and says what it does; when all is there it does nothing, in milliseconds.
`status` says what is there. Packages come from the machine's own package manager, Maven and npm, as they are configured
on it: this file knows no address. Nothing that the packages bring is started.
"""

import argparse
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script's own folder is all that Python looks into by itself

from tests.servers.kafka_setup import is_prepared, prepare  # noqa: E402
from tests.servers.parts import (  # noqa: E402
    GRAFANA_TYPES_FOLDER,
    KAFKA_LIB,
    OBTAINED,
    PAGE_CHECKS_FOLDER,
    MissingPartError,
    Part,
    find,
    has,
)

POM: Final = ROOT / "tools" / "kafka" / "pom.xml"
FROM_NPM: Final = {
    Part.GRAFANA_TYPES: (GRAFANA_TYPES_FOLDER, "Grafana's types of dashboards and a TypeScript compiler (60 MB)"),
    Part.PAGE_CHECKS: (PAGE_CHECKS_FOLDER, "axe's rules of accessibility (3 MB)"),
}
"""Where npm puts a part, and what it is. The folder of the same name in `tools` has its lock file."""
INSTALLED_POM: Final = OBTAINED / "kafka" / "pom.xml"
# While this file says 101, maintainer scripts start no service (Debian policy, invoke-rc.d).
POLICY: Final = Path("/usr/sbin/policy-rc.d")
NO_MAIN_CLUSTER: Final = Path("/etc/postgresql-common/createcluster.d/roomwatch-no-main.conf")


class CannotObtainError(Exception):
    """The set-up cannot go on; the text says what to run."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 0 when everything is there."""
    parser = argparse.ArgumentParser(prog="python tools/testbed.py", description=__doc__)
    parser.add_argument("command", choices=("install", "status"))
    command = parser.parse_args(arguments).command
    try:
        return install() if command == "install" else status()
    except (CannotObtainError, MissingPartError) as error:
        print(f"testbed: {error}", file=sys.stderr)
        return 1


def status() -> int:
    """Prints a line for each part; 1 when one is missing."""
    complete = True
    for part in wanted():
        try:
            print(f"there    {part.name.lower():<13} {find(part)}")
        except MissingPartError as error:
            complete = False
            print(f"missing  {error}")
    if complete:
        print(f"{'there' if is_prepared() else 'missing':<8} Kafka's formatted storage and class archive")
    return 0 if complete and is_prepared() else 1


def install() -> int:
    """Brings what is missing and prints what it brings."""
    missing = missing_parts()
    packages = sorted({package for part in missing for package in part.value.debian_packages})
    if not packages and _kafka_is_current() and not _outdated() and is_prepared():
        print("testbed: everything is there")
        return 0
    with _one_at_a_time():
        if packages:
            install_packages(packages, is_root=os.geteuid() == 0)
        if not _kafka_is_current():
            copy_kafka_jars()
        for part in _outdated():
            install_from_npm(part)
        if not is_prepared():
            print("testbed: Kafka's storage and class archive, made once (about 8 s)", flush=True)
            prepare()
    if still_missing := [part.name.lower() for part in missing_parts()]:
        raise CannotObtainError(f"still missing after the installation: {', '.join(still_missing)}")
    print("testbed: everything is there")
    return 0


def wanted() -> list[Part]:
    """The parts a test run needs; Maven and npm only while there is something to fetch by them."""
    fetching = {Part.MAVEN: not _kafka_is_current(), Part.NPM: bool(_outdated())}
    return [part for part in Part if fetching.get(part, True)]


def missing_parts() -> list[Part]:
    """The parts to obtain.

    `MissingPartError` for one that a variable names wrongly: nothing that is obtained could mend that.
    """
    missing = []
    for part in wanted():
        try:
            find(part)
        except MissingPartError as error:
            if error.named is not None:
                raise
            missing.append(part)
    return missing


def install_packages(packages: Sequence[str], *, is_root: bool) -> None:
    """One call of apt; nothing that is there already is upgraded."""
    command = f"apt-get install -y --no-install-recommends --no-upgrade {' '.join(packages)}"
    if shutil.which("apt-get") is None:
        variables = ", ".join(part.value.variable for part in Part if set(packages) & set(part.value.debian_packages))
        raise CannotObtainError(
            f"this machine has no apt-get; install what Debian calls {' '.join(packages)}, or name it in {variables}"
        )
    if not is_root:
        raise CannotObtainError(f"only root may install packages; run: sudo {command}")
    print(f"testbed: {command}", flush=True)
    apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=300", "-q"]
    with _nothing_started():
        run([*apt, "update"])
        run([*apt, *command.split()[1:]])


def copy_kafka_jars() -> None:
    """Apache Kafka's jars, as the pom lists them, through Maven into `.testbed/kafka/lib`."""
    print("testbed: Apache Kafka's jars through Maven (43 MB)", flush=True)
    fresh = KAFKA_LIB.with_name("lib.new")
    shutil.rmtree(fresh, ignore_errors=True)
    copy = ["dependency:copy-dependencies", f"-DoutputDirectory={fresh}", "-DincludeScope=runtime"]
    run([str(find(Part.MAVEN)), "-B", "-q", "-f", str(POM), *copy])
    shutil.rmtree(KAFKA_LIB, ignore_errors=True)
    fresh.rename(KAFKA_LIB)
    INSTALLED_POM.write_bytes(POM.read_bytes())


def install_from_npm(part: Part) -> None:
    """Packages as their lock file names them, through npm."""
    place, what = FROM_NPM[part]
    folder = place.parent
    print(f"testbed: {what} through npm", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        (folder / name).write_bytes((ROOT / "tools" / folder.name / name).read_bytes())
    run([str(find(Part.NPM)), "ci", "--silent", "--ignore-scripts", "--prefix", str(folder)])


def run(command: Sequence[str]) -> None:
    """Runs a command quietly; `CannotObtainError` with the end of what it said when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-20:])
        raise CannotObtainError(f"`{' '.join(command)}` ended with {done.returncode}:\n{said}")


def _kafka_is_current() -> bool:
    """Jars that the machine names are taken as they are; ours have to be those of the pom."""
    if not has(Part.KAFKA):
        return False
    if find(Part.KAFKA) != KAFKA_LIB:
        return True
    return INSTALLED_POM.exists() and INSTALLED_POM.read_bytes() == POM.read_bytes()


def _outdated() -> list[Part]:
    """As with Kafka's jars: ours have to be those of the lock file."""
    return [part for part, (place, _) in FROM_NPM.items() if not _is_current(part, place)]


def _is_current(part: Part, place: Path) -> bool:
    if not has(part):
        return False
    if find(part) != place:
        return True
    lock = place.parent / "package-lock.json"
    ours = ROOT / "tools" / place.parent.name / "package-lock.json"
    return lock.exists() and lock.read_bytes() == ours.read_bytes()


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    OBTAINED.mkdir(exist_ok=True)
    with (OBTAINED / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _nothing_started() -> Iterator[None]:
    made = not POLICY.exists()
    if made:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    if not Path("/usr/lib/postgresql").exists():
        NO_MAIN_CLUSTER.parent.mkdir(parents=True, exist_ok=True)
        NO_MAIN_CLUSTER.write_text("create_main_cluster = false\n")
    try:
        yield
    finally:
        if made:
            POLICY.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
