"""The `roomwatch` command as people meet it: run as a process, read by its output and exit code."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from collector import __version__
from collector.ingest.connection import create_command, create_letters_command
from collector.settings import Settings
from collector.store.engine import make_engine, migrate
from collector.store.schema_version import expected_version
from tests.servers.kafka import Kafka
from tests.servers.processes import free_port
from tests.stage import Stage, roomwatch
from tests.waiting import wait_until


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A store at the newest schema."""
    url = f"sqlite:///{tmp_path}/store.db"
    engine = make_engine(url)
    migrate(engine)
    engine.dispose()
    return url


def assert_refused(saying: str, *arguments: str, **settings: object) -> None:
    """The command says one line, and ends with 2."""
    ended = roomwatch(*arguments, **settings)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert re.fullmatch(f"roomwatch: {saying}\n", ended.stderr), ended.stderr


def test_without_a_command_it_says_what_there_is() -> None:
    ended = roomwatch()
    assert ended.returncode == 2
    commands = re.findall(r"^  roomwatch ([\w-]+) ", ended.stdout, re.MULTILINE)
    assert commands == [
        "demo",
        "migrate",
        "check",
        "run",
        "replay",
        "dead-letters",
        "archive",
        "retention",
        "token",
        "login-link",
        "audit",
        "erase",
        "provision",
        "verify-packet",
        "packet-key",
        "trace",
        "outbox",
    ]


def test_version_says_the_version() -> None:
    ended = roomwatch("version")
    assert (ended.returncode, ended.stdout) == (0, f"roomwatch {__version__}\n")


def test_help_of_run_lists_every_setting_with_its_default_and_bounds() -> None:
    shown = roomwatch("run", "--help").stdout
    listed = re.findall(r"^  (\w+) = (.*)$", shown, re.MULTILINE)
    assert [name for name, _ in listed] == list(Settings.model_fields)
    assert ("http_port", "8787") in listed
    assert "a whole number from 0 to 65535" in re.sub(r"\s+", " ", shown)


def test_a_bad_setting_is_one_line() -> None:
    assert_refused(
        r"http_port = '-1': a whole number from 0 to 65535 is allowed \(from ROOMWATCH_HTTP_PORT\)", "run", http_port=-1
    )


def test_a_key_of_the_file_that_is_no_setting_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "r.toml"
    file.write_text("http_prt = 1")
    assert_refused(
        rf"http_prt: is no setting; did you mean http_port\? \(from {file}\)", "migrate", "--config", str(file)
    )


@pytest.mark.parametrize(
    ("url", "saying"),
    [
        ("mysql://u:geheim@h/d", r"database_url = 'mysql://u:\*\*\*@h/d': .*"),
        ("geheim", r"database_url: is not a URL; .*"),
        ("sqlite:////nowhere/at/all.db", r"the store sqlite:////nowhere/at/all.db cannot be reached: .*"),
    ],
)
def test_a_wrong_database_url_is_one_line_without_its_password(url: str, saying: str) -> None:
    assert_refused(rf"(?!.*geheim){saying}", "migrate", database_url=url)


def test_a_database_that_does_not_answer_is_one_line() -> None:
    url = f"postgresql://u:geheim@127.0.0.1:{free_port()}/d"
    assert_refused(r"(?!.*geheim)the store postgresql://u:\*\*\*@.* cannot be reached: .*", "run", database_url=url)


def test_a_store_without_tables_is_one_line_with_the_command_that_mends_it(tmp_path: Path) -> None:
    assert_refused(
        rf"the store has no tables yet, this collector needs {expected_version()}; run: roomwatch migrate",
        "run",
        database_url=f"sqlite:///{tmp_path}/new.db",
    )


def test_a_store_of_a_newer_program_is_one_line_with_the_command_that_mends_it(store: str) -> None:
    engine = make_engine(store)
    with engine.begin() as connection:
        connection.execute(text("update alembic_version set version_num = 'from_the_future'"))
    engine.dispose()
    saying = rf"the store is at schema version from_the_future, .* {expected_version()}; run: pip install --upgrade .*"
    for command in ("run", "migrate"):
        assert_refused(saying, command, database_url=store)


