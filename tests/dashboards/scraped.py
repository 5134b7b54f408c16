"""A collector's metrics behind a real HTTP address, for a real Prometheus to scrape."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import NamedTuple, Self
from uuid import UUID

from prometheus_client import CollectorRegistry

from collector.metrics import Held, Metrics
from tests.dashboards.rule_files import RULE_FILES
from tests.servers.prometheus import Prometheus

SESSION_ID = UUID("01900000-0000-7000-8000-00000000abcd")


class Told(NamedTuple):
    """A difference with defaults."""

    kind: str
    at_us: int
    sign: int = 1
    restates: bool = False
    code: int = -1
    cause: str = ""
    outcome: str = ""
    fate: str = ""
    region: str = "ie1"
    sdk: str = "js"
    sdk_version: str = ""
    app_version: str = ""
    a: int = 0
    b: int = 0
    session_id: UUID = SESSION_ID


def live_through(metrics: Metrics, now_us: int) -> None:
    """Lets everything happen once that a panel shows."""
    metrics.count(
        [
            Told("started", now_us),
            Told("joined", now_us),
            Told("outage", now_us, cause="signaling", a=1),
            Told("outage_ended", now_us, cause="signaling", outcome="recovered", a=2_400),
            Told("outage_ended", now_us, cause="media", outcome="failed", a=14_000),
            Told("ended", now_us, fate="dropped", code=53002, a=60_000, b=14_000),
            Told("ended", now_us, fate="not_joined", code=53000),
        ],
        now_us=now_us,
        results={("room.disconnected", "stored"): 1},
        transitions={("room", "reconnecting", "disconnected"): 1},
    )
    metrics.count_dead_letters(["not-json"])
    metrics.records_lost.inc(3)
    metrics.hold(0, {"ie1": Held(live=5, reconnecting=2, token_risk=1)})
    metrics.set_lag(0, messages=3, seconds=0.2)
    metrics.event_delay.observe(0.02)
    metrics.transaction.observe(0.004)
    metrics.batch_events.observe(7)
    metrics.events_expected.inc(200)
    metrics.events_received.inc(199)
    metrics.swept_at.set(now_us / 1_000_000)
    metrics.aged_at.set(now_us / 1_000_000 - 60)
    metrics.store_bytes.labels("all").set(4_000_000)


class Scraped:
    """Serves `/metrics` of `metrics` on a free port of 127.0.0.1, as the collector does."""

    def __init__(self) -> None:
        self.metrics = metrics = Metrics(CollectorRegistry(), version="1.2.3", regions=["ie1"], sdks=["js"])

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body, content_type = metrics.render(self.headers.get("Accept", ""))
                self.send_response(200)
                self.send_header("Content-Type", content_type)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
                del format, args

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def watched(collector: Scraped) -> Iterator[Prometheus]:
    """A real Prometheus with our rules that scrapes a collector, and evaluates them, every second."""
    rules = {path.name: path.read_text().replace("interval: 30s", "interval: 1s") for path in RULE_FILES}
    configuration = f"""
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: {sorted(rules)}
scrape_configs: [{{job_name: roomwatch, static_configs: [{{targets: ['{collector.address}']}}]}}]
"""
    with Prometheus(configuration, rules) as server:
        yield server
