"""What keeps slow senders from holding the service: a request's head and its body must come within their time."""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

import h11
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from evaluator.service.problems import Problem, problem_response

__all__ = ["BodyDeadline", "PromptHeads"]

_HEAD_S: Final = 10.0
_READ_S: Final = 30.0


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


class PromptHeads(H11Protocol):
    """Closes connections that take without giving: heads and unwanted bodies that don't end, answers nobody reads."""

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
        """Start the clock for the rest of the body, if the answer came before its end, and for the next head."""
        super().on_response_complete()
        if not self.transport.is_closing():
            self._wait()

    def pause_writing(self) -> None:
        """Start the clock for a client that doesn't read."""
        super().pause_writing()
        self._stuck = self.loop.call_later(_READ_S, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop it."""
        super().resume_writing()
        self._stop()

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
        self.transport.close()

    def _wait(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
        self._waiting = self.loop.call_later(_HEAD_S, self._look)

    def _look(self) -> None:
        """Close a connection that is waited for in vain."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if (cycle is None or cycle.response_complete) and not self.transport.is_closing():
            self.transport.close()

    def _stop(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None
