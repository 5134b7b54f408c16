"""Builds Prometheus 3 and its promtool from their Go module, for `make compat-prometheus`: Debian 12 has 2.42 only.

Go checks what it fetches against its checksum database, as it is configured on this machine; this file knows no
address. The page of Prometheus is not built in: no test looks at it. Prints the folder that has both programs, and
what it does on standard error; when they are there already it does nothing.
"""

import shutil
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script's own folder is all that Python looks into by itself

from tests.servers.parts import OBTAINED  # noqa: E402
from tools.testbed import CannotObtainError, run  # noqa: E402

# Its Go module calls Prometheus 3.16.0 so: the module's major version could not be 3 without another name.
VERSION: Final = "v0.316.0"
FOLDER: Final = OBTAINED / "prometheus" / VERSION
PROGRAMS: Final = ("prometheus", "promtool")
# Where Go's own archive is unpacked to, beside PATH.
GO_FOLDER: Final = "/usr/local/go/bin"


def main() -> int:
    """0 when both programs are there."""
    try:
        obtain()
    except CannotObtainError as error:
        print(f"newest_prometheus: {error}", file=sys.stderr)
        return 1
    print(FOLDER)
    return 0


def obtain(folder: Path = FOLDER) -> None:
    """Builds both programs into this folder, unless they are there."""
    if all((folder / name).is_file() for name in PROGRAMS):
        return
    go = find_go()
    print(f"newest_prometheus: building Prometheus {VERSION}, once (minutes)", file=sys.stderr, flush=True)
    fresh = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    modules = [f"github.com/prometheus/prometheus/cmd/{name}@{VERSION}" for name in PROGRAMS]
    run(["env", f"GOBIN={fresh}", go, "install", *modules])
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)


def find_go(beside: str = GO_FOLDER) -> str:
    """Where Go is; `CannotObtainError` that says what to install."""
    found = shutil.which("go") or shutil.which("go", path=beside)
    if found is None:
        raise CannotObtainError(
            "there is no Go on PATH; install Go 1.26 or newer, as its makers distribute it: Debian 12's is too old"
        )
    return found


if __name__ == "__main__":
    sys.exit(main())
