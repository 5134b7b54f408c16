"""A Kafka broker inside this process: the mock cluster that librdkafka brings, so that the demo needs Python alone.

It is a real Kafka protocol server on 127.0.0.1, meant for tests of clients. librdkafka is taken from inside the
confluent-kafka wheel, whose Python API hides the mock's functions; ctypes calls them. It is no broker to keep data in.
What it cannot do:

- It keeps 5 MiB or 100 000 records of each partition, whichever is less, in memory, and drops older ones unread.
- Records carry the producer's time (CreateTime), whatever the topic was asked to do; a topic has no settings.
- A group has one member: it answers SyncGroup before every member has joined, which aiokafka takes as fatal.
  A member that comes when another has just left waits for its own `session_timeout_ms` less a second.
- `offsets_for_times` and the admin's questions about groups get no answer; nothing is compacted.
"""

import ctypes
import importlib
import importlib.util
from collections.abc import Mapping
from ctypes import POINTER, c_char_p, c_int, c_int16, c_int32, c_size_t, c_void_p
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from collector.errors import EmbeddedBrokerError, ExtraMissing

_BROKERS: Final = 1
_BROKER_ID: Final = 1
_ERROR_TEXT_BYTES: Final = 512
_PRODUCER: Final = 0  # rd_kafka_type_t RD_KAFKA_PRODUCER: the mock lives inside a client handle, of any type
_CONF_OK: Final = 0
_NO_ERROR: Final = 0
# Where wheels for Linux and for macOS keep the libraries they bring, seen from the package's folder.
_LIBRARY_PATTERNS: Final = ("../confluent_kafka.libs/librdkafka*.so*", ".dylibs/librdkafka*.dylib")

# Each C function that is called: what it returns and what it takes, as in rdkafka.h and rdkafka_mock.h.
_SIGNATURES: Final[Mapping[str, tuple[Any, tuple[Any, ...]]]] = {
    "rd_kafka_conf_new": (c_void_p, ()),
    "rd_kafka_conf_set": (c_int, (c_void_p, c_char_p, c_char_p, c_char_p, c_size_t)),
    "rd_kafka_conf_destroy": (None, (c_void_p,)),
    "rd_kafka_new": (c_void_p, (c_int, c_void_p, c_char_p, c_size_t)),
    "rd_kafka_destroy": (None, (c_void_p,)),
    "rd_kafka_err2str": (c_char_p, (c_int,)),
    "rd_kafka_mock_cluster_new": (c_void_p, (c_void_p, c_int)),
    "rd_kafka_mock_cluster_destroy": (None, (c_void_p,)),
    "rd_kafka_mock_cluster_bootstraps": (c_char_p, (c_void_p,)),
    "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, (c_void_p, c_int32)),
    "rd_kafka_mock_topic_create": (c_int, (c_void_p, c_char_p, c_int, c_int)),
    "rd_kafka_mock_broker_set_down": (c_int, (c_void_p, c_int32)),
    "rd_kafka_mock_broker_set_up": (c_int, (c_void_p, c_int32)),
    "rd_kafka_mock_broker_set_rtt": (c_int, (c_void_p, c_int32, c_int)),
    "rd_kafka_mock_push_request_errors_array": (None, (c_void_p, c_int16, c_size_t, POINTER(c_int))),
}


