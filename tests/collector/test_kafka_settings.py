"""How Kafka is reached: told to `roomwatch outbox --drain`, which does without pydantic, as to `roomwatch run`."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from collector.errors import ConfigError
from collector.kafka_settings import KafkaSettings, load_kafka, variable
from collector.settings import Settings, load_settings

GIVEN = {
    "kafka_bootstrap_servers": "k:1",
    "kafka_topic": "t",
    "kafka_security_protocol": "SASL_SSL",
    "kafka_sasl_mechanism": "PLAIN",
    "kafka_username": "ada",
    "kafka_password": "geheim",
}


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*Settings.model_fields, "config"):
        monkeypatch.delenv(variable(name), raising=False)


def test_the_defaults_are_those_of_the_collector_but_for_the_broker_which_has_to_be_told() -> None:
    ours, its = load_kafka(None), load_settings(None)
    different = [name for name in KafkaSettings.__struct_fields__ if getattr(ours, name) != getattr(its, name)]
    assert (different, ours.kafka_bootstrap_servers) == (["kafka_bootstrap_servers"], None)


def test_both_take_the_same_of_the_environment_and_of_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "roomwatch.toml"
    file.write_text("".join(f"{name} = '{value}'\n" for name, value in GIVEN.items()) + "http_port = 1\n")
    monkeypatch.setenv("ROOMWATCH_KAFKA_USERNAME", "eve")
    monkeypatch.setenv("ROOMWATCH_KAFKA_CA_FILE", str(file))
    monkeypatch.setenv("ROOMWATCH_KAFKA_TOPIC", "")
    monkeypatch.setenv("ROOMWATCH_CONFIG", str(file))
    ours, its = load_kafka(None), load_settings(None)
    assert ours == KafkaSettings(**{**GIVEN, "kafka_username": "eve", "kafka_ca_file": str(file)})  # type: ignore[arg-type]
    for name in KafkaSettings.__struct_fields__:
        value = getattr(its, name)
        assert getattr(ours, name) == (value.get_secret_value() if isinstance(value, SecretStr) else str(value))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kafka_security_protocol", "TLS"),
        ("kafka_sasl_mechanism", "GSSAPI"),
        ("kafka_topic", "room events"),
        ("kafka_ca_file", "/nowhere/ca.pem"),
        ("config", "/nowhere/roomwatch.toml"),
    ],
)
def test_both_refuse_what_cannot_be_used_in_the_same_words(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable(name), value)
    with pytest.raises(ConfigError) as ours:
        load_kafka(None)
    with pytest.raises(ConfigError) as its:
        load_settings(None)
    assert str(ours.value) == str(its.value)


@pytest.mark.parametrize("line", ["kafka_password = 12345", "kafka_security_protocol = 'SASL_SSL'", "kafka_topic ="])
def test_both_refuse_a_file_in_the_same_words(line: str, tmp_path: Path) -> None:
    file = tmp_path / "roomwatch.toml"
    file.write_text(line)
    with pytest.raises(ConfigError) as ours:
        load_kafka(str(file))
    with pytest.raises(ConfigError) as its:
        load_settings(str(file))
    assert (str(ours.value), "12345" in str(ours.value)) == (str(its.value), False)


def test_the_password_is_in_no_repr() -> None:
    settings = KafkaSettings(**GIVEN)  # type: ignore[arg-type]
    assert (repr(settings), settings.__rich_repr__()) == (
        "KafkaSettings('k:1', 'SASL_SSL')",
        [("kafka_bootstrap_servers", "k:1")],
    )
