"""What `roomwatch check` asks of Kafka: topics, their settings, rights, the broker's clock. Changes nothing.

Each finding names the command that mends it. Rights are tried, not read: a record that is one byte too large for its
topic is refused for its size only after the right to write was looked at, and so never arrives.
"""

from __future__ import annotations

import asyncio
from typing import Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from collector.ingest.closing import abandon_producer, close_consumer
from collector.ingest.connection import (
    ANSWER_TIMEOUT_S,
    REFUSALS,
    ClusterFacts,
    KafkaConnection,
    admin,
    ask_cluster,
    create_command,
    create_letters_command,
    dead_letters_topic,
)
from collector.store.check import SKEW_MAX_US, Finding

HEADERS_BYTES_MAX: Final = 2_048
"""What our headers add to a dead letter."""
TRIED_BYTES_MAX: Final = 16 * 1024 * 1024
STAMPED: Final = "LogAppendTime"

Settings = dict[str, str]


async def check_kafka(
    connection: KafkaConnection, topic: str, group: str, now_us: int
) -> tuple[ClusterFacts, list[Finding]]:
    """Looks at everything. Raises BrokerUnreachable or BrokerRefused where there is nobody to ask."""
    facts = await ask_cluster(connection)
    letters = dead_letters_topic(topic)
    findings = [Finding("brokers", True, f"{connection.bootstrap_servers} answer for cluster {facts.cluster_id}")]
    servers = connection.bootstrap_servers
    findings.append(_exists(facts, topic, create_command(servers, topic)))
    findings.append(_exists(facts, letters, create_letters_command(servers, topic)))
    settings = await _settings(connection, [name for name in (topic, letters) if name in facts.topics])
    if topic in facts.topics:
        findings.append(_stamp(connection, topic, settings.get(topic)))
        findings += await _try_reading(connection, topic, group, facts.topics[topic], now_us)
    if letters in facts.topics:
        if topic in facts.topics:
            findings.append(_sizes(connection, letters, settings.get(topic), settings.get(letters)))
        findings.append(await _try_writing(connection, letters, settings.get(letters)))
    return facts, findings


def _exists(facts: ClusterFacts, topic: str, mend: str) -> Finding:
    found = facts.topics.get(topic)
    if found is None:
        return Finding("topic", False, f"{topic} is not there, or we may not see it", mend)
    return Finding("topic", True, f"{topic} has {found} partition{'s' if found != 1 else ''}")


def _stamp(connection: KafkaConnection, topic: str, settings: Settings | None) -> Finding:
    if settings is None:
        return Finding("append time", False, f"the settings of {topic} cannot be read", _grant(connection, topic))
    found = settings.get("message.timestamp.type", "unknown")
    detail = f"{topic} has message.timestamp.type={found}"
    if found != STAMPED:
        detail += "; the collector's reading time stands in for the broker's clock"
    return Finding(
        "append time", found == STAMPED, detail, _set(connection, topic, f"message.timestamp.type={STAMPED}")
    )


def _sizes(connection: KafkaConnection, letters: str, read: Settings | None, written: Settings | None) -> Finding:
    if read is None or written is None:
        return Finding(
            "largest record", False, "the settings of the topics cannot be read", _grant(connection, letters)
        )
    most, takes = (int(settings.get("max.message.bytes", 0)) for settings in (read, written))
    needed = most + HEADERS_BYTES_MAX
    detail = f"{letters} takes {takes} bytes; {needed} are needed, since records of {most} may be refused"
    return Finding("largest record", takes >= needed, detail, _set(connection, letters, f"max.message.bytes={needed}"))


async def _settings(connection: KafkaConnection, topics: list[str]) -> dict[str, Settings]:
    """The settings of those topics whose settings we may read."""
    found: dict[str, Settings] = {}
    if not topics:
        return found
    async with admin(connection) as client:
        asked = [ConfigResource(ConfigResourceType.TOPIC, topic) for topic in topics]
        for answer in await client.describe_configs(asked):
            for resource in answer.to_object()["resources"]:
                if not resource["error_code"]:
                    entries = resource["config_entries"]
                    found[resource["resource_name"]] = {one["config_names"]: one["config_value"] for one in entries}
    return found


