"""Everything the collector raises on purpose, as one tree.

    CollectorError
    ├── ConfigError                 a setting, file or argument that cannot be used
    │   ├── ExtraMissing            a command whose packages were not installed
    │   └── AddressTaken            another process listens where the API should
    ├── StoreError
    │   ├── StoreUnreachable        the database does not answer, or lets nobody in
    │   ├── SchemaMismatch          its tables are of another version
    │   ├── StoreUnavailable        trouble that passes: the same batch is tried again
    │   ├── Fenced                  another collector moved these partitions: drop them and seek anew
    │   ├── StaleSession            another writer changed these sessions: reload and redo
    │   ├── RowRefused              a row that the database will never take: a dead letter
    │   └── RetentionBusy           somebody else deletes what is old
    ├── BrokerError
    │   ├── BrokerUnreachable       no Kafka broker answers
    │   ├── BrokerRefused           a broker answers and lets nobody in
    │   ├── TopicMissing            the topic to read is not there
    │   ├── ClusterChanged          the store was filled from another Kafka cluster
    │   ├── OffsetBeyondEnd         the store is ahead of the log: a topic made anew, or another one
    │   ├── DeadLettersRefused      refused records cannot be put aside: reading waits
    │   └── EmbeddedBrokerError     the demo's own broker cannot be used here
    ├── StopTimedOut                a stop took longer than it may: what was in hand is read again
    └── RequestError                a question to the API that cannot be answered
        ├── SessionNotFound
        ├── RoomNotFound
        ├── CodeNotFound
        └── BadFilter

Rules:
1. Raised low with facts as attributes; the one-line text is computed here: what, where, what to do. Turned into an
   answer once, at the edge: an exit code by cli, problem+json by the API.
2. `code` is a promise to callers and scripts; docs/errors.md is made of the classes' docstrings and remedies.
3. No secret is in a text: who raises leaves passwords out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar, Final
from uuid import UUID

LISTED_MAX: Final = 5
"""A text that would list more names than this says how many there are."""


class CollectorError(Exception):
    """Something the collector cannot do, for a reason that it knows."""

    code: ClassVar[str] = "collector"
    remedy: ClassVar[str] = "Read the sentence that comes with it."
    exit_code: ClassVar[int] = 2


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
        shown = name if value is None else f"{name} = {_short(value)}"
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
            f"the store {where} cannot be reached: {_one_line(detail)}; start it, or correct database_url",
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
        super().__init__(f"the store is away: {_one_line(detail)}; the same batch will be tried again")


class Fenced(StoreError):
    """Another collector moved these partitions' offsets since this one read them; nothing of the batch was written."""

    code: ClassVar[str] = "fenced"
    remedy: ClassVar[str] = "Nothing: the collector drops what it held of them and goes on from the stored offsets."

    def __init__(self, partitions: Iterable[int]) -> None:
        self.partitions = frozenset(partitions)
        super().__init__(f"another collector moved {_named('partition', sorted(self.partitions))}")


class StaleSession(StoreError):
    """Another writer changed these sessions since they were read; nothing of the batch was written."""

    code: ClassVar[str] = "stale-session"
    remedy: ClassVar[str] = "Nothing: the collector reads them anew and applies the same events again."

    def __init__(self, session_ids: Iterable[UUID]) -> None:
        self.session_ids = frozenset(session_ids)
        super().__init__(f"another writer changed {_named('session', sorted(self.session_ids))}")


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
        whose = _named("session", sorted(self.session_ids)) if self.session_ids else f"{len(self.records)} events"
        super().__init__(f"the store refused rows of {whose} ({reason}): {_short(detail)}")


class RetentionBusy(StoreError):
    """Another process is deleting what is old in this store; nothing was done."""

    code: ClassVar[str] = "retention-busy"
    remedy: ClassVar[str] = "Nothing: what is old goes all the same."
    exit_code: ClassVar[int] = 1

    def __init__(self) -> None:
        super().__init__("another process is deleting what is old in this store; try again when it is done")


class BrokerError(CollectorError):
    """Kafka cannot do what it was asked to."""

    code: ClassVar[str] = "broker"
    remedy: ClassVar[str] = "Run `roomwatch check`."


class BrokerUnreachable(BrokerError):
    """No Kafka broker answers."""

    code: ClassVar[str] = "broker-unreachable"
    remedy: ClassVar[str] = "Start the broker, or correct kafka_bootstrap_servers or kafka_security_protocol."

    def __init__(self, bootstrap_servers: str, detail: str) -> None:
        self.bootstrap_servers = bootstrap_servers
        self.detail = detail
        super().__init__(
            f"no Kafka broker answers at {bootstrap_servers}: {_one_line(detail)}; "
            "start it, or correct kafka_bootstrap_servers",
        )


class BrokerRefused(BrokerError):
    """A Kafka broker answers, but refuses this user or what it asks for."""

    code: ClassVar[str] = "broker-refused"
    remedy: ClassVar[str] = "Correct kafka_username and kafka_password, or grant the right that the message names."

    def __init__(self, bootstrap_servers: str, detail: str) -> None:
        self.bootstrap_servers = bootstrap_servers
        self.detail = detail
        super().__init__(
            f"Kafka at {bootstrap_servers} refused: {_one_line(detail)}; correct kafka_username and kafka_password, "
            "or grant the right (roomwatch check names the command)",
        )


