"""Everything the collector raises on purpose, as one tree.

    CollectorError
    ├── BrokerError
    │   ├── BrokerUnreachable       no Kafka broker answers
    │   ├── BrokerRefused           a broker answers and lets nobody in
    │   ├── TopicMissing            the topic to read is not there
    │   ├── ClusterChanged          the store was filled from another Kafka cluster
    │   ├── OffsetBeyondEnd         the store is ahead of the log: a topic made anew, or another one
    │   ├── LogRewound              a log went back to lower offsets while it was read
    │   ├── NeverStored             nothing of the topic was stored for this group: nothing to replay
    │   ├── DeadLettersRefused      refused records cannot be put aside: reading waits
    │   └── EmbeddedBrokerError     the demo's own broker cannot be used here
    ├── RequestError                a question to the API that cannot be answered: requests.py
    │   ├── SessionNotFound
    │   ├── RoomNotFound
    │   ├── OutageNotFound
    │   ├── CodeNotFound
    │   ├── IncidentNotFound
    │   ├── FormatMissing           an export needs an extra
    │   ├── QueryTooLong            cancelled in the database
    │   ├── TooManyQuestions
    │   ├── BadBody
    │   ├── BodyTooLarge
    │   ├── TooManyListeners        pages ask every few seconds instead
    │   ├── NotAllowed              who may not: access.py
    │   ├── ScopeMissing
    │   ├── TooManyAttempts
    │   ├── HostNotAllowed
    │   ├── CrossSite
    │   └── BadFilter
    ├── ConfigError                 a setting, file or argument that cannot be used
    │   ├── ExtraMissing            a command whose packages were not installed
    │   ├── AddressTaken            another process listens where the API should
    │   └── NoTokens                others could reach the API, and nobody has a token
    ├── StoreError
    │   ├── StoreUnreachable        the database does not answer, or lets nobody in
    │   ├── SchemaMismatch          its tables are of another version
    │   ├── StoreUnavailable        trouble that passes: the same batch is tried again
    │   ├── Fenced                  another collector moved these partitions: drop them and seek anew
    │   ├── StaleSession            another writer changed these sessions: reload and redo
    │   ├── RowRefused              a row that the database will never take: a dead letter
    │   └── RetentionBusy           somebody else deletes what is old
    ├── GrafanaError                Grafana cannot be provisioned as asked: grafana.py
    │   ├── GrafanaUnreachable
    │   ├── GrafanaTimedOut
    │   ├── NotGrafana              something else answers there
    │   ├── GrafanaTooOld
    │   ├── GrafanaLoginRefused
    │   ├── GrafanaForbidden        a right is missing
    │   └── GrafanaRefused          it says no, or failed
    ├── PacketError                 a support packet cannot be made or checked: packets.py
    │   ├── PacketKeyMissing
    │   ├── PacketKeyUnusable
    │   └── NotAPacket
    ├── ArchiveError                a day cannot be written to the archive
    ├── LetterNotFound              no dead letter of this record is stored
    ├── TokenNotFound               no token has this id
    ├── TooManyTokens
    └── StopTimedOut                a stop took longer than it may: what was in hand is read again

Rules:
1. Raised low with facts as attributes; the one-line text is computed here: what, where, what to do. Turned into an
   answer once, at the edge: an exit code by cli, problem+json by the API.
2. `code` is a promise to callers and scripts. The class's docstring says what it means and `remedy` what to do; the
   page docs/errors.md is made of the two.
3. No secret is in a text: who raises leaves passwords out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar
from uuid import UUID

from collector.errors.access import (
    CrossSite,
    HostNotAllowed,
    NotAllowed,
    ScopeMissing,
    TokenNotFound,
    TooManyAttempts,
    TooManyTokens,
)
from collector.errors.broker import (
    BrokerError,
    BrokerRefused,
    BrokerUnreachable,
    ClusterChanged,
    DeadLettersRefused,
    EmbeddedBrokerError,
    LogRewound,
    NeverStored,
    OffsetBeyondEnd,
    TopicMissing,
)
from collector.errors.config import AddressTaken, ConfigError, ExtraMissing, NoTokens
from collector.errors.grafana import (
    GrafanaError,
    GrafanaForbidden,
    GrafanaLoginRefused,
    GrafanaRefused,
    GrafanaTimedOut,
    GrafanaTooOld,
    GrafanaUnreachable,
    NotGrafana,
)
from collector.errors.packets import NotAPacket, PacketError, PacketKeyMissing, PacketKeyUnusable
from collector.errors.requests import (
    BadBody,
    BadFilter,
    BodyTooLarge,
    CodeNotFound,
    FormatMissing,
    IncidentNotFound,
    OutageNotFound,
    QueryTooLong,
    RequestError,
    RoomNotFound,
    SessionNotFound,
    TooManyListeners,
    TooManyQuestions,
)
from collector.errors.root import CollectorError, named, one_line, short

__all__ = [
    "AddressTaken",
    "ArchiveError",
    "BadBody",
    "BadFilter",
    "BodyTooLarge",
    "BrokerError",
    "BrokerRefused",
    "BrokerUnreachable",
    "ClusterChanged",
    "CodeNotFound",
    "CollectorError",
    "ConfigError",
    "CrossSite",
    "DeadLettersRefused",
    "EmbeddedBrokerError",
    "ExtraMissing",
    "Fenced",
    "FormatMissing",
    "GrafanaError",
    "GrafanaForbidden",
    "GrafanaLoginRefused",
    "GrafanaRefused",
    "GrafanaTimedOut",
    "GrafanaTooOld",
    "GrafanaUnreachable",
    "HostNotAllowed",
    "IncidentNotFound",
    "LetterNotFound",
    "LogRewound",
    "NeverStored",
    "NoTokens",
    "NotAPacket",
    "NotAllowed",
    "NotGrafana",
    "OffsetBeyondEnd",
    "OutageNotFound",
    "PacketError",
    "PacketKeyMissing",
    "PacketKeyUnusable",
    "QueryTooLong",
    "RequestError",
    "RetentionBusy",
    "RoomNotFound",
    "RowRefused",
    "SchemaMismatch",
    "ScopeMissing",
    "SessionNotFound",
    "StaleSession",
    "StopTimedOut",
    "StoreError",
    "StoreUnavailable",
    "StoreUnreachable",
    "TokenNotFound",
    "TooManyAttempts",
    "TooManyListeners",
    "TooManyQuestions",
    "TooManyTokens",
    "TopicMissing",
    "tree",
]


class StoreError(CollectorError):
    """The store cannot do what it was asked to."""

    code: ClassVar[str] = "store"
    remedy: ClassVar[str] = "Run `roomwatch check`."


class StoreUnreachable(StoreError):
    """The database does not answer, or does not let the collector in."""

    code: ClassVar[str] = "store-unreachable"
    remedy: ClassVar[str] = "Start the database, or correct the host, user, password or path in database_url."

    def __init__(self, where: str, detail: str) -> None:
        """`where` is the URL without its password."""
        self.where = where
        self.detail = detail
        super().__init__(
            f"the store {where} cannot be reached: {one_line(detail)}; start it, or correct database_url",
        )


class SchemaMismatch(StoreError):
    """The tables of the store are of another version than this collector, or are not there yet."""

    code: ClassVar[str] = "schema-mismatch"
    remedy: ClassVar[str] = "Run `roomwatch migrate`; if the store is newer than the collector, upgrade the collector."

    def __init__(self, found: str | None, expected: str, mend: str) -> None:
        """Versions as the migrations name them; `found` is None for a store without tables. `mend` is a command."""
        self.found = found
        self.expected = expected
        self.mend = mend
        state = "has no tables yet" if found is None else f"is at schema version {found}"
        super().__init__(f"the store {state}, this collector needs {expected}; run: {mend}")


class StoreUnavailable(StoreError):
    """Trouble with the database that passes: a lost connection, a lock, a full disk. The same batch is tried again."""

    code: ClassVar[str] = "store-unavailable"
    remedy: ClassVar[str] = "Nothing is lost: the collector waits and tries again. Bring the database back."

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(f"the store is away: {one_line(detail)}; the same batch will be tried again")


class Fenced(StoreError):
    """Another collector moved these partitions' offsets since this one read them; nothing of the batch was written."""

    code: ClassVar[str] = "fenced"
    remedy: ClassVar[str] = "Nothing: the collector drops what it held of them and goes on from the stored offsets."

    def __init__(self, partitions: Iterable[int]) -> None:
        self.partitions = frozenset(partitions)
        super().__init__(f"another collector moved {named('partition', sorted(self.partitions))}")


