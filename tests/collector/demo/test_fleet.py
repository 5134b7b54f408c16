"""The live fleet and the script that breaks it, over a sink in memory."""

from __future__ import annotations

import asyncio
from random import Random

from collector.demo.broker import EmbeddedBroker
from collector.demo.embedding import EmbeddingProcess
from collector.demo.fleet import Fleet
from collector.demo.incidents import SCRIPT_S, Incidents
from session_core import wire
from session_core.publisher import MemorySink, Publisher
from tests.waiting import eventually


def types_of(sink: MemorySink) -> set[str]:
    return {wire.decode(record.value).message.type for record in sink.records}


async def test_fifty_rooms_fill_with_at_least_two_hundred_people_who_all_leave_at_the_end() -> None:
    sink = MemorySink()
    async with Publisher(sink) as publisher:
        fleet = Fleet(publisher, Random(1))
        fleet.start()
        # Somebody's network is always gone for a moment, so not all of them are there at once.
        await eventually(lambda: len(fleet.present) >= 200, within_s=20)
        assert sum(1 for _ in fleet.rooms()) == 50
        await fleet.stop()
    assert fleet.present == []
    assert {"room.connected", "participant.connected", "room.disconnected"} <= types_of(sink)


def test_the_script_is_in_order_and_fits_a_minute() -> None:
    with EmbeddedBroker() as broker:
        embedding = EmbeddingProcess(broker.bootstrap_servers, "topic", 1)
        fleet = Fleet(Publisher(MemorySink()), Random(1))
        times = [scene.at_s for scene in Incidents(fleet, broker, embedding, Random(1)).script()]
    assert times == sorted(times)
    assert times[-1] < SCRIPT_S <= 60


async def test_a_killed_process_told_of_everything_it_was_about_to_publish() -> None:
    with EmbeddedBroker() as broker:
        broker.create_topic("topic", 1)
        embedding = EmbeddingProcess(broker.bootstrap_servers, "topic", 1)
        await embedding.start()
        await eventually(lambda: embedding.told.total() > 20, within_s=20)
        await embedding.kill()
        told = embedding.told.total()
        await asyncio.sleep(0)
        assert embedding.told.total() == told
        await embedding.start()
        await eventually(lambda: embedding.told.total() > told, within_s=20)
        await embedding.stop()
