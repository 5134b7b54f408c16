"""The real grafana-client, spoken to by our adapter, against a server that behaves as Grafana's API is documented."""

import re
import socket
from collections.abc import Callable

import pytest

from collector.errors import (
    ConfigError,
    GrafanaError,
    GrafanaForbidden,
    GrafanaLoginRefused,
    GrafanaRefused,
    GrafanaTimedOut,
    GrafanaTooOld,
    GrafanaUnreachable,
    NotGrafana,
)
from collector.provision.grafana import Credentials, Grafana
from collector.provision.run import check_version
from collector.provision.values import Dashboard, Folder
from tests.servers.grafana_stub import ADMIN_TOKEN, PASSWORD, VIEWER_TOKEN, GrafanaStub
from tests.servers.processes import free_port

FOLDER = Folder("roomwatch", "Roomwatch")
BOARD = Dashboard("roomwatch-x", "X", {"uid": "roomwatch-x", "title": "X", "tags": ["roomwatch"]})
HTML = {"Content-Type": "text/html"}


def client(url: str, token: str = ADMIN_TOKEN, timeout_s: float = 5) -> Grafana:
    return Grafana(url, Credentials("ROOMWATCH_GRAFANA_TOKEN", token=token), timeout_s)


def save(grafana: Grafana, board: Dashboard = BOARD, *, over: int | None = None, force: bool = False) -> str | None:
    return grafana.save_dashboard(board, "roomwatch", "roomwatch 1 [x]", over=over, force=force)


@pytest.mark.parametrize("exists", [409, 412])
def test_a_folder_that_is_there_already_is_told_by_either_status(stub: GrafanaStub, exists: int) -> None:
    stub.state.folder_exists = exists
    grafana = client(stub.url)
    assert grafana.create_folder(FOLDER) is None
    assert grafana.folder("roomwatch") is not None
    assert grafana.create_folder(FOLDER) == "a folder with the same uid already exists"
    assert grafana.folder("other") is None


def test_a_dashboard_is_saved_over_the_version_that_was_seen_and_over_no_other(stub: GrafanaStub) -> None:
    grafana = client(stub.url)
    grafana.create_folder(FOLDER)
    assert [save(grafana), save(grafana, over=1), save(grafana, over=1), save(grafana)] == [
        None,
        None,
        "version-mismatch",
        "version-mismatch",
    ]
    assert save(grafana, over=1, force=True) is None
    found = grafana.dashboard("roomwatch-x")
    assert found is not None
    assert (found.version, found.folder_uid, [version.number for version in found.versions]) == (
        3,
        "roomwatch",
        [3, 2, 1],
    )
    assert grafana.dashboard("roomwatch-y") is None


@pytest.mark.parametrize("wrapped", [True, False], ids=["since Grafana 11", "Grafana 10"])
def test_versions_are_read_in_both_shapes(stub: GrafanaStub, *, wrapped: bool) -> None:
    stub.state.wraps_versions = wrapped
    grafana = client(stub.url)
    grafana.create_folder(FOLDER)
    message = f"roomwatch 1.0 [{'0' * 64}]"
    grafana.save_dashboard(BOARD, "roomwatch", message, over=None, force=False)
    stub.state.edit("roomwatch-x", lambda body: body.update(title="Mine"))
    found = grafana.dashboard("roomwatch-x")
    assert found is not None
    assert [(version.number, version.message, version.by) for version in found.versions] == [
        (2, "", "ada"),
        (1, message, "sa-roomwatch"),
    ]
    assert (found.body["title"], (found.last_ours or {})["title"]) == ("Mine", "X")


def test_a_dashboard_from_a_file_on_the_server_is_told_and_cannot_be_saved(stub: GrafanaStub) -> None:
    grafana = client(stub.url)
    grafana.create_folder(FOLDER)
    save(grafana)
    stub.state.dashboards["roomwatch-x"].by_file = True
    found = grafana.dashboard("roomwatch-x")
    assert found is not None
    assert found.by_file
    with pytest.raises(GrafanaRefused, match="Cannot save provisioned dashboard"):
        save(grafana, over=1, force=True)


@pytest.mark.parametrize(
    ("board", "word"),
    [
        (Dashboard("x" * 41, "X", {"uid": "x" * 41, "title": "X"}), "uid contains illegal characters"),
        (Dashboard("x", "", {"uid": "x", "title": ""}), "Dashboard title cannot be empty"),
        (Dashboard("x", "X", {"uid": "x", "title": "X", "elements": {}}), "v2 format"),
    ],
)
def test_what_grafana_refuses_is_told_in_its_words(stub: GrafanaStub, board: Dashboard, word: str) -> None:
    grafana = client(stub.url)
    grafana.create_folder(FOLDER)
    with pytest.raises(GrafanaRefused, match=word):
        save(grafana, board)


def test_a_grafana_under_a_path_is_reached_with_and_without_a_slash_at_the_end() -> None:
    with GrafanaStub(prefix="/grafana") as stub:
        told = [client(stub.url + slash).version() for slash in ("", "/")]
        with pytest.raises(NotGrafana, match="status 404, and its answer is not JSON"):
            client(stub.url.removesuffix("/grafana")).version()
    assert told == ["11.6.16"] * 2


