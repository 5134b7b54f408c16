"""What Kafka cannot do."""

from __future__ import annotations

from typing import ClassVar

from collector.errors.root import CollectorError, one_line


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
            f"no Kafka broker answers at {bootstrap_servers}: {one_line(detail)}; "
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
            f"Kafka at {bootstrap_servers} refused: {one_line(detail)}; correct kafka_username and kafka_password, "
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


class LogRewound(BrokerError):
    """A log that was being read went back to lower offsets: the topic was made anew, or its end was lost."""

    code: ClassVar[str] = "log-rewound"
    remedy: ClassVar[str] = "Find out what became of the topic; to read it from its start, use another kafka_group."

    def __init__(self, topic: str, partition: int, expected: int, offset: int) -> None:
        self.topic = topic
        self.partition = partition
        self.expected = expected
        self.offset = offset
        super().__init__(
            f"partition {partition} of topic {topic} was read up to offset {expected} and goes on at {offset}; "
            "was the topic made anew? To read it from its start, use another kafka_group",
        )


class NeverStored(BrokerError):
    """Nothing of this topic was ever stored for this consumer group, so that there is nothing to replay."""

    code: ClassVar[str] = "never-stored"
    remedy: ClassVar[str] = "Correct kafka_topic or kafka_group, or start a collector, which reads from the beginning."

    def __init__(self, topic: str, group: str) -> None:
        self.topic = topic
        self.group = group
        super().__init__(
            f"nothing of topic {topic} was ever stored for group {group}; correct kafka_topic or kafka_group, "
            "or start `roomwatch run`, which reads from the beginning",
        )


class DeadLettersRefused(BrokerError):
    """Refused records cannot be written to their topic. Nothing is dropped: reading waits and the collector retries."""

    code: ClassVar[str] = "dead-letters-refused"
    remedy: ClassVar[str] = "Make the topic of dead letters writable; the message says what it lacks."

    def __init__(self, topic: str, detail: str, mend: str) -> None:
        self.topic = topic
        self.detail = detail
        super().__init__(f"the topic {topic} does not take dead letters: {one_line(detail)}; {mend}")


class EmbeddedBrokerError(BrokerError):
    """The broker inside the process, which the demo uses, cannot be used here or refused what it was asked."""

    code: ClassVar[str] = "embedded-broker"
    remedy: ClassVar[str] = "Run the command that the message holds; the demo needs Linux or macOS."
