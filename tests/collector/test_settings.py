"""Where settings come from, and how one that cannot be used is refused."""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from collector.errors import ConfigError
from collector.kafka_settings import variable
from collector.settings import Settings, identity_key_of, load_settings


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*Settings.model_fields, "config"):
        monkeypatch.delenv(variable(name), raising=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "roomwatch.toml"


def refused(config: Path | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load_settings(str(config) if config else None)
    return str(caught.value)


def test_the_environment_is_stronger_than_the_file_and_the_file_than_the_default(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text('http_port = 1111\nkafka_topic = "from-file"\n')
    monkeypatch.setenv("ROOMWATCH_HTTP_PORT", "2222")
    settings = load_settings(str(file))
    assert (settings.http_port, settings.kafka_topic, settings.kafka_group) == (2222, "from-file", "roomwatch")


def test_a_variable_names_the_file_when_no_argument_does(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("http_port = 1111")
    monkeypatch.setenv("ROOMWATCH_CONFIG", str(file))
    assert load_settings(None).http_port == 1111


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOMWATCH_HTTP_PORT", "")
    assert load_settings(None).http_port == 8787


def test_settings_cannot_be_changed() -> None:
    settings = load_settings(None)
    with pytest.raises(ValidationError):
        settings.http_port = 1


def test_variables_that_are_no_settings_are_let_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOMWATCH_SERVICE_HOST", "10.0.0.1")
    assert load_settings(None).http_host == "127.0.0.1"


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("http_port", "70000", "a whole number from 0 to 65535"),
        ("http_port", "many", "a whole number from 0 to 65535"),
        ("log_format", "xml", "one of auto, json, text"),
        ("kafka_topic", "room events", "1 to 200 letters, digits, dots, underscores and hyphens"),
    ],
)
def test_a_bad_value_is_named_with_what_is_allowed_and_where_it_came_from(
    name: str, value: str, allowed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable(name), value)
    assert refused() == f"{name} = {value!r}: {allowed} is allowed (from {variable(name)})"


def test_a_bad_value_of_the_file_names_the_file(file: Path) -> None:
    file.write_text("batch_wait_ms = -1")
    assert refused(file) == f"batch_wait_ms = '-1': a whole number from 0 to 10000 is allowed (from {file})"


def test_a_key_that_is_no_setting_names_the_nearest(file: Path) -> None:
    file.write_text('databse_url = "sqlite:///x.db"')
    assert refused(file) == f"databse_url: is no setting; did you mean database_url? (from {file})"


def test_a_file_that_is_no_toml_or_not_there_is_named(file: Path) -> None:
    file.write_text("http_port = = 3")
    assert refused(file).startswith(f"--config = '{file}': is not TOML: ")
    assert refused(file.with_name("none.toml")) == (
        f"--config = '{file.with_name('none.toml')}': cannot be read: No such file or directory"
    )


def test_a_secret_that_is_refused_is_not_shown(file: Path) -> None:
    file.write_text("kafka_password = 12345")
    assert refused(file) == f"kafka_password: text is allowed (from {file})"


def test_secrets_are_in_no_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOMWATCH_DATABASE_URL", "postgresql://u:geheim@h/d")
    settings = load_settings(None)
    assert "geheim" not in repr(settings)
    assert settings.database_url == SecretStr("postgresql://u:geheim@h/d")


def test_a_login_needs_a_name_and_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOMWATCH_KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    monkeypatch.setenv("ROOMWATCH_KAFKA_USERNAME", "collector")
    assert refused() == (
        "kafka_password: is needed with kafka_security_protocol SASL_SSL; set ROOMWATCH_KAFKA_PASSWORD"
    )


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("sessions", "34", "'34': sessions stay at least as long as events, retention_events_days = 35"),
        ("outages", "179", "'179': outages stay at least as long as sessions, retention_sessions_days = 180"),
        ("rollups", "1", "'1': rollups stay at least as long as sessions, retention_sessions_days = 180"),
    ],
)
def test_what_something_else_is_counted_with_cannot_go_before_it(
    name: str, value: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"ROOMWATCH_RETENTION_{name.upper()}_DAYS", value)
    assert refused() == f"retention_{name}_days = {why}"


def test_what_is_kept_forever_needs_what_it_is_counted_with_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOMWATCH_RETENTION_EVENTS_DAYS", "0")
    assert refused() == (
        "retention_sessions_days = '180': sessions stay at least as long as events, retention_events_days = 0 (forever)"
    )
    for kind in ("sessions", "outages", "rollups"):
        monkeypatch.setenv(f"ROOMWATCH_RETENTION_{kind.upper()}_DAYS", "0")
    assert load_settings(None).retention_rollups_days == 0


def test_certificates_have_to_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOMWATCH_KAFKA_CA_FILE", "/nowhere/ca.pem")
    assert refused() == "kafka_ca_file = '/nowhere/ca.pem': is no file that can be read"


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not (field.description or "").endswith(".")] == []


@pytest.mark.parametrize(
    ("told", "key"),
    [
        (None, None),
        ("sixteen bytes or more", b"sixteen bytes or more"),
        ("hex:000102030405060708090a0b0c0d0e0f", bytes(range(16))),
    ],
)
def test_the_key_of_identities_is_text_or_hexadecimal(
    told: str | None, key: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if told is not None:
        monkeypatch.setenv("ROOMWATCH_IDENTITY_KEY", told)
    assert identity_key_of(load_settings(None)) == key


@pytest.mark.parametrize("told", ["too short", "hex:0001", "hex:not hexadecimal at all"])
def test_a_key_of_identities_that_can_be_guessed_is_refused_and_not_shown(
    told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROOMWATCH_IDENTITY_KEY", told)
    said = refused()
    assert said.startswith("identity_key: ")
    assert said.endswith("at least 16 bytes are allowed, as text or hex:")
    assert told not in said
