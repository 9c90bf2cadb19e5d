"""What keeps senders from holding the service: heads and bodies come in time and find room, answers are read."""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

import h11
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from evaluator.service.problems import Problem, problem_response

__all__ = ["BodyDeadline", "BodyRoom", "PromptHeads"]

_ALWAYS_BYTES: Final = 64 * 1024  # of a body that find room in any case: most requests are no larger
_RETRY_S: Final = 2


class BodyDeadline:
    """Refuses a request whose body hasn't come in time, with 408."""

    def __init__(self, app: ASGIApp, body_s: float) -> None:
        """Stand before an application.

        Args:
            app: The application.
            body_s: Longest time for a body.
        """
        self._app = app
        self._body_s = body_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with its body under a clock."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        ends = asyncio.get_running_loop().time() + self._body_s
        complete = False

        async def timed() -> Message:
            nonlocal complete
            if complete:
                return await receive()
            try:
                async with asyncio.timeout_at(ends):
                    message = await receive()
            except TimeoutError:
                raise Problem(
                    408,
                    "body_too_slow",
                    "The body didn't come in time",
                    remedy="send it faster, or less of it",
                    headers={"Connection": "close"},
                ) from None
            complete = message["type"] != "http.request" or not message.get("more_body", False)
            return message

        await self._app(scope, timed, send)


class BodyRoom:
    """Lets so many bytes of all requests' bodies be held at once; a large one without room is refused with 503."""

    def __init__(self, app: ASGIApp, most_bytes: int) -> None:
        """Stand before an application.

        Args:
            app: The application.
            most_bytes: Most bytes of bodies, each counted until its request is answered.
        """
        self._app = app
        self._most_bytes = most_bytes
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with its body counted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        mine = 0

        async def counted() -> Message:
            nonlocal mine
            message = await receive()
            size = len(message.get("body", b""))
            if mine + size > _ALWAYS_BYTES and self._held + size > self._most_bytes:
                raise Problem(
                    503,
                    "overloaded",
                    "The service has too much in work",
                    remedy="come again, or send less at once",
                    headers={"Retry-After": str(_RETRY_S), "Connection": "close"},
                )
            mine += size
            self._held += size
            return message

        try:
            await self._app(scope, counted, send)
        finally:
            self._held -= mine


class PromptHeads(H11Protocol):
    """Closes connections that take without giving: heads and unwanted bodies that don't end, answers nobody reads.

    Attributes:
        head_s: Longest time for a head, and for the rest of a body that was answered before its end.
        read_s: Longest time in which a client reads nothing of what was written for it.
    """

    head_s = 10.0
    read_s = 30.0

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - the server's own, passed on
        """Begin with no clock running."""
        super().__init__(*args, **options)
        self._waiting: asyncio.TimerHandle | None = None
        self._stuck: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - as the class itself narrows it
        """Start the clock for the first head."""
        super().connection_made(transport)
        self._wait()

    def on_response_complete(self) -> None:
        """Start the clocks for the rest of the body, if the answer came before its end, for the next head, for reading.

        A connection that is closed stays as long as anything that was written isn't read.
        """
        super().on_response_complete()
        self._watch()
        if not self.transport.is_closing():
            self._wait()

    def pause_writing(self) -> None:
        """Start the clock for a client that doesn't read."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """Start it anew for what is left."""
        super().resume_writing()
        self._stop()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all clocks."""
        super().connection_lost(exc)
        self._stop()
        if self._waiting is not None:
            self._waiting.cancel()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP with a problem, as everything else."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):  # an answer was begun: it can't be taken back
            self.transport.close()
            return
        response = problem_response(Problem(400, "bad_request", msg.removesuffix(".")), None)
        head = h11.Response(
            status_code=400, headers=[*response.raw_headers, (b"connection", b"close")], reason=b"Bad Request"
        )
        for event in (head, h11.Data(data=bytes(response.body)), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self._watch()
        self.transport.close()

    def _wait(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
        self._waiting = self.loop.call_later(self.head_s, self._look)

    def _look(self) -> None:
        """Close a connection that is waited for in vain."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if (cycle is None or cycle.response_complete) and not self.transport.is_closing():
            self.transport.close()

    def _watch(self) -> None:
        """Start the clock for what was written and isn't read, unless it runs."""
        unread = self.transport.get_write_buffer_size()
        if unread and self._stuck is None:
            self._stuck = self.loop.call_later(self.read_s, self._hang_up, unread)

    def _hang_up(self, before: int) -> None:
        """End a connection if there is no less to be read than before."""
        self._stuck = None
        if self.transport.get_write_buffer_size() >= before:
            self.transport.abort()
        else:
            self._watch()

    def _stop(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None
