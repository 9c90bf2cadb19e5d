"""One SDK client per event loop, closed with the loop.

A client's connections belong to the loop that opened them, while a judge is shared by several: each synchronous
`evaluate` runs a loop of its own. Closing rides on what every loop runner does at its end: it closes the asynchronous
generators that were begun on it (`loop.shutdown_asyncgens`). So a client lives inside such a generator, and nobody has
to remember it. If the model is thrown away first, the interpreter hands the generator back to its loop to be closed.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Generic, Protocol, TypeVar

__all__ = ["LoopClients"]


class _Closable(Protocol):
    def close(self) -> Awaitable[None]:
        """Close the client's connections."""
        ...


_Client = TypeVar("_Client", bound=_Closable)


class LoopClients(Generic[_Client]):
    """The clients of one model, by event loop. Safe to share between threads."""

    def __init__(self, open_client: Callable[[], _Client]) -> None:
        """Hold how a client is opened; none is opened yet."""
        self._open_client = open_client
        self._open: dict[asyncio.AbstractEventLoop, tuple[_Client, AsyncGenerator[_Client, None]]] = {}
        self._lock = threading.Lock()

    async def get(self) -> _Client:
        """Return the running loop's client; opened at the first call."""
        loop = asyncio.get_running_loop()
        if found := self._open.get(loop):
            return found[0]
        keeper = _keep(self._open_client())
        client = await anext(keeper)  # runs up to the yield without giving way, so that no other task gets between
        with self._lock:
            for other in [other for other in self._open if other.is_closed()]:
                del self._open[other]
            self._open[loop] = (client, keeper)
        return client

    async def close(self) -> None:
        """Close the running loop's client now; the next call opens another."""
        with self._lock:
            found = self._open.pop(asyncio.get_running_loop(), None)
        if found:
            await found[1].aclose()


async def _keep(client: _Client) -> AsyncGenerator[_Client, None]:
    try:
        yield client
    finally:
        await client.close()
