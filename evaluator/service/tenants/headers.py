"""What is left of a tenant's requests, on every answer.

An ASGI middleware, since a header that a dependency sets is lost where a route returns a response of its own, or fails.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["LimitHeaders"]


class LimitHeaders:
    """Adds the fields that the door left in ``request.state.limit_headers``, unless the answer has them already."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand around an app."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})

        async def send_with_limits(message: Message) -> None:
            left: Mapping[str, str] = state.get("limit_headers", {})
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in left.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_limits)
