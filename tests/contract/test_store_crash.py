"""A collector that is killed while it writes: wherever that is, the batch is stored as a whole or not at all."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import Final

from collector.ingest.partitions import Holder
from tests.contract.stored import CLUSTER, GROUP, NOW_US, TOPIC, Stored
from tests.histories import fleet, records
from tests.reference_store import ReferenceStore

LIVES: Final = 30
CRASHES: Final = 5

# Kills itself at the n-th call of a function while it writes; with 0 it writes and tells how many calls there were.
PROGRAM: Final = f"""
import os, signal, sys
from collector.ingest.partitions import Holder
from collector.store.engine import make_engine
from collector.store.writer import Writer
from tests.histories import fleet, records

url, last = sys.argv[1], int(sys.argv[2])
calls = 0

def count(frame, event, argument):
    global calls
    calls += event in ("call", "c_call")
    if calls == last:
        os.kill(os.getpid(), signal.SIGKILL)

writer = Writer(make_engine(url), {CLUSTER!r}, {TOPIC!r}, {GROUP!r})
holder = Holder({TOPIC!r}, writer.load)
holder.assign({{0: 0}})
batch = holder.take(records(fleet({LIVES})), {NOW_US})
sys.setprofile(count)
writer.write(batch.changes, {NOW_US})
sys.setprofile(None)
print(calls)
"""


def write_and_die(store: Stored, at_call: int) -> subprocess.CompletedProcess[str]:
    """Another process writes the batch and is killed at that call."""
    url = store.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", PROGRAM, url, str(at_call)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_a_collector_that_is_killed_while_it_writes_leaves_all_of_the_batch_or_nothing(store: Stored) -> None:
    reference, log = ReferenceStore(), records(fleet(LIVES))
    holder = Holder(TOPIC, reference.load)
    holder.assign({0: 0})
    reference.write(holder.take(log, NOW_US).changes)
    whole = (reference.tables(), reference.rollups, reference.stored_offsets)

    done = write_and_die(store, 0)
    assert done.returncode == 0, done.stderr
    assert (store.tables(), store.rollups, store.stored_offsets) == whole
    for crash in range(1, CRASHES + 1):
        store.clear()
        killed = write_and_die(store, int(done.stdout) * crash // (CRASHES + 1))
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        tables = store.tables()
        stands = (tables, store.rollups, store.stored_offsets)
        assert stands in (whole, ({name: {} for name in tables}, {}, {}))
        heir = Holder(TOPIC, store.load)
        heir.assign({0: 0, **store.offsets([0])})
        rest = heir.take(log, NOW_US).changes
        if rest.offsets:
            Stored(store.engine).write(rest)
        assert (store.tables(), store.rollups, store.stored_offsets) == whole
