"""docs/configuration.md, made from the settings."""

from __future__ import annotations

from typing import Final

from collector.kafka_settings import CONFIG_VARIABLE, variable
from collector.settings import Settings, allowed, default

_HEAD: Final = f"""# Configuration

Generated from `collector/settings.py` by `make generate`; `roomwatch run --help` shows the same.

Every setting is an environment variable, or a key of a TOML file that `--config` or `{CONFIG_VARIABLE}` names. The
environment is stronger than the file, the file stronger than the default. A value that cannot be used, and a key that
is no setting, stop the command with one line that says what is allowed, and exit code 2. Passwords are shown nowhere:
not in logs, errors or pages.

```toml
database_url = "postgresql://roomwatch@db.internal/roomwatch"
kafka_bootstrap_servers = "kafka-1:9092,kafka-2:9092"
metrics_regions = "us1,ie1,au1"
```

```sh
export ROOMWATCH_DATABASE_URL='postgresql://roomwatch:a-secret@db.internal/roomwatch'
roomwatch run --config /etc/roomwatch.toml
```
"""

_SECTIONS: Final = (
    ("Store", ("database_",)),
    ("Kafka", ("kafka_",)),
    ("Work", ("batch_", "sessions_", "token_", "start_", "stop_")),
    ("Retention", ("retention_",)),
    ("Grafana, for `roomwatch provision`", ("grafana_",)),
    ("Page, API, metrics and logs", ("http_", "alertmanager_", "identity_", "packet_", "metrics_", "log_")),
)


def configuration_page() -> str:
    """The page."""
    parts = [_HEAD]
    for title, prefixes in _SECTIONS:
        rows = [_row(name) for name in Settings.model_fields if name.startswith(prefixes)]
        parts.append(
            f"## {title}\n\n| setting | default | takes | meaning |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"
        )
    listed = sum(part.count("<br>") for part in parts)
    if listed != len(Settings.model_fields):
        raise ValueError("a setting belongs to no section of docs/configuration.md, or to two")
    return "\n".join(parts)


def _row(name: str) -> str:
    field = Settings.model_fields[name]
    return f"| `{name}`<br>`{variable(name)}` | `{default(field)}` | {allowed(field)} | {field.description} |"
