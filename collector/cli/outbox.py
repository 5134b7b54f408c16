"""`outbox`: what a process that embeds the session core left unsent."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from collector.cli.edge import CANNOT, DONE, FOUND, Commands, positive
from collector.errors import BrokerUnreachable, ConfigError

if TYPE_CHECKING:
    from collector.ingest.connection import KafkaConnection

SECURITY: Final = """\
How Kafka is reached is told as `roomwatch run` is told it: by environment variables, stronger than the TOML file that
--config or ROOMWATCH_CONFIG names. No password is an argument, for everybody on the machine can read those.

  ROOMWATCH_KAFKA_BOOTSTRAP_SERVERS  and ROOMWATCH_KAFKA_TOPIC, if the arguments do not say them
  ROOMWATCH_KAFKA_SECURITY_PROTOCOL  PLAINTEXT (the default), SSL, SASL_PLAINTEXT or SASL_SSL
  ROOMWATCH_KAFKA_SASL_MECHANISM     PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512 (the default)
  ROOMWATCH_KAFKA_USERNAME           and ROOMWATCH_KAFKA_PASSWORD, for the SASL protocols
  ROOMWATCH_KAFKA_CA_FILE            certificates (PEM) to trust instead of the machine's, for the SSL protocols

Exit codes: 0 shown, or all was sent; 1 something was not sent and is still there; 2 cannot be done as asked.
"""


def add(commands: Commands) -> None:
    """Adds the command to the grammar."""
    outbox = commands.add_parser(
        "outbox",
        help="show what a process left unsent; send it",
        description="Shows what a process that embeds the session core left unsent, and sends it to Kafka.",
        epilog=SECURITY,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    outbox.add_argument("file", metavar="FILE", help="an outbox-….db that an embedded session core left")
    outbox.add_argument("--drain", action="store_true", help="send what is in it, and remove it")
    outbox.add_argument("--bootstrap-servers", metavar="HOST:PORT", help="the Kafka to drain it into")
    outbox.add_argument("--topic", metavar="NAME", help="default: room-session-events")
    outbox.add_argument("--within", type=positive, default=60, metavar="S", help="give up after S seconds; default 60")
    outbox.add_argument("--config", metavar="FILE", help="TOML file with settings; else ROOMWATCH_CONFIG names one")
    outbox.set_defaults(command=_outbox)


def _outbox(told: argparse.Namespace) -> int:
    from session_core.errors import SessionCoreError  # noqa: PLC0415 - see the package's docstring
    from session_core.unsent import shown  # noqa: PLC0415

    try:
        if told.drain:
            return _drain(told)
        print(shown(told.file))
    except SessionCoreError as error:
        print(f"roomwatch: {error}", file=sys.stderr)
        return CANNOT
    return DONE


def _drain(told: argparse.Namespace) -> int:
    from collector.ingest.connection import KafkaConnection  # noqa: PLC0415 - see the package's docstring
    from collector.kafka_settings import load_kafka, variable  # noqa: PLC0415
    from session_core.unsent import KafkaSecurity, KafkaSink, drain  # noqa: PLC0415

    kafka = load_kafka(told.config)
    servers = told.bootstrap_servers or kafka.kafka_bootstrap_servers
    if not servers:
        where = f"--bootstrap-servers HOST:PORT or {variable('kafka_bootstrap_servers')}"
        raise ConfigError("--drain", f"needs {where}, the Kafka to send it to")
    how = kafka.kafka_security_protocol, kafka.kafka_sasl_mechanism, kafka.kafka_username, kafka.kafka_password
    connection = KafkaConnection(
        servers, *how, ca_file=None if kafka.kafka_ca_file is None else Path(kafka.kafka_ca_file)
    )
    security = KafkaSecurity(
        protocol=kafka.kafka_security_protocol,
        mechanism=kafka.kafka_sasl_mechanism,
        username=kafka.kafka_username,
        password=kafka.kafka_password,
        ca_file=kafka.kafka_ca_file,
    )
    sink = KafkaSink(servers, told.topic or kafka.kafka_topic, security=security)
    sent, left = drain(told.file, sink, told.within, before=lambda: _require_to_be_let_in(connection))
    print(f"{sent} events sent" + (f", {left} not; they are still there" if left else "; the file is removed"))
    return FOUND if left else DONE


def _require_to_be_let_in(connection: KafkaConnection) -> None:
    """Raises BrokerError or ConfigError for what is tried in vain until the time is up. Who is away may be back."""
    import asyncio  # noqa: PLC0415 - see the package's docstring

    from collector.ingest.connection import ask_cluster  # noqa: PLC0415

    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what it says is said in one line, by whoever asked it
    try:
        asyncio.run(ask_cluster(connection))
    except BrokerUnreachable as error:
        if "certificate" in error.detail.lower():
            raise
