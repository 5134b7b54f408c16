"""What an export of a million rows takes: its time, and the memory of the process that streams it.

    python benchmarks/export.py --rows 1000000 --stores postgresql sqlite --formats csv jsonl parquet

The store holds as many events, ten a session. A process that only answers exports them over HTTP, once in each format,
while its resident memory is looked at. It is constant where the second half of a file needs no more than the first did;
beside it stands the memory before the first export.
"""

from __future__ import annotations

import argparse
import http.client
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.copies import empty_stores, fill_with_copies  # noqa: E402
from benchmarks.figures import Figure, say  # noqa: E402
from benchmarks.processes import cpu_s, memory_bytes  # noqa: E402
from collector.store.engine import make_engine  # noqa: E402
from tests.servers.processes import free_port  # noqa: E402
from tests.stage import environment  # noqa: E402
from tests.waiting import wait_until  # noqa: E402

MB: Final = 1 << 20
EVENTS_A_SESSION: Final = 10
PIECE: Final = 1 << 16
LOOK_S: Final = 0.05


def measure(url: str, kind: str, rows: int, formats: Sequence[str]) -> Iterator[Figure]:
    """Fills a store, and exports it."""
    engine = make_engine(url)
    fill_with_copies(engine, rows // EVENTS_A_SESSION)
    engine.dispose()
    with _api(url) as (pid, address):
        _asked(address, "csv", 1_000, pid)  # what is imported for the first one is not what an export takes
        before = memory_bytes(pid) / MB
        for wanted in formats:
            began_s, cpu_before = time.perf_counter(), cpu_s(pid)
            size, looks = _asked(address, wanted, rows, pid)
            took_s = time.perf_counter() - began_s
            of = {"store": kind, "format": wanted, "rows": rows, "MB": round(size / MB, 1), "looks": len(looks)}
            yield Figure("export, rows", rows / took_s, "rows/s", of=of)
            yield Figure("export, cpu of the API", (cpu_s(pid) - cpu_before) / rows * 1e6, "us/row", of=of)
            half = [memory for done, memory in looks if done > size / 2]
            first = max(memory for done, memory in looks if done <= size / 2)
            yield Figure("export, memory, second half, most", max(half), "MB", "most of the first half", first, of=of)
            yield Figure("export, memory, most", max(*half, first), "MB", "before", before, of=of)
            pairs = [(done / size * rows / 1e6, memory) for done, memory in looks if done > size / 2]
            trend = statistics.linear_regression(*zip(*pairs, strict=True)).slope
            yield Figure("export, memory, trend", trend, "MB/1M rows", of=of)


def _asked(address: str, wanted: str, rows: int, pid: int) -> tuple[int, list[tuple[int, float]]]:
    """Reads an export; its size, and the API's memory (MB) by how many bytes had come."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=600)
    connection.request("GET", f"/api/v1/exports/events?since=2025-11-24&limit={rows}&format={wanted}")
    answer = connection.getresponse()
    if answer.status != 200:
        raise RuntimeError(f"the export was answered with {answer.status}: {answer.read(500)!r}")
    size, looks, next_s = 0, [(0, memory_bytes(pid) / MB)], 0.0
    while piece := answer.read1(PIECE):
        size += len(piece)
        if (now_s := time.perf_counter()) >= next_s:
            looks.append((size, memory_bytes(pid) / MB))
            next_s = now_s + LOOK_S
    connection.close()
    return size, [*looks, (size, memory_bytes(pid) / MB)]


@contextmanager
def _api(url: str) -> Iterator[tuple[int, str]]:
    """A process that only answers: its id, and where it does."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="roomwatch-bench-")))
        port, log = free_port(), folder / "log"
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "benchmarks" / "named.py"), "run", "--only", "api"],
            env=environment({"database_url": url, "http_port": port, "log_format": "json", "http_export_s": 86_400}),
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=stack.enter_context(log.open("w")),
        )
        stack.callback(process.wait)
        stack.callback(process.terminate)
        wait_until(lambda: "listening on" in log.read_text(), within_s=180)
        yield process.pid, f"http://127.0.0.1:{port}"


def _figures(rows: int, kinds: Sequence[str], formats: Sequence[str]) -> Iterator[Figure]:
    for kind, url in empty_stores(kinds):
        yield from measure(url, kind, rows, formats)


def main() -> None:
    """One run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--stores", nargs="+", default=["postgresql", "sqlite"])
    parser.add_argument("--formats", nargs="+", default=["csv", "jsonl", "parquet"])
    told = parser.parse_args()
    say(_figures(told.rows, told.stores, told.formats))


if __name__ == "__main__":
    main()
