"""What guards a service without keys: it answers this machine alone, and no page of somebody else's in its browser."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Final, Protocol, cast

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from evaluator.service.problems import Problem, problem_response
from evaluator.service.tenants.tenancy import Tenancy

__all__ = ["OwnPages", "is_loopback"]


_OPEN: Final = ("/healthz",)  # tells nothing, and must answer when nothing else does: it waits for no database


class _Serving(Protocol):
    tenancy: Tenancy


class OwnPages:
    """Refuses, as long as there is no key, what another site's page asks for through this machine's browser.

    A name that such a site made to point at this machine is refused by its name; a form that it sends, by what the
    browser tells of it.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Stand before an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http" and scope["path"] not in _OPEN and _foreign(scope) and await _keyless(scope):
            problem = Problem(
                403,
                "foreign_page",
                "Without a key the service answers this machine's own pages and programs alone",
                remedy="make a key with `evaluator keys create`, and send it",
            )
            await problem_response(problem, None)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def is_loopback(host: str) -> bool:
    """Return whether an address is one of this machine's own, that no other can reach."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _foreign(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    host, _, port = headers.get("host", "").rpartition(":")
    name = host if port.isdigit() and host else headers.get("host", "")
    if not is_loopback(name):
        return True
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is None:  # no browser, or one so old that it tells no more than the origin of what it sends
        return origin is not None and origin.partition("://")[2] != headers.get("host")
    followed = scope["method"] == "GET" and headers.get("sec-fetch-mode") == "navigate"
    return not followed and site not in ("none", "same-origin")


async def _keyless(scope: Scope) -> bool:
    service = cast("_Serving", Request(scope).app.state.service)
    return not await asyncio.to_thread(service.tenancy.keys.any)
