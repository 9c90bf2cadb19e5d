"""What keeps slow senders from holding the service: a request's head and its body must come within their time."""

from __future__ import annotations

import asyncio
from typing import Final, cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from evaluator.service.problems import Problem

__all__ = ["BodyDeadline", "PromptHeads"]

_HEAD_S: Final = 10.0


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
    """Closes a connection on which no request has begun in time, and one whose next request's head doesn't end."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - as the class itself narrows it
        """Start the clock."""
        super().connection_made(transport)
        self.loop.call_later(_HEAD_S, self._look)

    def _look(self) -> None:
        """Close a connection that is waited for in vain; idle ones between requests have a shorter time anyway."""
        if cast("object", self.cycle) is None and not self.transport.is_closing():
            self.transport.close()
