"""How Kafka is reached, as settings.py has it, for a command that does without pydantic: `roomwatch outbox --drain`.

Names, variables, file and defaults are those of settings.py; a test compares the two. Here, too, an environment
variable is stronger than the TOML file, and what cannot be used is one ConfigError. What else the file says is left to
the commands that use it. This file alone reads the environment, for settings.py too.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Protocol, get_args

import msgspec

from collector.errors import ConfigError

PREFIX: Final = "ROOMWATCH_"
CONFIG_VARIABLE: Final = f"{PREFIX}CONFIG"

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]

TOPIC_PATTERN: Final = r"^[a-zA-Z0-9._-]{1,200}$"
TOPIC_ALLOWED: Final = "1 to 200 letters, digits, dots, underscores and hyphens"


class KafkaSettings(msgspec.Struct, frozen=True):
    """What of the settings says how Kafka is reached. `repr()` shows no password."""

    kafka_bootstrap_servers: str | None = None
    kafka_topic: Annotated[str, msgspec.Meta(pattern=TOPIC_PATTERN)] = "room-session-events"
    kafka_security_protocol: SecurityProtocol = "PLAINTEXT"
    kafka_sasl_mechanism: Mechanism = "SCRAM-SHA-512"
    kafka_username: str | None = None
    kafka_password: str | None = None
    kafka_ca_file: str | None = None

    def __repr__(self) -> str:
        return f"KafkaSettings({self.kafka_bootstrap_servers!r}, {self.kafka_security_protocol!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """What pretty printers show, which do not ask `__repr__`."""
        return [("kafka_bootstrap_servers", self.kafka_bootstrap_servers)]


_ALLOWED: Final = {
    "kafka_topic": TOPIC_ALLOWED,
    "kafka_security_protocol": f"one of {', '.join(get_args(SecurityProtocol))}",
    "kafka_sasl_mechanism": f"one of {', '.join(get_args(Mechanism))}",
    "kafka_ca_file": "a path",
}
_SECRET: Final = "kafka_password"  # noqa: S105 - its name


def environment() -> Mapping[str, str]:
    """The process's environment."""
    return os.environ  # noqa: TID251 - the one place that reads it


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def load_kafka(config: str | None) -> KafkaSettings:
    """The settings as environment, file and defaults give them. Raises ConfigError.

    `config` is the file that the command line names; without it ROOMWATCH_CONFIG may name one.
    """
    told_here = {name.upper(): value for name, value in environment().items() if value}
    named = config or told_here.get(CONFIG_VARIABLE)
    in_file = read_toml(Path(named), "--config" if config else CONFIG_VARIABLE) if named else {}
    told: dict[str, Any] = {}
    sources: dict[str, str | None] = {}
    for name in KafkaSettings.__struct_fields__:
        if variable(name) in told_here:
            told[name], sources[name] = told_here[variable(name)], variable(name)
        elif name in in_file:
            told[name], sources[name] = in_file[name], named
    try:
        settings = msgspec.convert(told, KafkaSettings)
    except msgspec.ValidationError as error:
        name = str(error).rpartition("$.")[2].rstrip("`")
        shown = None if name == _SECRET else str(told[name])
        allowed = f"{_ALLOWED.get(name, 'text')} is allowed"
        raise ConfigError(name, allowed, value=shown, source=sources[name]) from None
    check_login(settings)
    return settings


def read_toml(path: Path, source: str) -> dict[str, Any]:
    """What the file says. `source`: what named it. Raises ConfigError."""
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise ConfigError(source, f"cannot be read: {error.strerror or error}", value=str(path)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(source, f"is not TOML: {error}", value=str(path)) from None


class Login(Protocol):
    """What settings say of security that single fields cannot."""

    @property
    def kafka_security_protocol(self) -> str:
        """As Kafka names it."""

    @property
    def kafka_username(self) -> str | None:
        """For the SASL protocols."""

    @property
    def kafka_password(self) -> object:
        """For the SASL protocols; None: there is none."""

    @property
    def kafka_ca_file(self) -> str | Path | None:
        """For the SSL protocols."""


def check_login(settings: Login) -> None:
    """Raises ConfigError where what is needed together is not there together."""
    protocol = settings.kafka_security_protocol
    if protocol.startswith("SASL"):
        for name in ("kafka_username", "kafka_password"):
            if getattr(settings, name) is None:
                raise ConfigError(name, f"is needed with kafka_security_protocol {protocol}; set {variable(name)}")
    if settings.kafka_ca_file is not None and not Path(settings.kafka_ca_file).is_file():
        raise ConfigError("kafka_ca_file", "is no file that can be read", value=str(settings.kafka_ca_file))