class TopicMissing(BrokerError):
    """The topic to read is not there."""

    code: ClassVar[str] = "topic-missing"
    remedy: ClassVar[str] = "Make the topic with the command that the message holds, or correct kafka_topic."

    def __init__(self, topic: str, mend: str) -> None:
        self.topic = topic
        self.mend = mend
        super().__init__(f"there is no topic {topic}; correct kafka_topic, or run: {mend}")


class ClusterChanged(BrokerError):
    """The store was filled from this topic of another Kafka cluster; to go on would mix two histories."""

    code: ClassVar[str] = "cluster-changed"
    remedy: ClassVar[str] = (
        "Point kafka_bootstrap_servers back at the old cluster, or give the new one another kafka_group or store."
    )

    def __init__(self, topic: str, stored: str, found: str) -> None:
        self.topic = topic
        self.stored = stored
        self.found = found
        super().__init__(
            f"the store holds topic {topic} of Kafka cluster {stored}, the broker says {found}; "
            "correct kafka_bootstrap_servers, or use another kafka_group",
        )


class OffsetBeyondEnd(BrokerError):
    """The store has read further than the log goes: the topic was made anew, or its end was lost."""

    code: ClassVar[str] = "offset-beyond-end"
    remedy: ClassVar[str] = "Find out what became of the topic; to read it from its start, use another kafka_group."

    def __init__(self, topic: str, partition: int, stored: int, log_end: int) -> None:
        self.topic = topic
        self.partition = partition
        self.stored = stored
        self.log_end = log_end
        super().__init__(
            f"partition {partition} of topic {topic} ends at offset {log_end}, the store has read up to {stored}; "
            "was the topic made anew? To read it from its start, use another kafka_group",
        )


class DeadLettersRefused(BrokerError):
    """Refused records cannot be written to their topic. Nothing is dropped: reading waits and the collector retries."""

    code: ClassVar[str] = "dead-letters-refused"
    remedy: ClassVar[str] = "Make the topic of dead letters writable; the message says what it lacks."

    def __init__(self, topic: str, detail: str, mend: str) -> None:
        self.topic = topic
        self.detail = detail
        super().__init__(f"the topic {topic} does not take dead letters: {_one_line(detail)}; {mend}")


class EmbeddedBrokerError(BrokerError):
    """The broker inside the process, which the demo uses, cannot be used here or refused what it was asked."""

    code: ClassVar[str] = "embedded-broker"
    remedy: ClassVar[str] = "Run the command that the message holds; the demo needs Linux or macOS."


class StopTimedOut(CollectorError):
    """A stop took longer than it may, so the batch in hand was cut off. Nothing is lost: it is read again."""

    code: ClassVar[str] = "stop-timed-out"
    remedy: ClassVar[str] = "Look at what the store was doing; raise stop_within_s if its transactions need longer."
    exit_code: ClassVar[int] = 1

    def __init__(self, within_s: float) -> None:
        self.within_s = within_s
        super().__init__(f"the batch in hand was not finished within {within_s:g} s; it will be read again")


class RequestError(CollectorError):
    """A question to the API that cannot be answered."""

    code: ClassVar[str] = "request"
    remedy: ClassVar[str] = "Correct the request."


class SessionNotFound(RequestError):
    """No event of this session has reached the store; or it is older than the `kept_days` of sessions."""

    code: ClassVar[str] = "session-not-found"
    remedy: ClassVar[str] = "Check the id; a session's first event is stored seconds after it was sent."

    def __init__(self, session_id: UUID | str, kept_days: int | None = None) -> None:
        self.session_id = session_id
        aged = f"session {session_id} began longer ago than the {kept_days} days that sessions are kept"
        super().__init__(aged if kept_days else f"no event of session {session_id} has reached the store")


class RoomNotFound(RequestError):
    """No session of this room has reached the store."""

    code: ClassVar[str] = "room-not-found"
    remedy: ClassVar[str] = "Check the room's sid; names of rooms are searched for with /api/v1/sessions?room_name=…"

    def __init__(self, room_sid: str) -> None:
        self.room_sid = room_sid
        super().__init__(f"no session of room {_short(room_sid)} has reached the store")


class CodeNotFound(RequestError):
    """The catalogue of room errors does not have this code."""

    code: ClassVar[str] = "code-not-found"
    remedy: ClassVar[str] = "/api/v1/codes lists those that it has; a server may send codes of its own."

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"the catalogue has no code {number}")


class BadFilter(RequestError):
    """A filter, a time or a cursor of the request cannot be used."""

    code: ClassVar[str] = "bad-filter"
    remedy: ClassVar[str] = "Correct the parameter that the message names; /docs lists what each takes."

    def __init__(self, name: str, value: str, why: str) -> None:
        self.name = name
        self.value = value
        self.why = why
        super().__init__(f"{name} = {_short(value)}: {why}")


def tree(root: type[CollectorError] = CollectorError) -> Iterator[type[CollectorError]]:
    """The classes of this file, depth first, as the module's docstring draws them."""
    yield root
    for branch in root.__subclasses__():
        yield from tree(branch)


def _named(noun: str, names: list[int] | list[UUID]) -> str:
    if len(names) > LISTED_MAX:
        return f"{len(names)} {noun}s"
    return f"{noun}{'s' if len(names) != 1 else ''} {', '.join(map(str, names))}"


def _short(text: str) -> str:
    """Text from outside, short and printable enough for an error."""
    return ascii(text if len(text) <= 120 else text[:117] + "...")


def _one_line(text: str) -> str:
    """What a library says of a failure, often over several lines, as a part of ours."""
    line = " ".join(text.split())
    return line if len(line) <= 300 else line[:297] + "..."