class StaleSession(StoreError):
    """Another writer changed these sessions since they were read; nothing of the batch was written."""

    code: ClassVar[str] = "stale-session"
    remedy: ClassVar[str] = "Nothing: the collector reads them anew and applies the same events again."

    def __init__(self, session_ids: Iterable[UUID]) -> None:
        self.session_ids = frozenset(session_ids)
        super().__init__(f"another writer changed {named('session', sorted(self.session_ids))}")


class RowRefused(StoreError):
    """The database will never take these rows; nothing of the batch was written."""

    code: ClassVar[str] = "row-refused"
    remedy: ClassVar[str] = "Look at the dead letters with the reason that the message names; they name the record."

    def __init__(
        self,
        session_ids: Iterable[UUID],
        detail: str,
        *,
        records: Iterable[tuple[int, int]] = (),
        reason: str = "store-refused",
    ) -> None:
        """The caller makes dead letters with `reason`, and takes the rest of the batch again.

        Of `records` (partition, offset), each an event that is refused; and of every record that the batch holds of
        `session_ids`, whose own rows are refused.
        """
        self.session_ids = frozenset(session_ids)
        self.records = frozenset(records)
        self.detail = detail
        self.reason = reason
        whose = named("session", sorted(self.session_ids)) if self.session_ids else f"{len(self.records)} events"
        super().__init__(f"the store refused rows of {whose} ({reason}): {short(detail)}")


