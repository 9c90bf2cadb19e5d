"""The transports behind `RecordingOptions`: one that answers from files alone, one that asks and keeps the answers.

In: an HTTP request of either SDK. Out: its answer, or an error of our tree, which both SDKs let pass. Apart because it
needs the HTTP library at import.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from dataclasses import dataclass
from typing import Final

import httpx2
from pydantic import JsonValue

from evaluator.backends.recording_file import Origin, RecordedAnswer, RecordedRequest, Recording, request_of
from evaluator.backends.recording_secrets import found_secrets, scrubbed
from evaluator.backends.recordings import Recordings
from evaluator.backends.repetition import time_asked
from evaluator.errors import RecordingError

__all__ = ["Recorder", "Replayer", "Stamp"]

_VERSION_HEADERS: Final = ("anthropic-beta", "anthropic-version", "openai-beta")
_KEY_HEADERS: Final = ("api-key", "authorization", "x-api-key")
_KEPT_HEADERS: Final = ("content-type", "retry-after", "retry-after-ms")
_KEPT_PREFIXES: Final = ("anthropic-ratelimit-", "x-ratelimit-")
_FRAMING: Final = frozenset({"connection", "content-encoding", "content-length", "transfer-encoding"})
_ABOUT_THE_ACCOUNT: Final = frozenset({401, 402, 403, 407})  # they say nothing about the request: not kept
_LIMITS: Final = httpx2.Limits(max_connections=1000, max_keepalive_connections=100)  # as the SDKs set them


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a recording says of its making.

    Attributes:
        note: For whoever reads the file.
        origin: ``synthetic`` if answers are made up.
        date: When; today if ``None``.
    """

    note: str = ""
    origin: Origin = "live"
    date: dt.date | None = None


class Replayer(httpx2.AsyncBaseTransport):
    """Answers from recordings; has no way to the network."""

    def __init__(self, recordings: Recordings, provider: str) -> None:
        """Hold where to look."""
        self._recordings = recordings
        self._provider = provider

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the recorded answer.

        Raises:
            RecordingMissing: The request was never recorded.
            RecordingError: Its recording is damaged.
        """
        content = await request.aread()
        return await asyncio.to_thread(self._answer, request, content)

    def _answer(self, request: httpx2.Request, content: bytes) -> httpx2.Response:
        answer = self._recordings.find(self._provider, _asked(request, content)).response
        return httpx2.Response(answer.status, headers=answer.headers, content=answer.content())


class Recorder(httpx2.AsyncBaseTransport):
    """Asks the provider and keeps each whole answer."""

    def __init__(
        self,
        recordings: Recordings,
        provider: str,
        network: httpx2.AsyncBaseTransport | None = None,
        stamp: Stamp | None = None,
    ) -> None:
        """Hold where to keep what.

        Args:
            recordings: The folder.
            provider: Row of the BACKENDS table.
            network: Asked instead of the network, which heeds the environment's proxies.
            stamp: What each file says of its making.
        """
        self._recordings = recordings
        self._provider = provider
        self._network = httpx2.AsyncClient(transport=network, limits=_LIMITS, timeout=None, follow_redirects=False)
        self._stamp = stamp or Stamp()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request and keep the answer.

        Raises:
            RecordingError: The request holds what looks like a key, so that it isn't sent; or nothing can be written.
        """
        content = await request.aread()
        keys = _keys(request.headers)
        asked = await asyncio.to_thread(_checked, _asked(request, content), keys)
        response = await self._network.send(request, auth=None)
        if response.status_code not in _ABOUT_THE_ACCOUNT:
            await asyncio.to_thread(self._keep, asked, response, keys)
        headers = [(name, value) for name, value in response.headers.multi_items() if name.lower() not in _FRAMING]
        return httpx2.Response(response.status_code, headers=headers, content=response.content)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._network.aclose()

    def _keep(self, asked: RecordedRequest, response: httpx2.Response, keys: tuple[str, ...]) -> None:
        body, text = _body(response)
        headers = {
            name: value
            for name, value in response.headers.items()
            if name in _KEPT_HEADERS or name.startswith(_KEPT_PREFIXES)
        }
        recording = Recording(
            origin=self._stamp.origin,
            provider=self._provider,
            model=asked.model,
            recorded=self._stamp.date or dt.datetime.now(dt.UTC).date(),
            note=self._stamp.note,
            request=asked,
            response=RecordedAnswer(
                status=response.status_code,
                headers={name: str(scrubbed(value, keys)) for name, value in headers.items()},
                body=scrubbed(body, keys),
                text=None if text is None else str(scrubbed(text, keys)),
            ),
        )
        self._recordings.keep(recording)


def _asked(request: httpx2.Request, content: bytes) -> RecordedRequest:
    versions = {name: request.headers[name] for name in _VERSION_HEADERS if name in request.headers}
    path = request.url.raw_path.decode("ascii", "replace")
    return request_of(request.method, path, versions, content, time_asked())


def _checked(asked: RecordedRequest, keys: tuple[str, ...]) -> RecordedRequest:
    """Refuse a request that can't be kept: without its secret its hash would be another."""
    kinds = found_secrets(asked.model_dump_json(), keys, accounts=False)
    if kinds:
        raise RecordingError(
            f"the request isn't sent, since it can't be recorded: it holds what looks like a {' and a '.join(kinds)}",
            where="record",
            remedy="take it out of the transcript, or grade without recording",
        )
    return asked


def _keys(headers: httpx2.Headers) -> tuple[str, ...]:
    """Return the keys in use, longest first, so that none is left in part."""
    words = {word for name in _KEY_HEADERS for word in headers.get(name, "").split()}
    return tuple(sorted(words - {"Basic", "Bearer"}, key=len, reverse=True))


def _body(response: httpx2.Response) -> tuple[JsonValue, str | None]:
    """Return the body as JSON, or else as text."""
    try:
        body: JsonValue = json.loads(response.content)
    except ValueError:
        return None, response.content.decode(errors="replace")
    return body, None
