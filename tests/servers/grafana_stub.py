"""Grafana's HTTP API as far as provisioning asks it, from its documentation and its source: rights, versions, refusals.

It stands where no Grafana can run. What it cannot show, a real one has to: scripts/smoke-grafana.sh. The calls lie in
grafana_calls.py; here are the server, who may do what, and what a test can make it do.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlsplit

from tests.servers.grafana_calls import CALLS, Answer, Call, State, refused

ROLES: Final = ("Viewer", "Editor", "Admin")
ADMIN_TOKEN: Final = "glsa_admin"  # noqa: S105 - of the stub alone
EDITOR_TOKEN: Final = "glsa_editor"  # noqa: S105
VIEWER_TOKEN: Final = "glsa_viewer"  # noqa: S105
PASSWORD: Final = "geheim"  # noqa: S105


@dataclass
class GrafanaStub:
    """One Grafana on a free port of 127.0.0.1, gone after `close`.

    `asked` are the calls that were answered: method and path. `before` is called with them first, as somebody who acts
    in between; an answer that it gives is what is answered. `answer_all`: what everything is answered with, by
    something that is not Grafana. `silent`: nothing is answered at all.
    """

    prefix: str = ""
    state: State = field(default_factory=State)
    asked: list[str] = field(default_factory=list)
    before: Callable[[str], Answer | None] = lambda _: None
    answer_all: tuple[int, dict[str, str], str] | None = None
    silent: bool = False
    _server: ThreadingHTTPServer | None = field(default=None, init=False, repr=False)
    _end: threading.Event = field(default_factory=threading.Event, init=False, repr=False)

    def __enter__(self) -> Self:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                stub._handle(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 - its names

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    @property
    def url(self) -> str:
        """Where it answers."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_address[1]}{self.prefix}"

    @property
    def written(self) -> list[str]:
        """The calls that ask for a change."""
        return [one for one in self.asked if not one.startswith("GET ")]

    def _handle(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        if self.silent:
            self._end.wait()
            return
        if self.answer_all is not None:
            self._send(request, *self.answer_all)
            return
        there = urlsplit(request.path)
        if not there.path.startswith(f"{self.prefix}/api/"):
            self._send(request, 404, {"Content-Type": "text/html"}, "<html>Page not found</html>")
            return
        path = there.path.removeprefix(f"{self.prefix}/api")
        named = f"{request.command} {path}"
        self.asked.append(named)
        role = self._role_of(request.headers.get("Authorization", ""))
        told = json.loads(body) if body else None
        answer = self.before(named) or self._answer(named, parse_qs(there.query), told, role)
        self._send(request, answer.status, {"Content-Type": "application/json"}, json.dumps(answer.body))

    def _answer(self, named: str, query: dict[str, list[str]], body: Any, role: str | None) -> Answer:
        for pattern, needed, call in CALLS:
            match = pattern.fullmatch(named)
            if match is None:
                continue
            if needed is None:
                return call(self.state, Call(match.groups(), query, body, ""))
            if role is None:
                return refused(401, "Invalid API key")
            if ROLES.index(role) < ROLES.index(needed):
                return refused(403, "You'll need additional permissions to perform this action.")
            return call(self.state, Call(match.groups(), query, body, role))
        return refused(404, "Not found")

    def _role_of(self, header: str) -> str | None:
        kind, _, told = header.partition(" ")
        if kind == "Basic":
            return "Admin" if base64.b64decode(told).decode() == f"admin:{PASSWORD}" else None
        fixed = {ADMIN_TOKEN: "Admin", EDITOR_TOKEN: "Editor", VIEWER_TOKEN: "Viewer"}
        return fixed.get(told) or self.state.tokens.get(told)

    @staticmethod
    def _send(request: BaseHTTPRequestHandler, status: int, headers: dict[str, str], text: str) -> None:
        sent = text.encode()
        request.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(sent))}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(sent)
