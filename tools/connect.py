"""Obtains Kafka Connect and the Debezium JDBC sink, which benchmarks compare the collector with: `make bench-e2e`.

Jars come through Maven as it is configured on this machine, as the test servers' do; when they are there it does
nothing. Not part of `make setup`: only benchmarks need them (110 MB).
"""

import shutil
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script's own folder is all that Python looks into by itself

from tests.servers.parts import OBTAINED, MissingPartError, Part, find  # noqa: E402
from tools.testbed import CannotObtainError, run  # noqa: E402

POMS: Final = ROOT / "benchmarks" / "connect"
CONNECT: Final = OBTAINED / "connect"
WORKER_JARS: Final = CONNECT / "worker"
PLUGINS: Final = CONNECT / "plugins"
SINK_JARS: Final = PLUGINS / "debezium-jdbc"
# What the worker brings already: a second Jackson kills the sink's tasks. And drivers of other databases.
UNWANTED: Final = (
    "jackson-annotations", "jackson-core", "jackson-databind", "kafka-clients", "connect-api", "lz4-java",
    "snappy-java", "zstd-jni", "slf4j-api", "jakarta.ws.rs-api", "mariadb", "mssql", "mysql", "ojdbc11",
)  # fmt: skip


def main() -> int:
    """The command line; 0 when everything is there."""
    try:
        obtain()
    except (CannotObtainError, MissingPartError) as error:
        print(f"connect: {error}", file=sys.stderr)
        return 1
    print("connect: everything is there")
    return 0


def obtain() -> None:
    """Brings the jars when they are not those of the poms."""
    for pom, jars in ((POMS / "pom.xml", WORKER_JARS), (POMS / "sink" / "pom.xml", SINK_JARS)):
        told = CONNECT / f"{jars.name}.pom.xml"
        if told.exists() and told.read_bytes() == pom.read_bytes():
            continue
        print(f"connect: jars of {pom.relative_to(ROOT)} through Maven", flush=True)
        shutil.rmtree(jars, ignore_errors=True)
        copy = ["dependency:copy-dependencies", f"-DoutputDirectory={jars}", "-DincludeScope=runtime"]
        run([str(find(Part.MAVEN)), "-B", "-q", "-f", str(pom), *copy])
        if jars is SINK_JARS:
            for unwanted in (jar for name in UNWANTED for jar in jars.glob(f"{name}-*")):
                unwanted.unlink()
        told.write_bytes(pom.read_bytes())


if __name__ == "__main__":
    sys.exit(main())
