"""A real receiver on 127.0.0.1 for tests and benchmarks: it keeps what it got and answers as it is told, or not at all.

It runs in a thread with an event loop of its own. `verified` asks the reference library about a request.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, Self

from standardwebhooks import Webhook, WebhookVerificationError

__all__ = ["Answer", "Received", "Receiver", "verified"]

Misbehaviour = Literal["drip", "endless", "hang", "nonsense", "reset", "silence"]
_TOO_LATE_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver does with a request.

    Attributes:
        status: Of its answer.
        headers: Lines of its answer beside the usual ones.
        instead: What it does instead of answering properly.
    """

    status: int = 204
    headers: tuple[str, ...] = ()
    instead: Misbehaviour | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """One request.

    Attributes:
        line: Its first line.
        headers: By lower-case name.
        body: As it came.
    """

    line: str
    headers: dict[str, str]
    body: bytes


def verified(received: Received, secret: str) -> bool:
    """Return whether the reference library takes a request to be signed with a secret."""
    try:
        Webhook(secret).verify(received.body, received.headers)
    except WebhookVerificationError:
        return False
    return True


@dataclass
class Receiver:
    """A server that begins with the block it is used in, and ends with it.

    Attributes:
        answer: Says what to do with a request, given how many came before it.
        tls: Its certificate; plain HTTP if ``None``.
        received: All requests, in their order.
    """

    answer: Callable[[int, Received], Answer] = lambda _, __: Answer()
    tls: ssl.SSLContext | None = None
    received: list[Received] = field(default_factory=list[Received])
    port: int = 0
    _names: dict[int, str] = field(default_factory=dict[int, str])

    def url(self, host: str = "127.0.0.1", path: str = "/hook") -> str:
        """Return where it listens."""
        return f"{'http' if self.tls is None else 'https'}://{host}:{self.port}{path}"

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self._thread.start()
        assert ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        self._open = set[asyncio.Task[None]]()
        server = await asyncio.start_server(self._greet, "127.0.0.1", 0, ssl=self.tls, backlog=512)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._end.wait()
        server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._talk(reader, writer)
        finally:
            self._open.discard(task)
            writer.transport.abort()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *lines = head.strip().split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        received = Received(line, headers, body)
        answer = self.answer(len(self.received), received)
        self.received.append(received)
        match answer.instead:
            case None:
                told = "".join(f"{one}\r\n" for one in answer.headers)
                writer.write(f"HTTP/1.1 {answer.status} X\r\n{told}Content-Length: 2\r\n\r\nok".encode())
                await writer.drain()
                writer.close()
                await writer.wait_closed()
            case "reset":
                raw: socket.socket = writer.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            case "silence":
                writer.transport.abort()
            case "hang":
                await asyncio.sleep(_TOO_LATE_S)
            case "nonsense":
                writer.write(b"220 mail.example.com ESMTP\r\n\r\n")
                await writer.drain()
            case "drip":
                for letter in "HTTP/1.1 200 OK\r\nX: " + "x" * 1000:
                    writer.write(letter.encode())
                    await asyncio.sleep(0.05)
            case "endless":
                writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                while True:
                    writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                    await writer.drain()
