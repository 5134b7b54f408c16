"""A real Prometheus that remembers hours which nobody scraped: blocks made of scrapes, and of our recording rules.

`promtool tsdb create-blocks-from rules` does not see what other rules record in the same run. So rules are recorded
level by level, each exactly once, when all that they read is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml

from tests.dashboards.rule_files import RULE_FILES
from tests.servers.prometheus import Prometheus, promtool
from tools.dashboards.lint_queries import metrics_in

CONFIGURATION: Final = "global: {scrape_interval: 1m}\n"
OPTIONS: Final = ("--storage.tsdb.retention.time=30d",)
BLOCK: Final = "--max-block-duration=744h"


@contextmanager
def remembering(scrapes: Path, storage: Path, since_s: int, until_s: int) -> Iterator[Prometheus]:
    """A Prometheus whose storage has the scrapes of a file, and what the rules make of them from `since_s` on."""
    _blocks_of(scrapes, storage)
    for number, rules in enumerate(levels()):
        file = storage.parent / f"level-{number}.yml"
        file.write_text(yaml.safe_dump({"groups": [{"name": "level", "interval": "1m", "rules": rules}]}))
        with _on(storage) as server:
            promtool(
                "tsdb", "create-blocks-from", "rules", f"--start={since_s}", f"--end={until_s}", f"--url={server.url}",
                f"--output-dir={storage}", "--eval-interval=1m", file,
            )  # fmt: skip
    with _on(storage) as server:
        yield server


def levels() -> list[list[dict[str, Any]]]:
    """The recording rules, those first that read nothing of the others."""
    groups = [group for path in RULE_FILES for group in yaml.safe_load(path.read_text())["groups"]]
    left = [rule for group in groups for rule in group["rules"] if "record" in rule]
    found = []
    while left:
        unrecorded = {rule["record"] for rule in left}
        ready = [rule for rule in left if not metrics_in(rule["expr"]) & unrecorded]
        if not ready:
            raise ValueError(f"these rules read each other: {sorted(unrecorded)}")
        found.append(ready)
        left = [rule for rule in left if rule not in ready]
    return found


def _blocks_of(scrapes: Path, storage: Path) -> None:
    promtool("tsdb", "create-blocks-from", "openmetrics", BLOCK, scrapes, storage)


def _on(storage: Path) -> Prometheus:
    return Prometheus(CONFIGURATION, storage=storage, options=OPTIONS)
