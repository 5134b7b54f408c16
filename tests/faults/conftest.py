"""The servers of all rounds: a cluster of three, a database whose commits are durable, a small disk for it."""

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Final

import pytest

from tests.faults.cluster import Cluster
from tests.faults.disk import SmallDisk
from tests.faults.scene import TABLESPACE, Servers
from tests.faults.scenes import Scenes
from tests.servers.cutting_wire import CuttingWire
from tests.servers.postgresql import PostgreSQL

BROKERS: Final = 3


@pytest.fixture(scope="module")
def servers(request: pytest.FixtureRequest) -> Iterator[Servers]:
    with PostgreSQL(durable=True) as database, SmallDisk(database) as disk, Cluster(BROKERS) as cluster:
        if disk.missing_right:
            with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
                sys.stderr.write(f"\n{disk.missing_right}\n")
        database.make_tablespace(TABLESPACE, disk.folder)
        with CuttingWire(database.port) as wire:
            yield Servers(cluster, database, disk, wire)


@pytest.fixture(scope="module")
def scenes(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scenes]:
    with closing(Scenes(servers, tmp_path_factory.mktemp("collectors"))) as made:
        yield made


@pytest.fixture(scope="session")
def first_seed() -> int:
    """The seed of the first round; those that follow count on from it."""
    return int(os.environ.get("ROOMWATCH_FAULTS_SEED") or secrets.randbelow(1_000_000_000))  # noqa: TID251 - as the page says
