"""One address, served from a thread of its own."""

import asyncio
import socket

import httpx
import pytest
from fastapi import FastAPI

from collector.api.server import Server
from collector.errors import AddressTaken

APP = FastAPI()


@APP.get("/")
def _answer() -> str:
    return "here"


async def test_it_answers_as_soon_as_it_says_so_and_stops_when_told() -> None:
    server = Server(APP, "127.0.0.1", 0)
    serving = asyncio.create_task(server.serve())
    await server.is_serving()
    async with httpx.AsyncClient() as client:
        answer = await client.get(server.url)
    assert (answer.json(), "server" in answer.headers) == ("here", False)
    server.stop()
    server.stop()
    await serving
    server.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1])))


async def test_what_is_small_is_sent_at_once() -> None:
    server = Server(APP, "127.0.0.1", 0)
    serving = asyncio.create_task(server.serve())
    await server.is_serving()
    async with httpx.AsyncClient() as client:
        await client.get(server.url)
        protocols = [*server._server.server_state.connections]
        taken = [one.transport.get_extra_info("socket") for one in protocols]
        assert [one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for one in taken] == [1]
    server.stop()
    await serving
    server.close()


async def test_an_address_where_somebody_listens_is_refused() -> None:
    server = Server(APP, "127.0.0.1", 0)
    port = int(server.url.rsplit(":", 1)[1])
    with pytest.raises(AddressTaken) as caught:
        Server(APP, "127.0.0.1", port)
    server.close()
    assert (caught.value.host, caught.value.port) == ("127.0.0.1", port)


async def test_a_server_that_was_told_to_stop_before_it_served_ends_at_once() -> None:
    server = Server(APP, "127.0.0.1", 0)
    server.stop()
    await server.serve()
    server.close()
    assert server.url.startswith("http://127.0.0.1:")


def test_an_address_of_version_6_is_a_url() -> None:
    server = Server(APP, "::1", 0)
    assert server.url.startswith("http://[::1]:")
    server.close()
