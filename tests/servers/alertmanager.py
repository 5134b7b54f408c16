"""A real Alertmanager with a given configuration, `amtool`, and a receiver that keeps what it is sent."""

import json
import subprocess
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx

from tests.servers.parts import Part, find
from tests.servers.processes import ServerProcess, free_port, make_folder, remove_folder
from tests.servers.prometheus import answers

_ASK_TIMEOUT_S: Final = 10.0


class Alertmanager:
    """One Alertmanager with its own storage, gone after `close`. `configuration` is alertmanager.yml."""

    def __init__(self, configuration: str) -> None:
        self._folder = make_folder("alertmanager")
        (self._folder / "alertmanager.yml").write_text(configuration)
        self.address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.address}"
        self._process = ServerProcess(
            "Alertmanager",
            [
                str(find(Part.ALERTMANAGER)),
                f"--config.file={self._folder / 'alertmanager.yml'}",
                f"--storage.path={self._folder / 'storage'}",
                f"--web.listen-address={self.address}",
                f"--web.external-url={self.url}",
                # Empty: alone, without a port for its peers.
                "--cluster.listen-address=",
            ],
            self._folder / "log",
        )

    def __enter__(self) -> Self:
        try:
            self._process.start(lambda: answers(f"{self.url}/-/ready"))
        except BaseException:
            remove_folder(self._folder)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stops the server and removes its storage."""
        try:
            self._process.stop()
        finally:
            remove_folder(self._folder)

    def alerts(self) -> list[dict[str, Any]]:
        """The alerts it holds now."""
        answer = httpx.get(f"{self.url}/api/v2/alerts", timeout=_ASK_TIMEOUT_S)
        answer.raise_for_status()
        held: list[dict[str, Any]] = answer.json()
        return held

    def post(self, *alerts: dict[str, Any]) -> None:
        """Hands it alerts, as Prometheus would: `{"labels": {...}, "annotations": {...}}`."""
        httpx.post(f"{self.url}/api/v2/alerts", json=alerts, timeout=_ASK_TIMEOUT_S).raise_for_status()


@dataclass
class WebhookReceiver:
    """Where Alertmanager sends notifications: `messages` are (path, body) in the order of arrival.

    `authorizations`: what each path was asked with last; empty where nothing was.
    """

    messages: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    authorizations: dict[str, str] = field(default_factory=dict)
    _server: ThreadingHTTPServer | None = field(default=None, init=False, repr=False)

    @property
    def url(self) -> str:
        """Without a path: each receiver of a configuration may add its own."""
        assert self._server is not None, "the receiver was not started"
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        messages, authorizations = self.messages, self.authorizations

        class Keep(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                authorizations[self.path] = self.headers.get("Authorization", "")
                messages.append((self.path, json.loads(body)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Keep)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()


def amtool(*arguments: str | Path) -> str:
    """What amtool says; an `AssertionError` with its words when it finds a fault."""
    done = subprocess.run([str(find(Part.AMTOOL)), *map(str, arguments)], capture_output=True, text=True, check=False)
    said = f"{done.stdout}{done.stderr}"
    assert done.returncode == 0, f"amtool {' '.join(map(str, arguments))} ended with {done.returncode}:\n{said}"
    return said
