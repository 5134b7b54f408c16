"""An application behind its door, and tokens for it."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from httpx import ASGITransport, AsyncClient
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from collector.api.access import Access
from collector.api.app import make_app
from collector.api.guard import Door
from collector.api.health import Readiness
from collector.metrics import Metrics
from collector.store.audit import Audit, entry
from collector.store.incidents import Incidents
from collector.store.logins import LINK_US, Login, Logins
from collector.store.reader import Reader
from collector.store.secret_text import digest, new_secret, new_token, slow_hash
from collector.store.tokens import Tokens, new_row
from tests.pages.scene import NOW_US
from tests.secrets_drawn import Drawn


@dataclass
class House:
    """The application over an engine. `asks`: whether it wants to know who asks."""

    engine: Engine
    asks: bool = True
    hosts: frozenset[str] = frozenset()
    now_us: int = NOW_US
    chance: Drawn = field(default_factory=lambda: Drawn(7))
    packet_key: Ed25519PrivateKey = field(default_factory=lambda: Ed25519PrivateKey.from_private_bytes(b"k" * 32))

    def __post_init__(self) -> None:
        """Makes what stands between the application and the store."""
        self.tokens, self.logins, self.audit = Tokens(self.engine), Logins(self.engine), Audit(self.engine)
        self.access = Access(self.tokens, self.logins, self.audit, clock_us=lambda: self.now_us, chance=self.chance)
        self.app = make_app(
            Reader(self.engine),
            Metrics(CollectorRegistry(), version="9.9.9"),
            lambda: Readiness(ready=True),
            "9.9.9",
            clock_us=lambda: self.now_us,
            kept=Incidents(self.engine),
            alertmanager_token="open sesame",  # noqa: S106 - of these tests
            door=Door(self.access, self.asks, self.hosts),
            packet_key=lambda: self.packet_key,
        )

    def token(self, *scopes: str, expires_at: int | None = None) -> str:
        """A new token, as it is sent."""
        text = new_token(self.chance)
        made = entry("token.created", "tests", {}, at_us=self.now_us, chance=self.chance)
        row = new_row(text, "-".join(scopes), scopes, self.now_us, expires_at)
        self.tokens.add(row, slow_hash(text.secret, self.chance(16)), made)
        return text.whole

    def link(self) -> str:
        """The secret of a new link."""
        secret = new_secret(self.chance)
        made = entry("login-link.created", "tests", {}, at_us=self.now_us, chance=self.chance)
        login = Login("link", "eva", ("read",), None, self.now_us, self.now_us + LINK_US, self.now_us)
        self.logins.add(digest(secret), login, made)
        return secret

    def client(self, url: str = "http://127.0.0.1:8787", address: str = "203.0.113.9", **headers: str) -> AsyncClient:
        """Somebody at an address."""
        transport = ASGITransport(self.app, raise_app_exceptions=False, client=(address, 5_000))
        return AsyncClient(transport=transport, base_url=url, headers=headers)


def bearer(token: str) -> dict[str, str]:
    """How a token is sent."""
    return {"Authorization": f"Bearer {token}"}