async def _try_reading(
    connection: KafkaConnection, topic: str, group: str, partitions: int, now_us: int
) -> list[Finding]:
    """Reads the newest record of each partition, outside the group: nobody's partitions are taken away."""
    client = AIOKafkaConsumer(group_id=group, enable_auto_commit=False, **connection.options())
    wanted = [TopicPartition(topic, partition) for partition in range(partitions)]
    client.assign(wanted)
    try:
        async with asyncio.timeout(2 * ANSWER_TIMEOUT_S):
            await client.start()
            ends = await client.end_offsets(wanted)
            newest = await _newest(client, ends)
            committed = await client.committed(wanted[0])
    except REFUSALS as error:
        return [Finding("reading", False, _said(error), _grant(connection, topic, group))]
    except (KafkaError, TimeoutError) as error:
        return [Finding("reading", False, _said(error) or "no answer in time", "look at the brokers' logs")]
    finally:
        await close_consumer(client)
    stored = "" if committed is None else f"; the group has committed {committed} of partition 0"
    return [
        Finding("reading", True, f"{topic} can be read by the group {group}{stored}"),
        *_clock(newest, now_us),
    ]


async def _newest(client: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> int | None:
    """The newest record's time in µs; None where there is no record to be had."""
    filled = [where for where, end in ends.items() if end > 0]
    for where in filled:
        client.seek(where, ends[where] - 1)
    if not filled:
        return None
    found = await client.getmany(*filled, timeout_ms=2_000, max_records=len(filled))
    return max((raw.timestamp * 1000 for raws in found.values() for raw in raws), default=None)


def _clock(newest_us: int | None, now_us: int) -> list[Finding]:
    """A record from the future says that the broker's clock is ahead; one from the past says nothing."""
    if newest_us is None:
        return []
    ahead_us = newest_us - now_us
    if ahead_us > SKEW_MAX_US:
        detail = f"the newest record came {ahead_us / 1_000_000:.1f} s in this machine's future"
        return [Finding("broker clock", False, detail, "run chrony or another NTP client on both")]
    return [Finding("broker clock", True, f"the newest record came {max(0, -ahead_us) // 1_000_000} s ago")]


async def _try_writing(connection: KafkaConnection, letters: str, settings: Settings | None) -> Finding:
    size = int((settings or {}).get("max.message.bytes", 1024 * 1024)) + 1
    if size > TRIED_BYTES_MAX:
        return Finding("dead letters", True, f"not tried: {letters} takes records of {size - 1} bytes")
    producer = AIOKafkaProducer(
        enable_idempotence=True, acks="all", max_request_size=2 * TRIED_BYTES_MAX, **connection.options()
    )
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            await producer.start()
            await producer.send_and_wait(letters, value=b"\0" * size)
    except MessageSizeTooLargeError:
        return Finding("dead letters", True, f"{letters} can be written")
    except (KafkaError, TimeoutError) as error:
        return Finding("dead letters", False, _said(error) or "no answer in time", _grant_writing(connection, letters))
    finally:
        await abandon_producer(producer)
    return Finding("dead letters", True, f"{letters} can be written, and took a record of {size} zero bytes")


def _said(error: BaseException) -> str:
    return str(error) or ("" if isinstance(error, TimeoutError) else type(error).__name__)


def _set(connection: KafkaConnection, topic: str, setting: str) -> str:
    return (
        f"kafka-configs --bootstrap-server {connection.bootstrap_servers} --alter --entity-type topics "
        f"--entity-name {topic} --add-config {setting}"
    )


def _acl(connection: KafkaConnection, what: str) -> str:
    who = f"User:{connection.username or 'ANONYMOUS'}"
    return f"kafka-acls --bootstrap-server {connection.bootstrap_servers} --add --allow-principal {who} {what}"


def _grant(connection: KafkaConnection, topic: str, group: str | None = None) -> str:
    command = _acl(connection, f"--operation Read --operation Describe --operation DescribeConfigs --topic {topic}")
    return command if group is None else f"{command} && {_acl(connection, f'--operation Read --group {group}')}"


def _grant_writing(connection: KafkaConnection, topic: str) -> str:
    return _acl(connection, f"--operation Write --operation Describe --operation DescribeConfigs --topic {topic}")
