"""The embedded broker by itself; what Kafka clients may expect of it lies in the contract suite."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from collector.demo.broker import EmbeddedBroker, find_library, find_library_in
from collector.errors import EmbeddedBrokerError


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as running:
        yield running


def _partitions(broker: EmbeddedBroker, within_s: float = 5.0) -> dict[str, int]:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers, "log_level": 0})
    return {name: len(topic.partitions) for name, topic in admin.list_topics(timeout=within_s).topics.items()}


def _accepts_connections(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def test_it_listens_on_the_loopback_address_only(broker: EmbeddedBroker) -> None:
    assert {address.rpartition(":")[0] for address in broker.bootstrap_servers.split(",")} == {"127.0.0.1"}


def test_two_brokers_live_side_by_side(broker: EmbeddedBroker) -> None:
    with EmbeddedBroker() as other:
        other.create_topic("events", 2)
        assert other.bootstrap_servers != broker.bootstrap_servers
        assert (_partitions(broker), _partitions(other)) == ({}, {"events": 2})


def test_a_topic_has_the_partitions_that_were_asked_for(broker: EmbeddedBroker) -> None:
    broker.create_topic("events", 12)
    broker.create_topic("dead-letters", 1)
    assert _partitions(broker) == {"events": 12, "dead-letters": 1}


def test_a_topic_can_be_made_only_once(broker: EmbeddedBroker) -> None:
    broker.create_topic("events", 1)
    with pytest.raises(EmbeddedBrokerError, match=r"cannot make topic 'events' with 1 partitions: .*already exists"):
        broker.create_topic("events", 1)


def test_a_broker_that_is_down_answers_nobody_and_keeps_its_address_and_topics(broker: EmbeddedBroker) -> None:
    broker.create_topic("events", 3)
    address = broker.bootstrap_servers
    broker.take_down()
    with pytest.raises(KafkaException):
        _partitions(broker, within_s=0.3)
    broker.bring_up()
    assert (broker.bootstrap_servers, _partitions(broker)) == (address, {"events": 3})


def test_a_long_round_trip_makes_every_answer_late_until_it_is_taken_back(broker: EmbeddedBroker) -> None:
    broker.round_trip(60_000)
    with pytest.raises(KafkaException):
        _partitions(broker, within_s=0.3)
    broker.round_trip(0)
    assert _partitions(broker) == {}


def test_after_stop_nothing_listens_any_more_and_a_new_start_begins_empty(broker: EmbeddedBroker) -> None:
    broker.create_topic("events", 1)
    address = broker.bootstrap_servers
    broker.stop()
    assert not _accepts_connections(address)
    broker.start()
    assert _partitions(broker) == {}


def test_start_and_stop_may_be_repeated(broker: EmbeddedBroker) -> None:
    address = broker.bootstrap_servers
    broker.start()
    assert broker.bootstrap_servers == address
    broker.stop()
    broker.stop()


def test_a_broker_that_does_not_run_says_so() -> None:
    broker = EmbeddedBroker()
    for ask in (lambda: broker.bootstrap_servers, broker.take_down, broker.bring_up, lambda: broker.fail_next(0, 7)):
        with pytest.raises(EmbeddedBrokerError, match="does not run; start it first"):
            ask()


@pytest.mark.parametrize(
    "library", ["confluent_kafka.libs/librdkafka-0cb94173.so.1", "confluent_kafka/.dylibs/librdkafka.1.dylib"]
)
def test_the_library_is_found_where_the_wheels_of_linux_and_macos_keep_it(tmp_path: Path, library: str) -> None:
    package = tmp_path / "confluent_kafka"
    file = tmp_path / library
    for folder in (package, file.parent):
        folder.mkdir(exist_ok=True)
    file.touch()
    assert find_library_in(package) == file


def test_the_library_of_the_installed_wheel_is_found() -> None:
    assert find_library().name.startswith("librdkafka")


def test_a_wheel_without_the_library_is_told_with_the_command_that_mends_it(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedBrokerError, match="pip install --force-reinstall --only-binary confluent-kafka"):
        find_library_in(tmp_path)
