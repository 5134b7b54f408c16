"""compose.yaml and the scripts beside it, as far as they can be held to anything without Docker."""

import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from collector.ingest.connection import create_command, create_letters_command
from collector.store.secret_text import token_of
from tests.dashboards.shown import PANELS
from tests.house.tree import ROOT, tracked
from tests.servers.alertmanager import amtool
from tests.servers.grafana_stub import PASSWORD, GrafanaStub
from tests.servers.processes import free_port
from tests.servers.prometheus import promtool
from tests.stage import ROOMWATCH, environment

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
HERE = ROOT / "deploy" / "compose"
SCRIPTS = [path for path in tracked(".sh") if path.parts[0] in {"deploy", "scripts"}]


def test_it_has_everything_that_roomwatch_is_run_with() -> None:
    assert SERVICES.keys() == {"kafka", "topics", "postgres", "collector", "prometheus", "alertmanager", "grafana"}


def test_every_port_is_of_this_machine_alone() -> None:
    ports = [port for one in SERVICES.values() for port in one.get("ports", ())]
    assert len(ports) == 5
    assert [port for port in ports if not re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)] == []


def test_alerts_lead_to_the_runbooks_that_the_collector_serves() -> None:
    given = yaml.safe_load((HERE / "prometheus.yml").read_text())["global"]["external_labels"]["docs_url"]
    (port,) = SERVICES["collector"]["ports"]
    assert f"{given}/runbooks.md" == f"http://{port.rsplit(':', 1)[0]}/docs/runbooks.md"


def test_every_image_is_of_one_version() -> None:
    images = [one["image"] for one in SERVICES.values() if "image" in one]
    assert [image for image in images if not re.search(r":v?(?:\$\{\w+:-)?\d+\.\d+(?:\.\d+)?\}?$", image)] == []
    (base,) = re.findall(r"^FROM (.+)$", (HERE / "Dockerfile").read_text(), re.MULTILINE)
    assert re.fullmatch(r"python:3\.\d+-slim", base)


def test_every_file_that_is_mounted_or_built_from_is_there() -> None:
    mounted = [volume.split(":")[0] for one in SERVICES.values() for volume in one.get("volumes", ())]
    mounted += [SERVICES["collector"]["build"]["dockerfile"]]
    assert len(mounted) > 5
    assert [path for path in mounted if not (ROOT / path).is_file()] == []
    copied = {
        f"!{name}" for name in ("collector", "session_core", "dashboards", "migrations", "tools", "pyproject.toml")
    }
    assert copied <= set((ROOT / ".dockerignore").read_text().split())


def test_no_secret_stands_in_it_and_each_that_is_used_is_made_by_the_script(tmp_path: Path) -> None:
    shutil.copy(HERE / "secrets.sh", tmp_path)
    first, second = (_made(tmp_path) for _ in range(2))
    assert {Path(one["file"]).name for one in COMPOSE["secrets"].values()} == first.keys()
    assert {name for one in SERVICES.values() for name in one.get("secrets", ())} == first.keys()
    assert first == second
    token = token_of(first.pop("roomwatch_token"))
    assert token is not None
    assert [text for text in first.values() if not re.fullmatch(r"[0-9a-f]{48}", text)] == []
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    told = [str(value) for one in SERVICES.values() for value in one.get("environment", {}).items()]
    assert [line for line in told if re.search("PASSWORD|TOKEN", line) and "/run/secrets/" not in line] == []
    assert "deploy/compose/secrets/" in (ROOT / ".gitignore").read_text().split()


def _made(folder: Path) -> dict[str, str]:
    subprocess.run(["sh", folder / "secrets.sh"], check=True)
    return {path.name: path.read_text() for path in (folder / "secrets").iterdir()}


def test_what_depends_on_something_depends_on_what_is_there() -> None:
    needs = {name: set(one.get("depends_on", {})) for name, one in SERVICES.items()}
    assert {name for names in needs.values() for name in names} <= SERVICES.keys()
    assert needs["collector"] == {"topics", "postgres"}


def test_topics_are_made_as_the_collector_wants_them(tmp_path: Path) -> None:
    said = tmp_path / "said"
    script = (HERE / "topics.sh").read_text().replace("/opt/kafka/bin/kafka-topics.sh", f"echo >>{said} kafka-topics")
    subprocess.run(["sh", "-c", script, "topics.sh", "kafka:29092"], check=True)
    wanted = [make("kafka:29092", "room-session-events") for make in (create_command, create_letters_command)]
    assert said.read_text().replace("--if-not-exists ", "").splitlines() == wanted


def test_prometheus_and_alertmanager_take_their_files(tmp_path: Path) -> None:
    for name in ("recording_rules.yml", "alerts.yml"):
        shutil.copy(ROOT / "dashboards" / name, tmp_path)
    shutil.copy(HERE / "secrets.sh", tmp_path)
    _made(tmp_path)
    told = (HERE / "prometheus.yml").read_text().replace("/run/secrets/", "secrets/")
    (tmp_path / "prometheus.yml").write_text(told)
    assert "SUCCESS" in promtool("check", "config", "prometheus.yml", folder=tmp_path)
    assert "SUCCESS" in amtool("check-config", HERE / "alertmanager.yml")


@pytest.mark.parametrize("path", SCRIPTS, ids=str)
def test_every_script_is_one_that_a_shell_reads_and_may_be_run(path: Path) -> None:
    checked = subprocess.run(["sh", "-n", ROOT / path], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert (ROOT / path).stat().st_mode & stat.S_IXUSR


def smoke(url: str) -> tuple[int, str]:
    """The exit code of the smoke test of a Grafana that runs already, and its last line."""
    store = {"host": "db:5432", "database": "roomwatch", "user": "reader", "password": "secret", "sslmode": "require"}
    settings = {f"postgresql_{name}": value for name, value in store.items()}
    given = environment({"grafana_user": "admin", "grafana_password": PASSWORD, **settings})
    script = [ROOT / "scripts" / "smoke-grafana.sh"]
    done = subprocess.run(
        script,
        env={**given, "GRAFANA_URL": url, "BIN": str(ROOMWATCH.parent)},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    return done.returncode, done.stdout.splitlines()[-1]


def test_the_smoke_test_passes_where_grafana_does_as_it_says() -> None:
    with GrafanaStub() as stub:
        assert smoke(stub.url) == (0, "== all was as it should be")
    assert stub.asked.count("POST /ds/query") == sum(len(panel["targets"]) for panel in PANELS.values())


def test_the_smoke_test_fails_where_no_grafana_is() -> None:
    assert smoke(f"http://127.0.0.1:{free_port()}") == (1, "FAILED: exit code 2 instead of 1")
