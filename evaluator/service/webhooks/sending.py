"""One attempt: a signed message goes out, and what became of it comes back as an `Outcome`.

Nothing of what a receiver answers is kept but its status: a body may hold anything, and is the receiver's own.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, Protocol

import httpcore2
import httpx2

from evaluator.service.webhooks.guard import Guard, UrlRefused
from evaluator.service.webhooks.lookup import Lookup, SystemLookup
from evaluator.service.webhooks.transport import AddressRefused, PinnedTransport

__all__ = ["Failure", "Outcome", "Sender", "WebSender"]

Failure = Literal[
    "address_refused",
    "connect_failed",
    "connection_lost",
    "gone",
    "invalid_response",
    "redirect",
    "secret_unreadable",
    "status",
    "timeout",
    "tls_failed",
    "url_refused",
]
"""Why an attempt failed; ``status`` where the receiver answered with one that isn't 2xx, 3xx or 410, and
``invalid_response`` where it closed the connection without an answer in HTTP.

A name that doesn't resolve and one that resolves to an address that may not be called are both ``address_refused``:
nobody learns by it which names an inner network knows.
"""

_TIMEOUT_S: Final = 15.0
_CONNECT_S: Final = 5.0
_MOST_READ: Final = 1 << 14  # of a body, so that a receiver can finish its answer; the rest is cut off
_GONE: Final = 410
_WISHES: Final = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attempt.

    Attributes:
        code: Status that the receiver answered with; ``None`` if it gave none.
        error: Why it failed; ``None`` if it was delivered.
        duration_s: From the look-up of the name to the end of the answer.
        wish_s: For how long the receiver asks to be left alone.
    """

    code: int | None
    error: Failure | None
    duration_s: float
    wish_s: float | None = None


class Sender(Protocol):
    """Makes attempts."""

    async def send(self, url: str, headers: Mapping[str, str], body: str) -> Outcome:
        """Make one; whatever goes wrong is an outcome."""
        ...


class WebSender:
    """Makes attempts over the network. Belongs to one event loop."""

    def __init__(
        self,
        guard: Guard,
        *,
        lookup: Lookup | None = None,
        trust: ssl.SSLContext | None = None,
        timeout_s: float = _TIMEOUT_S,
    ) -> None:
        """Hold how to reach receivers.

        Args:
            guard: Says which addresses may be called.
            lookup: Says which a name has; the machine's resolver if ``None``.
            trust: Which certificates count; those that the web trusts if ``None``.
            timeout_s: Longest time for one attempt, from the look-up of the name to the end of the answer.
        """
        trust = trust or httpx2.create_ssl_context(trust_env=False)
        self._transport = PinnedTransport(guard, lookup or SystemLookup(), trust)
        self._timeout_s = timeout_s

    async def send(self, url: str, headers: Mapping[str, str], body: str) -> Outcome:
        """Make one attempt; whatever goes wrong is an outcome."""
        begun = time.monotonic()
        code: int | None = None
        error: Failure | None = None
        wish_s: float | None = None
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._transport.handle_async_request(self._request(url, headers, body))
                code, wish_s = response.status_code, _wish_s(response)
                error = _failure(code)
                await _drain(response)
        except (UrlRefused, httpx2.InvalidURL):
            error = "url_refused"
        except AddressRefused:
            error = "address_refused"
        except (TimeoutError, httpcore2.TimeoutException):
            error = "timeout" if code is None else error
        except httpcore2.ConnectError as problem:
            error = "tls_failed" if isinstance(problem.__cause__, ssl.SSLError) else "connect_failed"
        except (httpcore2.ProtocolError, httpcore2.UnsupportedProtocol):
            error = "invalid_response" if code is None else error
        except (httpcore2.NetworkError, OSError):
            error = "connection_lost" if code is None else error
        return Outcome(code, error, time.monotonic() - begun, wish_s)

    def _request(self, url: str, headers: Mapping[str, str], body: str) -> httpx2.Request:
        # Given to the transport itself, not to a client: no cookies, no environment, no redirects, no decompression.
        timeout = {"connect": min(_CONNECT_S, self._timeout_s), "read": None, "write": None, "pool": None}
        return httpx2.Request(
            "POST", url, headers=dict(headers), content=body.encode(), extensions={"timeout": timeout}
        )


def _failure(code: int) -> Failure | None:
    match code:
        case _ if 200 <= code < 300:  # noqa: PLR2004 - 2xx
            return None
        case _ if 300 <= code < 400:  # noqa: PLR2004 - 3xx
            return "redirect"
        case 410:
            return "gone"
        case _:
            return "status"


async def _drain(response: httpx2.Response) -> None:
    """Read the beginning of a body that nobody looks at, and close the connection."""
    read = 0
    try:
        async for part in response.aiter_raw():
            read += len(part)
            if read >= _MOST_READ:
                break
    finally:
        await response.aclose()


def _wish_s(response: httpx2.Response) -> float | None:
    """Return how long a receiver under load asks to be left alone; a date instead of seconds isn't heeded."""
    text = response.headers.get("retry-after", "")
    if response.status_code not in _WISHES or not (text.isascii() and text.isdigit()):
        return None
    return float(text[:9])
