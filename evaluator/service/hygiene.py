"""What every answer says to browsers and caches: its type is what it says, and what is a tenant's is kept nowhere."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["PRIVATE", "SAFE", "Hygiene"]

SAFE: Final = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
PRIVATE: Final = {"Cache-Control": "no-store"}
_TENANTS: Final = "/v1/"


class Hygiene:
    """Adds these fields, unless an answer has its own."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand around an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        fields = SAFE | PRIVATE if scope["path"].startswith(_TENANTS) else SAFE

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in fields.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_safely)