class RetentionBusy(StoreError):
    """Another process is deleting what is old in this store; nothing was done."""

    code: ClassVar[str] = "retention-busy"
    remedy: ClassVar[str] = "Nothing: what is old goes all the same."
    exit_code: ClassVar[int] = 1

    def __init__(self) -> None:
        super().__init__("another process is deleting what is old in this store; try again when it is done")


class LetterNotFound(CollectorError):
    """No dead letter of this record is stored: it was not refused, or retention dropped the letter."""

    code: ClassVar[str] = "letter-not-found"
    remedy: ClassVar[str] = "List what there is with `roomwatch dead-letters list`."

    def __init__(self, topic: str, partition: int, offset: int) -> None:
        self.topic = topic
        self.partition = partition
        self.offset = offset
        super().__init__(
            f"no dead letter of record {partition}/{offset} of topic {topic} is stored; "
            "`roomwatch dead-letters list` shows those that are",
        )


class ArchiveError(CollectorError):
    """A day cannot be written to the archive, or not so that it holds what the store does."""

    code: ClassVar[str] = "archive"
    remedy: ClassVar[str] = "Mend what the message names and start it again; a day is there whole or not at all."

    def __init__(self, where: str, why: str) -> None:
        self.where = where
        self.why = why
        super().__init__(f"the archive {where} {one_line(why)}")


class StopTimedOut(CollectorError):
    """A stop took longer than it may, so the batch in hand was cut off. Nothing is lost: it is read again."""

    code: ClassVar[str] = "stop-timed-out"
    remedy: ClassVar[str] = "Look at what the store was doing; raise stop_within_s if its transactions need longer."
    exit_code: ClassVar[int] = 1

    def __init__(self, within_s: float) -> None:
        self.within_s = within_s
        super().__init__(f"the batch in hand was not finished within {within_s:g} s; it will be read again")


def tree(root: type[CollectorError] = CollectorError) -> Iterator[type[CollectorError]]:
    """The classes of this file, depth first, as the module's docstring draws them."""
    yield root
    for branch in root.__subclasses__():
        yield from tree(branch)
