"""A real rtc.Room of the package livekit, and its own event queue to tell it what its native half would.

No server is there: the room is brought to where `Room.connect()` leaves it, with its own listener running. From then on
it hears real protobuf events through the queue that the native library writes to.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from livekit import rtc
from livekit.rtc._ffi_client import FfiClient, FfiHandle
from livekit.rtc._proto.ffi_pb2 import FfiEvent
from livekit.rtc._proto.participant_pb2 import OwnedParticipant
from livekit.rtc._proto.room_pb2 import RoomEOS, RoomEvent
from livekit.rtc.participant import LocalParticipant

from tests.waiting import eventually

NO_HANDLE = 0
"""What the native half would own: the library drops no handle of this number."""


def somebody(sid: str, identity: str) -> OwnedParticipant:
    told = OwnedParticipant()
    told.info.sid, told.info.identity = sid, identity
    return told


class LiveKitRoom:
    """The room, and what its native half says to it."""

    def __init__(self) -> None:
        self.room = rtc.Room()
        self._heard = 0
        self._said = 0

    async def connect(self, *others: OwnedParticipant, sid: str = "RM_1") -> None:
        """Does what Room.connect() does with the server's answer."""
        room = self.room
        room._ffi_queue = FfiClient.instance.queue.subscribe(asyncio.get_running_loop())
        room._ffi_handle = FfiHandle(NO_HANDLE)
        room._info.name = "standup"
        room._resolve_first_sid(sid)
        room._connection_state = rtc.ConnectionState.CONN_CONNECTED
        room._local_participant = LocalParticipant(room._room_queue, somebody("PA_ada", "ada"))
        for other in others:
            room._create_remote_participant(other)
        room._task = asyncio.get_running_loop().create_task(room._listen_task())
        await self.say(connection_state_changed={"state": rtc.ConnectionState.CONN_CONNECTED})

    async def say(self, **message: Any) -> None:
        """Has the room hear this event, and everybody who listens to it."""
        told = FfiEvent(room_event=RoomEvent(room_handle=NO_HANDLE, **message))
        done = self.room._room_queue.subscribe()
        FfiClient.instance.queue.put(told)
        try:
            await asyncio.wait_for(done.get(), 10)
            done.task_done()
        finally:
            self.room._room_queue.unsubscribe(done)

    async def reconnecting(self) -> None:
        await self.say(connection_state_changed={"state": rtc.ConnectionState.CONN_RECONNECTING})
        await self.say(reconnecting={})

    async def reconnected(self) -> None:
        await self.say(connection_state_changed={"state": rtc.ConnectionState.CONN_CONNECTED})
        await self.say(reconnected={})

    async def disconnected(self, reason: int) -> None:
        await self.say(connection_state_changed={"state": rtc.ConnectionState.CONN_DISCONNECTED})
        await self.say(disconnected={"reason": reason})

    async def close(self) -> None:
        if hasattr(self.room, "_task"):
            FfiClient.instance.queue.put(FfiEvent(room_event=RoomEvent(room_handle=NO_HANDLE, eos=RoomEOS())))
            await eventually(self.room._task.done)
            FfiClient.instance.queue.unsubscribe(self.room._ffi_queue)


@asynccontextmanager
async def livekit_room() -> AsyncIterator[LiveKitRoom]:
    room = LiveKitRoom()
    try:
        yield room
    finally:
        await room.close()
