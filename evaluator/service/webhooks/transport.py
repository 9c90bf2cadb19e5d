"""Connections that lead where the guard said: a transport of httpx2 whose sockets go to checked addresses alone.

The name stays in the request, so that the Host header, SNI and the check of the certificate are those of the name,
while the socket is opened to an address out of the one look-up that was checked. There are no proxies and no redirects,
and no connection outlives its request: each attempt is checked anew, and no tenant rides on another's connection.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Final, cast

import httpcore2
import httpx2

from evaluator.service.webhooks.guard import Guard
from evaluator.service.webhooks.lookup import Lookup

__all__ = ["AddressRefused", "PinnedTransport"]

_TRIES: Final = 3  # addresses of a name that are tried in turn


class AddressRefused(Exception):
    """A name has no address, or one that may not be called; nothing was connected to."""


class PinnedTransport(httpx2.AsyncBaseTransport):
    """Sends each request over a connection of its own, to where the guard allows. Belongs to one event loop."""

    def __init__(self, guard: Guard, lookup: Lookup, trust: ssl.SSLContext) -> None:
        """Hold what decides.

        Args:
            guard: Says which addresses may be called.
            lookup: Says which a name has.
            trust: Which certificates count.
        """
        self._guard = guard
        self._lookup = lookup
        self._trust = trust

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request and return the head of its answer; the body is read from the stream.

        Raises:
            UrlRefused: The url may not be called.
            AddressRefused: None of its addresses may be, or there is none.
            httpcore2.TimeoutException: A time-out of the request passed.
            httpcore2.NetworkError: The connection failed or broke.
            httpcore2.ProtocolError: The answer isn't HTTP.
        """
        target = self._guard.target(str(request.url))
        try:
            found = await self._lookup.addresses(target.host, target.port)
        except OSError as error:
            raise AddressRefused from error
        network = _PinnedNetwork(self._guard.addresses(found, target)[:_TRIES])
        scheme, host = request.url.raw_scheme, request.url.raw_host
        asked = httpcore2.Request(
            request.method,
            httpcore2.URL(scheme=scheme, host=host, port=request.url.port, target=request.url.raw_path),
            headers=[*request.headers.raw, (b"Connection", b"close")],
            content=await request.aread(),
            extensions=request.extensions,
        )
        connection = httpcore2.AsyncHTTPConnection(
            httpcore2.Origin(scheme, host, target.port), ssl_context=self._trust, network_backend=network
        )
        try:
            answer = await connection.handle_async_request(asked)
        except BaseException:
            await network.close()
            raise
        return httpx2.Response(answer.status, headers=answer.headers, stream=_Body(answer, network), request=request)


class _Body(httpx2.AsyncByteStream):
    def __init__(self, answer: httpcore2.Response, network: _PinnedNetwork) -> None:
        self._answer = answer
        self._network = network

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._answer.aiter_stream():
            yield part

    async def aclose(self) -> None:
        await self._network.close()


class _PinnedNetwork(httpcore2.AsyncNetworkBackend):
    """Opens one socket, to the first of some addresses that answers, whatever name it is asked for."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses
        self._sockets = cast("httpcore2.AsyncNetworkBackend", httpcore2.AnyIOBackend())
        self._opened: httpcore2.AsyncNetworkStream | None = None

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is the library's
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        del host
        failure: httpcore2.ConnectError | httpcore2.ConnectTimeout | None = None
        for address in self._addresses:
            try:
                self._opened = await self._sockets.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            else:
                return self._opened
        raise failure or AddressRefused

    async def close(self) -> None:
        """Close the socket beneath whatever is spoken over it: an attempt that was broken off leaves none open."""
        if self._opened is not None:
            with contextlib.suppress(Exception):  # it is gone either way
                await self._opened.aclose()
