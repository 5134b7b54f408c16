"""What is asked of Kafka before anything is read."""

from pathlib import Path

import pytest

from collector.errors import BrokerRefused, BrokerUnreachable, ConfigError, TopicMissing
from collector.ingest.connection import (
    ClusterFacts,
    KafkaConnection,
    ask_cluster,
    create_command,
    create_letters_command,
    require_topics,
    wait_for_cluster,
)
from tests.servers.kafka import Kafka
from tests.servers.processes import free_port

SASL = KafkaConnection("kafka:9092", "SASL_PLAINTEXT", "PLAIN", "collector", "geheim")


async def test_a_cluster_says_its_id_and_its_topics(kafka: Kafka, topic: str) -> None:
    facts = await ask_cluster(KafkaConnection(kafka.bootstrap))
    assert facts.cluster_id
    assert facts.topics[topic] == 1


async def test_asking_makes_no_topic(kafka: Kafka, group: str) -> None:
    await ask_cluster(KafkaConnection(kafka.bootstrap))
    assert group not in (await ask_cluster(KafkaConnection(kafka.bootstrap))).topics


async def test_nobody_there_is_unreachable_and_says_what_the_client_saw() -> None:
    servers = f"127.0.0.1:{free_port()}"
    with pytest.raises(BrokerUnreachable, match="Connect call failed") as caught:
        await wait_for_cluster(KafkaConnection(servers), within_s=0.5)
    assert caught.value.bootstrap_servers == servers


async def test_a_broker_that_wants_no_login_refuses_one(kafka: Kafka) -> None:
    with pytest.raises(BrokerRefused) as caught:
        await ask_cluster(KafkaConnection(kafka.bootstrap, "SASL_PLAINTEXT", "PLAIN", "collector", "geheim"))
    assert "geheim" not in str(caught.value)


def test_a_topic_that_is_missing_is_named_with_the_command_that_makes_it() -> None:
    connection = KafkaConnection("kafka:9092")
    with pytest.raises(TopicMissing) as caught:
        require_topics(connection, ClusterFacts("c", {"t": 12}), "t")
    assert (caught.value.topic, caught.value.mend) == ("t.dead-letters", create_letters_command("kafka:9092", "t"))
    with pytest.raises(TopicMissing) as caught:
        require_topics(connection, ClusterFacts("c", {}), "t")
    assert caught.value.mend == create_command("kafka:9092", "t")
    require_topics(connection, ClusterFacts("c", {"t": 12, "t.dead-letters": 1}), "t")


def test_the_password_is_in_no_repr() -> None:
    assert "geheim" not in repr(SASL)
    assert SASL.options() == {
        "bootstrap_servers": "kafka:9092",
        "client_id": "roomwatch",
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": "collector",
        "sasl_plain_password": "geheim",
    }


def test_certificates_that_are_none_are_a_bad_setting(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")
    with pytest.raises(ConfigError, match="kafka_ca_file"):
        KafkaConnection("kafka:9092", "SSL", ca_file=file).options()
    assert "ssl_context" in KafkaConnection("kafka:9092", "SSL").options()
