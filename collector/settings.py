"""Every setting of the collector, in one frozen class. `roomwatch run --help` and docs/configuration.md are made of it.

Known to cli and runtime only, which hand plain values on. What a command needs that does without pydantic is in
kafka_settings.py.

Rules:
1. An environment variable is stronger than the TOML file, the file stronger than the default.
2. Every field is described, with its unit and its bounds. Secrets are SecretStr and shown nowhere.
3. What cannot be used is one ConfigError: name, value unless it is a secret, what is allowed, where it came from.
   A key in the file that is not known is an error. A variable that is not known is let be: of a Service named
   roomwatch, Kubernetes makes ROOMWATCH_SERVICE_HOST and more.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Literal, get_args

from annotated_types import Ge, Le
from pydantic import Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from collector.errors import ConfigError
from collector.kafka_settings import (
    CONFIG_VARIABLE,
    PREFIX,
    TOPIC_ALLOWED,
    TOPIC_PATTERN,
    Mechanism,
    SecurityProtocol,
    check_login,
    environment,
    read_toml,
    variable,
)
from session_core.identity import KEY_BYTES_MIN

DAYS_MAX: Final = 36_500


class Settings(BaseSettings):
    """What can be set. Times and sizes carry their unit in the name."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, env_ignore_empty=True, extra="forbid")

    database_url: SecretStr = Field(
        default=SecretStr("sqlite:///roomwatch.db"),
        description="The store: sqlite:///path/to/file, or postgresql://user:password@host/database.",
    )
    kafka_bootstrap_servers: str = Field(
        default="127.0.0.1:9092", min_length=1, description="Brokers to begin with: host:port, separated by commas."
    )
    kafka_topic: str = Field(
        default="room-session-events",
        pattern=TOPIC_PATTERN,
        description="The topic to read. What is refused goes to the topic of this name with .dead-letters behind it.",
    )
    kafka_group: str = Field(
        default="roomwatch",
        min_length=1,
        max_length=200,
        description="The consumer group: collectors that share it share the topic's partitions.",
    )
    kafka_security_protocol: SecurityProtocol = Field(
        default="PLAINTEXT", description="How to speak with the brokers, as Kafka names it."
    )
    kafka_sasl_mechanism: Mechanism = Field(
        default="SCRAM-SHA-512", description="How to log in; counts with the SASL protocols only."
    )
    kafka_username: str | None = Field(default=None, description="User name for the SASL protocols.")
    kafka_password: SecretStr | None = Field(default=None, description="Password for the SASL protocols.")
    kafka_ca_file: Path | None = Field(
        default=None, description="Certificates (PEM) to trust instead of the machine's; counts with the SSL protocols."
    )
    kafka_session_timeout_s: int = Field(
        default=30,
        ge=1,
        le=300,
        description="Seconds after which the group gives the partitions of a collector that fell silent to others. "
        "A broker allows 6 to 1800 unless it is told otherwise.",
    )
    batch_records_max: int = Field(
        default=50_000, ge=1, le=200_000, description="Records that one transaction may hold; a backlog fills it."
    )
    batch_bytes_max: int = Field(
        default=64 * 1024 * 1024,
        ge=16 * 1024,
        le=1024 * 1024 * 1024,
        description="Bytes of records that one transaction may hold. While it is written the next one is gathered: "
        "a collector holds two, decoded, which takes some six times as much memory.",
    )
    batch_wait_ms: int = Field(
        default=100,
        ge=0,
        le=10_000,
        description="Milliseconds to gather records before a transaction begins: delay for fewer, larger ones.",
    )
    sessions_max: int = Field(
        default=60_000,
        ge=1,
        le=10_000_000,
        description="Sessions held in memory, about 4 KB each; those beyond are read from the store when they are met.",
    )
    sessions_bytes_max: int = Field(
        default=256 * 1024 * 1024,
        ge=1024 * 1024,
        le=1024 * 1024 * 1024 * 1024,
        description="Bytes that those sessions may take, about: some have hundreds of outages.",
    )
    token_risk_s: int = Field(
        default=60,
        ge=0,
        le=86_400,
        description="Seconds to its expiry within which a live session's access token counts as at risk.",
    )
    retention_events_days: int = Field(
        default=35,
        ge=0,
        le=DAYS_MAX,
        description="Days that single events are kept, by the day on which their session began; 0: forever.",
    )
    retention_sessions_days: int = Field(
        default=180,
        ge=0,
        le=DAYS_MAX,
        description="Days that a session is kept after it was last told of, never while it goes on; 0: forever. "
        "At least as long as events.",
    )
    retention_outages_days: int = Field(
        default=180,
        ge=0,
        le=DAYS_MAX,
        description="Days that outages are kept; 0: forever. At least as long as sessions.",
    )
    retention_rollups_days: int = Field(
        default=800,
        ge=0,
        le=DAYS_MAX,
        description="Days that the sums over minutes are kept, which figures of long ago are made of; 0: forever. "
        "At least as long as sessions.",
    )
    retention_dead_letters_days: int = Field(
        default=35, ge=0, le=DAYS_MAX, description="Days that refused records are kept in the store; 0: forever."
    )
    retention_dead_letters_max: int = Field(
        default=100_000,
        ge=0,
        le=100_000_000,
        description="Refused records that the store keeps, at most 17 KB each. Beyond them the topic of dead letters "
        "alone has what comes; where they take three quarters of that, the oldest go with what is old.",
    )
    retention_incidents_days: int = Field(
        default=800,
        ge=0,
        le=DAYS_MAX,
        description="Days that an incident is kept after Alertmanager last told of it; 0: forever.",
    )
    retention_every_minutes: int = Field(
        default=60,
        ge=0,
        le=10_080,
        description="Minutes after which a collector looks again for what is old, and deletes it; 0: never, "
        "`roomwatch retention --apply` does it.",
    )
    http_host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="The address to listen on. On one that others reach tokens are asked for, and there has to be one.",
    )
    http_port: int = Field(
        default=8787, ge=0, le=65_535, description="The port of page, API and metrics; 0 takes any free one."
    )
    http_question_s: int = Field(
        default=20,
        ge=1,
        le=3_600,
        description="Seconds that a question to API or pages may take before it is cancelled in the database.",
    )
    http_questions_max: int = Field(
        default=8,
        ge=1,
        le=32,
        description="Questions answered at once, each with a connection; others wait their turn.",
    )
    http_export_s: int = Field(
        default=600,
        ge=1,
        le=86_400,
        description="Seconds that an export may take, which holds one state of the database for as long.",
    )
    http_exports_max: int = Field(
        default=2, ge=1, le=8, description="Exports at once, beside questions, each with a connection."
    )
    http_export_rows_max: int = Field(
        default=5_000_000,
        ge=1,
        le=1_000_000_000,
        description="Rows that an export may hold; it says where it ends there.",
    )
    http_tokens: Literal["auto", "always"] = Field(
        default="auto",
        description="Whether who asks has to show a token or log in. auto: but on an address of this machine alone; "
        "always there too, for a proxy on this machine that lets others in.",
    )
    http_allowed_hosts: str = Field(
        default="",
        description="Names, separated by commas, that are answered to beside 127.0.0.1 and localhost where no token is "
        "asked for: a proxy's, that knows by itself who may ask.",
    )
    alertmanager_token: SecretStr | None = Field(
        default=None,
        description="A token that Alertmanager's webhook may show where it tells of incidents, beside those of "
        "`roomwatch token` with the scope ingest.",
    )
    packet_key_file: Path | None = Field(
        default=None,
        description="The Ed25519 key in PEM that support packets are signed with; none: one is made beside a SQLite "
        "store, and with PostgreSQL there are no packets.",
    )
    identity_key: SecretStr | None = Field(
        default=None,
        description="The key with which clients hash identities, of at least 16 bytes: text, or hex: and hexadecimal "
        "digits. With it filters and search take an identity as people know it. Whoever holds it can try out names.",
    )
    grafana_token: SecretStr | None = Field(
        default=None, description="The token of a Grafana service account, for `roomwatch provision`."
    )
    grafana_token_file: Path | None = Field(
        default=None, description="A file that holds that token, and nothing else; counts where no token is set."
    )
    grafana_user: str | None = Field(
        default=None, description="A Grafana user instead of a token, as a fresh Grafana has only its administrator."
    )
    grafana_password: SecretStr | None = Field(default=None, description="That user's password.")
    metrics_regions: str = Field(
        default="", description="Regions expected, separated by commas: their series start at 0 before they are seen."
    )
    metrics_sdks: str = Field(
        default="", description="SDKs expected, separated by commas: their series start at 0 before they are seen."
    )
    log_format: Literal["auto", "json", "text"] = Field(
        default="auto", description="One JSON object a line, or text for people; auto is text on a terminal."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least important lines that are written."
    )
    start_within_s: int = Field(
        default=15, ge=1, le=3_600, description="Seconds that a start waits for brokers to answer before it gives up."
    )
    stop_within_s: int = Field(
        default=20, ge=1, le=3_600, description="Seconds that a stop may take to finish the batch in hand."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment before what the file says, which load_settings() hands in."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings


def load_settings(config: str | None) -> Settings:
    """The settings as environment, file and defaults give them. Raises ConfigError.

    `config` is the file that the command line names; without it ROOMWATCH_CONFIG may name one.
    """
    here = environment()
    named = config or here.get(CONFIG_VARIABLE)
    told = _read(Path(named), "--config" if config else CONFIG_VARIABLE) if named else {}
    try:
        settings = Settings(**told)
    except ValidationError as error:
        raise _refusal(error, here, named) from None
    check_login(settings)
    identity_key_of(settings)
    _check_retention(settings)
    return settings


def identity_key_of(settings: Settings) -> bytes | None:
    """The key with which clients hash identities; None where none is set. Raises ConfigError, which hides it."""
    if settings.identity_key is None:
        return None
    text, why = settings.identity_key.get_secret_value(), f"at least {KEY_BYTES_MIN} bytes are allowed, as text or hex:"
    try:
        key = bytes.fromhex(text.removeprefix("hex:")) if text.startswith("hex:") else text.encode()
    except ValueError:
        raise ConfigError("identity_key", f"what follows hex: is not hexadecimal; {why}") from None
    if len(key) < KEY_BYTES_MIN:
        raise ConfigError("identity_key", why)
    return key


def allowed(field: FieldInfo) -> str:
    """What a setting takes, in words."""
    choices = _choices(field.annotation)
    if choices:
        return f"one of {', '.join(choices)}"
    least = next((bound.ge for bound in field.metadata if isinstance(bound, Ge)), None)
    most = next((bound.le for bound in field.metadata if isinstance(bound, Le)), None)
    if least is not None and most is not None:
        return f"a whole number from {least} to {most}"
    pattern = next((found for bound in field.metadata if (found := getattr(bound, "pattern", None))), None)
    if pattern:
        return TOPIC_ALLOWED
    return "a path" if Path in (field.annotation, *get_args(field.annotation)) else "text"


def default(field: FieldInfo) -> str:
    """The default as it is shown."""
    value = field.default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    return "none" if value in {None, ""} else str(value)


def _choices(annotation: Any) -> list[str]:
    return [value for value in get_args(annotation) if isinstance(value, str)]


def _read(path: Path, source: str) -> dict[str, Any]:
    """What the file says, with every key known."""
    told = read_toml(path, source)
    for key in told:
        if key not in Settings.model_fields:
            near = get_close_matches(key, Settings.model_fields, n=1, cutoff=0)[0]
            raise ConfigError(key, f"is no setting; did you mean {near}?", source=str(path))
    return told


def _refusal(error: ValidationError, here: Mapping[str, str], file: str | None) -> ConfigError:
    """The first of what is wrong, as one sentence."""
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0])
    field = Settings.model_fields[name]
    told_by_variable = any(given.upper() == variable(name) for given in here)
    secret = SecretStr in (field.annotation, *get_args(field.annotation))
    return ConfigError(
        name,
        f"{allowed(field)} is allowed",
        value=None if secret else str(first["input"]),
        source=variable(name) if told_by_variable else file,
    )


def _check_retention(settings: Settings) -> None:
    """What is counted with something else stays at least as long as that."""
    for shorter, longer in (("events", "sessions"), ("sessions", "outages"), ("sessions", "rollups")):
        least, given = (getattr(settings, f"retention_{kind}_days") for kind in (shorter, longer))
        if given and (not least or given < least):
            why = f"{longer} stay at least as long as {shorter}, retention_{shorter}_days = {least or '0 (forever)'}"
            raise ConfigError(f"retention_{longer}_days", why, value=str(given))
