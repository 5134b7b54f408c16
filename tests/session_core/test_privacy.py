"""What leaves, and what does not unless it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from session_core import wire
from session_core.errors import Origin, room_error
from session_core.events import Event
from session_core.identity import hashed, left_out
from session_core.outbox import Counts, Outbox
from session_core.privacy import Privacy
from session_core.publisher import MemorySink, Publisher
from session_core.signals import ServerError, SignalingLost
from tests.session_core.telling import BEGIN, event
from tests.session_core.world import World, turns

KEY = b"sixteen bytes or"
TEXT = "alice@example.org from 203.0.113.7 is not on the list"


def ended_by(code: int, text: str) -> Event:
    return replace(event("room.disconnected"), error=room_error(code, Origin.SERVER, text))


def told(outbox: Outbox, said: Event) -> wire.Data:
    outbox.put(said)
    return wire.decode(outbox.take(1, BEGIN)[0].value).message.data


def test_what_a_server_says_beside_an_unknown_code_is_left_out_and_the_code_is_told() -> None:
    assert told(Outbox(), ended_by(60001, TEXT)).error == wire.WireErrorData(
        code=60001, name="RoomError", origin=Origin.SERVER
    )


def test_what_a_server_says_beside_an_unknown_code_is_told_where_it_is_asked_for() -> None:
    assert told(Outbox(error_texts=True), ended_by(60001, TEXT)).error == wire.WireErrorData(
        code=60001, name="RoomError", message=TEXT, origin=Origin.SERVER
    )


@pytest.mark.parametrize("error_texts", [False, True])
def test_a_known_code_has_no_text_on_the_wire_whatever_the_server_said(*, error_texts: bool) -> None:
    assert told(Outbox(error_texts=error_texts), ended_by(53204, TEXT)).error == wire.WireErrorData(
        code=53204, name="ParticipantNotFoundError", origin=Origin.SERVER
    )


def test_identity_and_the_rooms_name_each_have_a_switch() -> None:
    data = told(Outbox(identity=hashed(KEY), room_name=left_out), event("room.connected"))
    assert (data.identity, data.room_name, data.room_sid) == (hashed(KEY)("alice"), None, "RM1")


def test_an_event_that_may_leave_as_it_is_is_not_made_anew() -> None:
    said = event("room.disconnected")
    assert Privacy().applied_to(said) is said


@pytest.mark.parametrize("who", [{"identity": None}, {"room_name": None}])
def test_what_is_not_known_asks_no_rule(who: dict[str, Any]) -> None:
    said = event("room.connecting")
    said = replace(said, session=replace(said.session, **who))
    name = next(iter(who))
    rules: dict[str, Any] = {name: hashed(KEY)}
    assert Privacy(**rules).applied_to(said) is said


def test_what_a_rule_makes_of_a_name_is_cut_to_what_the_wire_takes() -> None:
    longer = Privacy(identity=lambda who: who * 100 + "\n").applied_to(event("room.connecting"))
    assert longer.session.identity == ("alice" * 100)[:256]


def test_a_rule_that_raises_tells_nothing_and_disturbs_nobody() -> None:
    def broken(_: str) -> str:
        raise LookupError("no key today")

    publisher = Publisher(MemorySink(), outbox=Outbox(identity=broken))
    publisher.publish(event("room.connecting"))
    assert publisher.counts == Counts(refused=1)


async def test_nothing_that_may_name_a_person_leaves_with_a_whole_life_of_a_room() -> None:
    """What a transport and a server say in their own words, with an address, a browser and a name in it."""
    agent = "Mozilla/5.0 (X11; Linux x86_64)"
    world = World()
    world.publisher = Publisher(
        world.sink, outbox=Outbox(identity=left_out, room_name=left_out), clock=world.clock, jitter=lambda: 0
    )
    delivered: list[Callable[[Any], None]] = []
    transport = world.transport()
    join = transport.join

    def overheard(token: str, room_name: str | None, deliver: Callable[[Any], None]) -> None:
        delivered.append(deliver)
        join(token, room_name, deliver)

    transport.join = overheard  # type: ignore[method-assign]
    await world.connect(transport=transport)
    await turns()
    delivered[0](SignalingLost(f"{TEXT} {agent}"))
    delivered[0](ServerError(60001, f"{TEXT} {agent}"))
    assert await world.told() == [
        "room.connecting",
        "room.connected",
        "room.reconnecting 53001",
        "room.disconnected 60001",
    ]
    sent = b"".join(record.value for record in world.sink.records)
    for word in ("alice", "example.org", "203.0.113.7", "Mozilla", "opaque", "daily"):
        assert word.encode() not in sent
