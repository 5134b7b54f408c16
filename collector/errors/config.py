"""A setting, file or argument that cannot be used."""

from __future__ import annotations

from typing import ClassVar

from collector.errors.root import CollectorError, short


class ConfigError(CollectorError):
    """A setting, a configuration file or an argument cannot be used."""

    code: ClassVar[str] = "config"
    remedy: ClassVar[str] = "Correct the setting that the message names; docs/configuration.md lists what is allowed."

    def __init__(self, name: str, why: str, *, value: str | None = None, source: str | None = None) -> None:
        """`value` is left out for secrets; `source` is the variable, the file or the argument it came from."""
        self.name = name
        self.why = why
        self.value = value
        self.source = source
        shown = name if value is None else f"{name} = {short(value)}"
        super().__init__(f"{shown}: {why}" + (f" (from {source})" if source else ""))


class ExtraMissing(ConfigError):
    """A command needs packages that were not installed."""

    code: ClassVar[str] = "extra-missing"
    remedy: ClassVar[str] = "Install the extra that the message names, such as `pip install 'roomwatch[demo]'`."

    def __init__(self, command: str, extra: str, missing: str) -> None:
        self.command = command
        self.extra = extra
        self.missing = missing
        super().__init__(
            f"roomwatch {command}",
            f"the package {missing} is not installed; install it with: pip install 'roomwatch[{extra}]'",
        )


class AddressTaken(ConfigError):
    """Another process listens on the address where the API should."""

    code: ClassVar[str] = "address-taken"
    remedy: ClassVar[str] = "Stop the other process, or choose another http_port (0 takes any free one)."

    def __init__(self, host: str, port: int, detail: str) -> None:
        self.host = host
        self.port = port
        super().__init__(
            "http_port",
            f"cannot listen on {host}:{port} ({detail}); stop what listens there, or choose another http_port",
        )


class NoTokens(ConfigError):
    """The API would listen where others reach it, and there is no token with which anybody could ask."""

    code: ClassVar[str] = "no-tokens"
    remedy: ClassVar[str] = "Make a token with `roomwatch token create`, or let http_host be 127.0.0.1."

    def __init__(self, host: str) -> None:
        self.host = host
        super().__init__(
            "http_host",
            "is open to others, and there is no token to ask with; run: roomwatch token create NAME --scope read; "
            "or listen on 127.0.0.1, where none is needed",
            value=host,
        )
