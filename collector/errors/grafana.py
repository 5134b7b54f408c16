"""What Grafana cannot do, or does not let us."""

from __future__ import annotations

from typing import ClassVar

from collector.errors.root import CollectorError, one_line, short


class GrafanaError(CollectorError):
    """Grafana cannot be provisioned as asked."""

    code: ClassVar[str] = "grafana"
    remedy: ClassVar[str] = "Read the sentence that comes with it; docs/provisioning.md says what is needed."


class GrafanaUnreachable(GrafanaError):
    """Nobody answers at Grafana's address, or not in a way that can be trusted."""

    code: ClassVar[str] = "grafana-unreachable"
    remedy: ClassVar[str] = "Start Grafana, or correct the address given with --url."

    def __init__(self, url: str, detail: str) -> None:
        self.url = url
        self.detail = detail
        super().__init__(f"Grafana at {url} cannot be reached: {one_line(detail)}; start it, or correct --url")


class GrafanaTimedOut(GrafanaError):
    """Grafana took a request and did not answer in time."""

    code: ClassVar[str] = "grafana-timed-out"
    remedy: ClassVar[str] = "Look at Grafana's log and load; give it longer with --timeout. Running again is safe."

    def __init__(self, url: str, what: str, within_s: float) -> None:
        self.url = url
        self.what = what
        self.within_s = within_s
        super().__init__(
            f"Grafana at {url} did not answer within {within_s:g} s to {what}; "
            "look at its log, or give it longer with --timeout; running again is safe"
        )


class NotGrafana(GrafanaError):
    """Something answers at the address, and not as Grafana's API does: a proxy, a login page, another server."""

    code: ClassVar[str] = "not-grafana"
    remedy: ClassVar[str] = "Give --url the address at which Grafana itself answers, with its path if it has one."

    def __init__(self, url: str, what: str, why: str) -> None:
        self.url = url
        self.what = what
        self.why = why
        super().__init__(
            f"what answers at {url} is not Grafana's API: {one_line(why)} (to {what}); "
            "give --url Grafana's own address, with its path if it has one"
        )


class GrafanaTooOld(GrafanaError):
    """This Grafana is older than what the dashboards are made for."""

    code: ClassVar[str] = "grafana-too-old"
    remedy: ClassVar[str] = "Upgrade Grafana to the version that the message names, or a later one."

    def __init__(self, url: str, found: str, needed: str) -> None:
        self.url = url
        self.found = found
        self.needed = needed
        super().__init__(f"Grafana at {url} is version {short(found)}, {needed} or later is needed; upgrade it")


class GrafanaLoginRefused(GrafanaError):
    """Grafana does not know the token, or not the user and password."""

    code: ClassVar[str] = "grafana-login"
    remedy: ClassVar[str] = "Set ROOMWATCH_GRAFANA_TOKEN to a token that is valid in this Grafana and has not expired."

    def __init__(self, url: str, source: str) -> None:
        """`source` is where the credentials came from; they themselves are shown nowhere."""
        self.url = url
        self.source = source
        super().__init__(
            f"Grafana at {url} does not accept the credentials from {source} (401); "
            "is the token of this Grafana, and has it not expired?"
        )


class GrafanaForbidden(GrafanaError):
    """The credentials are good, and lack a right."""

    code: ClassVar[str] = "grafana-forbidden"
    remedy: ClassVar[str] = (
        "Give the account the role that the message names; data sources and accounts need Admin, the rest Editor."
    )

    def __init__(self, url: str, what: str, role: str) -> None:
        self.url = url
        self.what = what
        self.role = role
        super().__init__(
            f"Grafana at {url} does not let this account {what} (403); it needs the role {role}: docs/provisioning.md"
        )


class GrafanaRefused(GrafanaError):
    """Grafana refused a request, or failed at it."""

    code: ClassVar[str] = "grafana-refused"
    remedy: ClassVar[str] = "Do what Grafana's own words ask for; at a status of 500 or more, look at its log."

    def __init__(self, url: str, what: str, status: int, detail: str) -> None:
        self.url = url
        self.what = what
        self.status = status
        self.detail = detail
        place = "its log says more" if status >= 500 else "correct what it names, and run again"
        super().__init__(f"Grafana at {url} refused to {what} ({status}): {short(one_line(detail))}; {place}")
