"""A real Prometheus with a given configuration, and `promtool`."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx

from tests.servers.parts import Part, find
from tests.servers.processes import ServerProcess, free_port, make_folder, remove_folder

_ASK_TIMEOUT_S: Final = 10.0


class Prometheus:
    """One Prometheus with its own storage, gone after `close`.

    `configuration` is prometheus.yml; `files` are more files beside it by name, as rules that it names relatively.
    Alerts that fire in its first seconds are dropped and sent again after the resend delay, which is 1 s here.
    """

    def __init__(
        self,
        configuration: str,
        files: Mapping[str, str] | None = None,
        *,
        storage: Path | None = None,
        options: Sequence[str] = (),
    ) -> None:
        """`storage`: a folder with blocks made before, which stays; `options` beside ours."""
        self._folder = make_folder("prometheus")
        for name, text in {"prometheus.yml": configuration, **(files or {})}.items():
            (self._folder / name).write_text(text)
        address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{address}"
        self._process = ServerProcess(
            "Prometheus",
            [
                str(find(Part.PROMETHEUS)),
                f"--config.file={self._folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={storage or self._folder / 'storage'}",
                f"--web.listen-address={address}",
                f"--web.external-url={self.url}",
                "--web.enable-lifecycle",
                "--enable-feature=exemplar-storage",
                "--rules.alert.resend-delay=1s",
                *options,
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

    def get(self, path: str, **parameters: str) -> Any:
        """The `data` of an answer of the HTTP API, as of `/api/v1/rules`."""
        answer = httpx.get(f"{self.url}{path}", params=parameters, timeout=_ASK_TIMEOUT_S)
        body = answer.json()
        assert body["status"] == "success", body
        return body["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The result of an instant query now."""
        result: list[dict[str, Any]] = self.get("/api/v1/query", query=expression)["result"]
        return result

    def reload(self) -> None:
        """Takes the configuration and rules anew from their files."""
        httpx.post(f"{self.url}/-/reload", timeout=_ASK_TIMEOUT_S).raise_for_status()

    def write(self, name: str, text: str) -> None:
        """Writes a file beside the configuration, for a `reload`."""
        (self._folder / name).write_text(text)


def answers(url: str) -> bool:
    """Whether a server answers a GET with success."""
    try:
        return httpx.get(url, timeout=1).is_success
    except httpx.HTTPError:
        return False


def promtool(*arguments: str | Path, folder: Path | None = None) -> str:
    """What promtool says; an `AssertionError` with its words when it finds a fault."""
    done = subprocess.run(
        [str(find(Part.PROMTOOL)), *map(str, arguments)], cwd=folder, capture_output=True, text=True, check=False
    )
    said = f"{done.stdout}{done.stderr}"
    assert done.returncode == 0, f"promtool {' '.join(map(str, arguments))} ended with {done.returncode}:\n{said}"
    return said