def test_user_and_password_do_where_there_is_no_token_yet(stub: GrafanaStub) -> None:
    told = [
        Grafana(stub.url, Credentials("ROOMWATCH_GRAFANA_USER", user="admin", password=word), 5)
        for word in (PASSWORD, "x")
    ]
    assert told[0].folder("roomwatch") is None
    with pytest.raises(GrafanaLoginRefused, match="from ROOMWATCH_GRAFANA_USER"):
        told[1].folder("roomwatch")


def test_the_version_is_asked_before_any_credential_counts(stub: GrafanaStub) -> None:
    assert check_version(client(stub.url, "wrong"), stub.url) == "11.6.16"
    stub.state.version = None
    assert check_version(client(stub.url), stub.url) == "of unknown version"


@pytest.mark.parametrize("version", ["10.3.9", "9.5.21", "8.0.0-beta1"])
def test_an_old_grafana_is_refused_with_the_version_that_is_needed(stub: GrafanaStub, version: str) -> None:
    stub.state.version = version
    with pytest.raises(GrafanaTooOld, match=re.escape(f"is version '{version}', 10.4 or later is needed; upgrade it")):
        check_version(client(stub.url), stub.url)


@pytest.mark.parametrize("version", ["10.4.0", "11.6.16+security-01", "13.0.2-pre"])
def test_a_grafana_that_is_new_enough_is_taken(stub: GrafanaStub, version: str) -> None:
    stub.state.version = version
    assert check_version(client(stub.url), stub.url) == version


def wrong_token(stub: GrafanaStub) -> None:
    client(stub.url, "glsa_geheim").folder("roomwatch")


def viewer_writes(stub: GrafanaStub) -> None:
    client(stub.url, VIEWER_TOKEN).create_folder(FOLDER)


def viewer_asks_for_a_data_source(stub: GrafanaStub) -> None:
    client(stub.url, VIEWER_TOKEN).data_source("roomwatch-prometheus")


def answers_with(status: int, headers: dict[str, str], text: str) -> Callable[[GrafanaStub], None]:
    def ask(stub: GrafanaStub) -> None:
        stub.answer_all = (status, headers, text)
        client(stub.url).version()

    return ask


def is_silent(stub: GrafanaStub) -> None:
    stub.silent = True
    client(stub.url, timeout_s=0.3).version()


def is_not_there(_: GrafanaStub) -> None:
    client(f"http://127.0.0.1:{free_port()}").version()


def speaks_no_tls(stub: GrafanaStub) -> None:
    client(stub.url.replace("http:", "https:")).version()


def hangs_up(_: GrafanaStub) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        # Nobody accepts: the connection waits in the queue, and the answer does not come.
        client(address, timeout_s=0.3).version()


@pytest.mark.parametrize(
    ("ask", "error", "saying"),
    [
        (wrong_token, GrafanaLoginRefused, "does not accept the credentials from ROOMWATCH_GRAFANA_TOKEN (401)"),
        (viewer_writes, GrafanaForbidden, "let this account make the folder Roomwatch (403); it needs the role Editor"),
        (viewer_asks_for_a_data_source, GrafanaForbidden, "it needs the role Admin"),
        (answers_with(200, HTML, "<html>log in</html>"), NotGrafana, "its answer is not JSON (to tell its version)"),
        (answers_with(200, {"Content-Type": "application/json"}, "{"), NotGrafana, "its answer is not JSON"),
        (answers_with(200, {"Content-Type": "application/json"}, "[]"), NotGrafana, "its answer is of another shape"),
        (answers_with(302, {"Location": "/login"}, ""), NotGrafana, "it leads elsewhere by a redirect"),
        (answers_with(404, HTML, "<html>"), NotGrafana, "status 404, and its answer is not JSON"),
        (answers_with(502, HTML, "<html>bad gateway"), GrafanaRefused, "(502): '<html>bad gateway'; its log says more"),
        (answers_with(503, {}, '{"message": "database locked"}'), GrafanaRefused, "(503): 'database locked'"),
        (is_silent, GrafanaTimedOut, "did not answer within 0.3 s to tell its version"),
        (hangs_up, GrafanaTimedOut, "did not answer within 0.3 s"),
        (is_not_there, GrafanaUnreachable, "Connection refused; start it, or correct --url"),
        (speaks_no_tls, GrafanaUnreachable, "cannot be reached: "),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_goes_wrong_is_one_line_with_what_and_where_and_without_the_token(
    stub: GrafanaStub, ask: Callable[[GrafanaStub], None], error: type[GrafanaError], saying: str
) -> None:
    with pytest.raises(error) as caught:
        ask(stub)
    text = str(caught.value)
    assert saying in text
    assert "http://127.0.0.1:" in text or "https://127.0.0.1:" in text
    assert "\n" not in text
    assert "glsa_" not in text


@pytest.mark.parametrize(
    "url", ["127.0.0.1:3000", "ftp://h", "http://", "http://h:x", "http://h:0", "http://h/?orgId=1", "http://h/#x"]
)
def test_an_address_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="--url"):
        client(url)


def test_a_password_in_the_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigError, match="holds credentials") as caught:
        client("http://admin:geheim@127.0.0.1:3000")
    assert "geheim" not in str(caught.value)


def test_credentials_do_not_show_in_a_representation() -> None:
    assert PASSWORD not in repr(Credentials("ENV", token=PASSWORD, user="u", password=PASSWORD))
