"""Sends calls from an event loop, again where that is safe and may help."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

from evaluator.client.call import Call, keyed, request_of, result_of
from evaluator.client.patience import Patience, async_retrying, pauses
from evaluator.client.problems import NotSettled, ServiceProblem, ServiceUnreachable, problem_in
from evaluator.client.resources.shared import Page
from evaluator.client.sending import client_options, found_gone, unreachable

if TYPE_CHECKING:
    import httpx2

__all__ = ["AsyncConnection"]

_Result = TypeVar("_Result")


class AsyncConnection:
    """A way to one service, with the caller's key. For one event loop."""

    def __init__(
        self,
        base_url: str,
        key: str | None,
        patience: Patience,
        timeout_s: float,
        transport: httpx2.AsyncBaseTransport | None,
    ) -> None:
        """Open nothing yet."""
        import httpx2  # noqa: PLC0415 - 0.2 s that only those who ask a service pay

        self._patience = patience
        self._http = httpx2.AsyncClient(**client_options(base_url, key, timeout_s), transport=transport)

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def send(self, call: Call[_Result]) -> _Result:
        """Send a call until it is answered, within the patience.

        Raises:
            ServiceError: As `evaluator.client.problems` tells.
        """
        call, lost = keyed(call), False

        async def once() -> _Result:
            nonlocal lost
            try:
                response = await self._once(call)
                return result_of(call, response.status_code, response.headers, response.content)
            except ServiceUnreachable:
                lost = True
                raise
            except ServiceProblem as problem:
                if lost and found_gone(call.method, problem):
                    return call.read(b"")
                raise

        return await async_retrying(self._patience)(once)

    async def pages(self, page: Callable[[str | None], Call[Page[_Result]]]) -> AsyncGenerator[_Result]:
        """Yield what all pages of a list hold."""
        cursor: str | None = None
        while True:
            found = await self.send(page(cursor))
            for thing in found.data:
                yield thing
            if found.next_cursor is None:
                return
            cursor = found.next_cursor

    async def lines(self, call: Call[bytes]) -> AsyncGenerator[bytes]:
        """Yield the lines of an answer as they come, empty ones left out."""
        async with self._stream(call) as response:
            rest = b""
            with unreachable():
                async for chunk in response.aiter_bytes():
                    *whole, rest = (rest + chunk).split(b"\n")
                    for line in filter(None, whole):
                        yield line
        if rest:
            yield rest

    async def events(self, call: Call[_Result]) -> AsyncGenerator[tuple[str, _Result]]:
        """Yield events by name until one is called ``done``; a stream that breaks off is taken up again."""
        import httpx2  # noqa: PLC0415 - as above

        while True:
            async with self._stream(call) as response:
                try:
                    async for event in httpx2.EventSource(response):
                        yield event.event, call.read(event.data.encode())
                        if event.event == "done":
                            return
                except httpx2.TransportError:
                    pass  # whether the service is there is seen when the stream is asked for again
            await asyncio.sleep(self._patience.first_wait_s)

    async def settled(
        self, look: Callable[[], Awaitable[_Result]], done: Callable[[_Result], bool], timeout_s: float
    ) -> _Result:
        """Look again and again until something is done.

        Raises:
            NotSettled: It isn't, within the time.
        """
        ends_s = time.monotonic() + timeout_s
        for pause_s in pauses():
            found = await look()
            if done(found):
                return found
            if time.monotonic() + pause_s > ends_s:
                break
            await asyncio.sleep(pause_s)
        raise NotSettled(f"it isn't done after {timeout_s:g} s", remedy="wait for it again; it goes on")

    async def _once(self, call: Call[_Result]) -> httpx2.Response:
        with unreachable():
            return await self._http.send(request_of(self._http, call))

    @asynccontextmanager
    async def _stream(self, call: Call[_Result]) -> AsyncGenerator[httpx2.Response]:
        async def opened() -> httpx2.Response:
            with unreachable():
                response = await self._http.send(request_of(self._http, call), stream=True)
                if response.is_success:
                    return response
                try:
                    raise problem_in(response.status_code, response.headers, await response.aread())
                finally:
                    await response.aclose()

        response: httpx2.Response = await async_retrying(self._patience)(opened)
        try:
            yield response
        finally:
            await response.aclose()