def test_migrate_says_what_it_did_and_does_it_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new.db"
    said = [roomwatch("migrate", database_url=url).stdout for _ in range(2)]
    assert said == [
        f"the store went from nothing to schema version {expected_version()}\n",
        f"the store is at schema version {expected_version()} already\n",
    ]


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_broker_that_does_not_answer_is_one_line(store: str, command: str) -> None:
    servers = f"127.0.0.1:{free_port()}"
    assert_refused(
        rf"no Kafka broker answers at {servers}: .*Connect call failed.*; start it, or correct kafka_bootstrap_servers",
        command,
        database_url=store,
        kafka_bootstrap_servers=servers,
        start_within_s=1,
    )


def test_a_topic_that_is_not_there_is_one_line_with_the_command_that_makes_it(
    kafka: Kafka, store: str, topic: str
) -> None:
    given = {"database_url": store, "kafka_bootstrap_servers": kafka.bootstrap}
    missing = create_command(kafka.bootstrap, f"{topic}-x")
    assert_refused(rf"there is no topic {topic}-x; .* run: {missing}", "run", kafka_topic=f"{topic}-x", **given)
    missing = create_letters_command(kafka.bootstrap, topic)
    assert_refused(rf"there is no topic {topic}.dead-letters; .* run: {missing}", "run", kafka_topic=topic, **given)


def test_a_port_where_somebody_listens_is_one_line(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert_refused(
            rf"http_port: cannot listen on 127.0.0.1:{port} \(Address already in use\); .*",
            "run",
            database_url=stage.url,
            kafka_bootstrap_servers=stage.kafka.bootstrap,
            kafka_topic=stage.topic,
            http_port=port,
        )


def test_another_cluster_than_the_stores_is_one_line(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage()
    with stage.engine.begin() as connection:
        connection.execute(text(f"insert into kafka_offsets values ('other', '{stage.topic}', 0, 'roomwatch', 5)"))
    assert_refused(
        rf"the store holds topic {stage.topic} of Kafka cluster other, the broker says .*; correct .*",
        "run",
        database_url=stage.url,
        kafka_bootstrap_servers=stage.kafka.bootstrap,
        kafka_topic=stage.topic,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_in_order(make_stage: Callable[..., Stage], number: signal.Signals) -> None:
    with make_stage().collector() as running:
        running.interrupt(number)
        assert running.exit_code() == 0
        assert [line["message"] for line in running.log][-1] == "stopped"


def test_a_second_signal_ends_at_once(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(partitions=1)
    with stage.collector() as running:
        stage.kafka.delete_topic(f"{stage.topic}.dead-letters")
        stage.put([(b"x", b"poison")])
        wait_until(lambda: "waiting, the consumer is paused" in [line["message"] for line in running.log], within_s=60)
        running.interrupt()
        wait_until(lambda: any("stopping" in line["message"] for line in running.log))
        running.interrupt()
        assert running.exit_code() in {-signal.SIGTERM, 0}
    assert stage.stored_offsets() == 0


@pytest.mark.parametrize(
    ("command", "missing", "extra"),
    [
        ("run", "pydantic_settings", "collector"),
        ("migrate", "pydantic_settings", "collector"),
        ("check", "pydantic_settings", "collector"),
        ("demo", "fastapi", "demo"),
        ("provision", "grafana_client", "grafana"),
        ("provision", "yaml", "grafana"),
    ],
)
def test_a_command_whose_packages_are_not_installed_names_the_extra(command: str, missing: str, extra: str) -> None:
    needs = "'--url', 'http://127.0.0.1'" if command == "provision" else ""
    program = (
        f"import sys; sys.modules['{missing}'] = None; from collector.cli import main; main(['{command}', {needs}])"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert re.fullmatch(
        rf"roomwatch: roomwatch {command}: the package {missing} is not installed; "
        rf"install it with: pip install 'roomwatch\[{extra}\]'\n",
        ended.stderr,
    ), ended.stderr


def test_a_command_that_needs_no_settings_reads_none() -> None:
    assert roomwatch("version", http_port="not a port", config="/nowhere.toml").returncode == 0
