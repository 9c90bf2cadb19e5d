"""Tests of clients that take room and time: who doesn't read is hung up on, and bodies share what memory there is."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from evaluator.service.guards import PromptHeads
from tests.service.running import evaluation_body
from tests.service.serving import config_in, in_memory

pytestmark = pytest.mark.loopback

_REQUEST = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
_SMALL = 4096  # what the sockets keep for each other; kernels round it up


class _Prompt(PromptHeads):
    """The same, with little patience, that tells who is connected."""

    head_s = 0.2
    read_s = 0.3
    open: ClassVar[set[PromptHeads]]

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - as the class itself narrows it
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SMALL)
        super().connection_made(transport)
        self.open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.open.discard(self)


@asynccontextmanager
async def _served(size: int, pieces: int) -> AsyncGenerator[tuple[socket.socket, set[PromptHeads]]]:
    """Serve answers of so many pieces of a size; yield a client that asked for one, and the open connections."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(pieces):
            await send({"type": "http.response.body", "body": b"x" * size, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    class Prompt(_Prompt):
        open: ClassVar[set[PromptHeads]] = set()

    server = uvicorn.Server(
        uvicorn.Config(app, http=Prompt, lifespan="off", log_level="critical", timeout_keep_alive=1)
    )
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    listening = socket.create_server(("127.0.0.1", 0))
    await server.startup(sockets=[listening])
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL)
    client.setblocking(False)  # noqa: FBT003 - the library's own parameter
    loop = asyncio.get_running_loop()
    try:
        await loop.sock_connect(client, listening.getsockname())
        await loop.sock_sendall(client, _REQUEST)
        yield client, Prompt.open
    finally:
        client.close()
        server.force_exit = True
        await server.shutdown(sockets=[listening])


async def _ends(connections: set[PromptHeads], within_s: float = 20.0) -> None:
    """Wait until somebody was connected, and nobody is.

    Raises:
        TimeoutError: Somebody stays.
    """
    async with asyncio.timeout(within_s):
        while not connections:  # noqa: ASYNC110 - the server says nothing when it is reached
            await asyncio.sleep(0.01)
        while connections:  # noqa: ASYNC110 - nor when it is left
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(("size", "pieces"), [(65_536, 64), (40_000, 1), (200_000, 1)])
async def test_who_reads_nothing_is_hung_up_on(size: int, pieces: int) -> None:
    """However much of an answer waits: more than is kept for a client, or so little that the answer counts as sent."""
    async with _served(size, pieces) as (_, connections):
        await _ends(connections)
        assert connections == set()


async def test_who_reads_slowly_gets_all_of_it() -> None:
    """A client that goes on reading isn't hung up on, though the whole takes longer than it may pause."""
    read = 0
    async with _served(200_000, 1) as (client, _):
        loop = asyncio.get_running_loop()
        while piece := await loop.sock_recv(client, 16_384):
            read += len(piece)
            if read < 150_000:
                await asyncio.sleep(0.05)
            if read >= 200_000:
                break
    assert read >= 200_000


async def test_bodies_share_the_room_that_there_is(tmp_path: Path) -> None:
    """A large body beside another one is told to come again; a small one passes, and a large one afterwards."""
    config = replace(config_in(tmp_path), max_bodies_bytes=150_000)
    come, go = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncGenerator[bytes]:
        yield b" " * 100_000
        come.set()
        await go.wait()
        yield b"{}"

    told = {"Content-Type": "application/json"}
    large = json.dumps(evaluation_body()).encode() + b" " * 100_000
    async with in_memory(config) as (client, _):
        first = asyncio.create_task(client.post("/v1/evaluations", content=slow(), headers=told))
        await come.wait()
        refused = await client.post("/v1/evaluations", content=large, headers=told)
        small = await client.post("/v1/evaluations", json=evaluation_body())
        go.set()
        await first
        after = await client.post("/v1/evaluations", content=large, headers=told)
    assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
    assert refused.headers["Retry-After"]
    assert (small.status_code, after.status_code) == (200, 200)


@pytest.mark.parametrize("path", ["/v1/evaluations", "/v1/webhooks"])
async def test_a_body_that_is_too_slow_is_told_so(tmp_path: Path, path: str) -> None:
    """Whoever reads it, a route of ours or the framework, the answer is 408 and ends the connection."""
    never = asyncio.Event()

    async def slow() -> AsyncGenerator[bytes]:
        yield b"{"
        await never.wait()

    async with in_memory(replace(config_in(tmp_path), body_s=0.2)) as (client, _):
        answer = await client.post(path, content=slow(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (408, "body_too_slow")
    assert answer.headers["Connection"] == "close"
