"""The real Kafka of the tests."""

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from tests.servers.kafka import Kafka


def _topics(kafka: Kafka) -> dict[str, int]:
    listed = AdminClient({"bootstrap.servers": kafka.bootstrap}).list_topics(timeout=5).topics
    return {name: len(topic.partitions) for name, topic in listed.items()}


@pytest.mark.parametrize(("log_append_time", "stamped"), [(True, "LogAppendTime"), (False, "CreateTime")])
def test_a_topic_is_stamped_as_asked(kafka: Kafka, group: str, *, log_append_time: bool, stamped: str) -> None:
    kafka.create_topic(group, 3, log_append_time=log_append_time)
    asked = ConfigResource(ResourceType.TOPIC, group)
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    settings = admin.describe_configs([asked])[asked].result(5)
    assert (_topics(kafka)[group], settings["message.timestamp.type"].value) == (3, stamped)


def test_a_topic_can_be_made_only_once(kafka: Kafka, topic: str) -> None:
    with pytest.raises(KafkaException, match="already exists"):
        kafka.create_topic(topic)


def test_a_deleted_topic_is_gone(kafka: Kafka, topic: str) -> None:
    kafka.delete_topic(topic)
    assert topic not in _topics(kafka)


def test_topics_and_address_live_through_a_kill() -> None:
    with Kafka() as node:
        node.create_topic("kept", 2)
        before = node.bootstrap
        node.kill()
        assert not node.is_running
        node.start()
        assert (node.bootstrap, _topics(node)["kept"]) == (before, 2)
