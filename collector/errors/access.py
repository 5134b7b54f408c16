"""Who may not do what, and tokens that are not there."""

from __future__ import annotations

from typing import ClassVar

from collector.errors.requests import RequestError
from collector.errors.root import CollectorError, short


class NotAllowed(RequestError):
    """The token that this address asks for is missing, wrong, expired or revoked."""

    code: ClassVar[str] = "not-allowed"
    remedy: ClassVar[str] = "Send `Authorization: Bearer …` with a token that `roomwatch token create` made."

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(why)


class ScopeMissing(RequestError):
    """The token is right, and does not allow this."""

    code: ClassVar[str] = "scope-missing"
    remedy: ClassVar[str] = "Use a token with the scope that the message names: `roomwatch token create … --scope …`."

    def __init__(self, scope: str, name: str) -> None:
        self.scope = scope
        self.name = name
        super().__init__(f"this asks for the scope {scope}, which {short(name)} does not have")


class TooManyAttempts(RequestError):
    """Too many wrong tokens came from this address; those that are right already stay right."""

    code: ClassVar[str] = "too-many-attempts"
    remedy: ClassVar[str] = "Correct the token, and wait as long as Retry-After says."

    def __init__(self, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(f"too many wrong tokens came from this address; try again in {retry_after_s} s")


class HostNotAllowed(RequestError):
    """The request names a host that this collector does not answer to where it asks for no token."""

    code: ClassVar[str] = "host-not-allowed"
    remedy: ClassVar[str] = "Open it as 127.0.0.1 or localhost, or add the name to http_allowed_hosts."

    def __init__(self, host: str) -> None:
        self.host = host
        super().__init__(f"the name {short(host)} is not one of this machine")


class CrossSite(RequestError):
    """A page of another site made the browser send this."""

    code: ClassVar[str] = "cross-site"
    remedy: ClassVar[str] = "Do it on the page of Roomwatch itself."

    def __init__(self) -> None:
        super().__init__("a page of another site cannot change anything here")


class TokenNotFound(CollectorError):
    """There is no token of this id."""

    code: ClassVar[str] = "token-not-found"
    remedy: ClassVar[str] = "List what there is with `roomwatch token list`."

    def __init__(self, token_id: str) -> None:
        self.token_id = token_id
        super().__init__(f"there is no token {short(token_id)}; `roomwatch token list` shows those that there are")


class TooManyTokens(CollectorError):
    """The store keeps so many tokens already."""

    code: ClassVar[str] = "too-many-tokens"
    remedy: ClassVar[str] = "Revoke tokens that nobody uses; those that are gone are forgotten after 90 days."

    def __init__(self, most: int) -> None:
        self.most = most
        super().__init__(f"there are {most} tokens already; revoke those that nobody uses")