class EmbeddedBroker:
    """One broker on a free port of 127.0.0.1, from `start` to `stop` or as a context manager.

    Not for several threads at once; the broker itself runs on a thread of librdkafka. Each method raises
    `EmbeddedBrokerError` when the broker does not run or refuses.
    """

    def __init__(self, *, group_wait_ms: int = 100) -> None:
        """`group_wait_ms`: how long a new consumer group waits for more members (3 000 in a real broker)."""
        self._group_wait_ms = group_wait_ms
        self._library: Any = None
        self._client: int | None = None
        self._cluster: int | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def bootstrap_servers(self) -> str:
        """Host and port for clients; the same for as long as the broker runs, also while it is taken down."""
        address: bytes = self._ask("rd_kafka_mock_cluster_bootstraps")
        return address.decode()

    def start(self) -> None:
        """Starts the broker with nothing in it; does nothing when it runs."""
        if self._cluster is not None:
            return
        self._library = _load_library()
        self._client = self._new_client()
        self._cluster = self._library.rd_kafka_mock_cluster_new(self._client, _BROKERS)
        if self._cluster is None:
            self.stop()
            raise EmbeddedBrokerError("librdkafka could not start its mock cluster; is 127.0.0.1 usable here?")
        self._ask("rd_kafka_mock_group_initial_rebalance_delay_ms", self._group_wait_ms)

    def stop(self) -> None:
        """Stops the broker and forgets all its records; does nothing when it does not run."""
        if self._cluster is not None:
            self._library.rd_kafka_mock_cluster_destroy(self._cluster)
            self._cluster = None
        if self._client is not None:
            self._library.rd_kafka_destroy(self._client)
            self._client = None

    def create_topic(self, name: str, partitions: int) -> None:
        """Makes a topic. One that a client asks for before comes into being by itself, with 4 partitions."""
        wish = f"make topic {name!r} with {partitions} partitions"
        self._order(wish, "rd_kafka_mock_topic_create", name.encode(), partitions, _BROKERS)

    def take_down(self) -> None:
        """Cuts every connection and refuses new ones, until `bring_up`. The records stay."""
        self._order("take the broker down", "rd_kafka_mock_broker_set_down", _BROKER_ID)

    def bring_up(self) -> None:
        """Takes connections again, at the same address."""
        self._order("bring the broker up", "rd_kafka_mock_broker_set_up", _BROKER_ID)

    def round_trip(self, ms: int) -> None:
        """Answers each request so many milliseconds later; 0 for at once."""
        self._order(f"set a round trip of {ms} ms", "rd_kafka_mock_broker_set_rtt", _BROKER_ID, ms)

    def fail_next(self, api_key: int, *error_codes: int) -> None:
        """Answers the next requests of one kind with these errors, one each, in order.

        Both are the numbers of the Kafka protocol: `api_key` 0 is Produce, 1 Fetch, 8 OffsetCommit; code 7 is
        REQUEST_TIMED_OUT, 27 REBALANCE_IN_PROGRESS, 0 an answer without error.
        """
        codes = (c_int * len(error_codes))(*error_codes)
        self._ask("rd_kafka_mock_push_request_errors_array", api_key, len(codes), codes)

    def _order(self, wish: str, function: str, *arguments: object) -> None:
        error: int = self._ask(function, *arguments)
        if error != _NO_ERROR:
            reason: bytes = self._library.rd_kafka_err2str(error)
            raise EmbeddedBrokerError(f"the embedded broker cannot {wish}: {reason.decode()}")

    def _ask(self, function: str, *arguments: object) -> Any:
        if self._cluster is None:
            raise EmbeddedBrokerError("the embedded broker does not run; start it first")
        return getattr(self._library, function)(self._cluster, *arguments)

    def _new_client(self) -> int:
        reason = ctypes.create_string_buffer(_ERROR_TEXT_BYTES)
        conf = self._library.rd_kafka_conf_new()
        # The handle talks to nobody; what it would log on standard error (the mock's start) is no news to anyone.
        if self._library.rd_kafka_conf_set(conf, b"log_level", b"0", reason, _ERROR_TEXT_BYTES) != _CONF_OK:
            self._library.rd_kafka_conf_destroy(conf)
            raise EmbeddedBrokerError(f"librdkafka refuses its settings: {reason.value.decode()}")
        client: int | None = self._library.rd_kafka_new(_PRODUCER, conf, reason, _ERROR_TEXT_BYTES)
        if client is None:
            self._library.rd_kafka_conf_destroy(conf)
            raise EmbeddedBrokerError(f"librdkafka could not start: {reason.value.decode()}")
        return client


def _load_library() -> Any:
    path = find_library()
    try:
        # The package first: it loads the libraries that librdkafka needs from the same wheel.
        importlib.import_module("confluent_kafka")
        library = ctypes.CDLL(str(path))
        for name, (returned, taken) in _SIGNATURES.items():
            function = getattr(library, name)
            function.restype = returned
            function.argtypes = taken
    except (ImportError, OSError, AttributeError) as error:
        raise EmbeddedBrokerError(
            f"librdkafka in {path} cannot be used ({error}); run: pip install --force-reinstall confluent-kafka"
        ) from error
    return library


def find_library() -> Path:
    """The librdkafka in the installed confluent-kafka wheel; `ExtraMissing` or `EmbeddedBrokerError` without one."""
    package = importlib.util.find_spec("confluent_kafka")
    if package is None or package.origin is None:
        raise ExtraMissing("demo", "demo", "confluent-kafka")
    return find_library_in(Path(package.origin).parent)


def find_library_in(package: Path) -> Path:
    """The librdkafka that belongs to the confluent_kafka package in this folder."""
    for pattern in _LIBRARY_PATTERNS:
        for found in sorted(package.glob(pattern)):
            return found.resolve()
    raise EmbeddedBrokerError(
        f"confluent-kafka in {package} brings no librdkafka of its own: it was built on this machine, or is for a"
        " platform without one. The embedded broker needs its wheel for Linux or macOS; run:"
        " pip install --force-reinstall --only-binary confluent-kafka confluent-kafka"
    )
