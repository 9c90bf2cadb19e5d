"""The openai SDK, opened and translated once for the backends that speak through it.

In: `ChatOptions` and a request body. Out: the raw answer, or an error of our tree. Requests go through the client's
plain ``post`` and ``get`` with a ready body: the typed methods walk the whole body to transform it and build a model of
the whole answer, which costs more time than everything this package does with a reply.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, Final, TypeAlias

from pydantic import ValidationError

from evaluator.backends.chat_model import RateLimits
from evaluator.backends.chat_options import ChatOptions
from evaluator.backends.loop_clients import LoopClients
from evaluator.backends.network import JSON_HEADERS, as_json, http_client, is_network_error, load
from evaluator.backends.provider_failures import Failure, code_of, own_cause
from evaluator.backends.sdk_calls import answer_of, lines_in
from evaluator.errors import EvaluatorError

if TYPE_CHECKING:
    import httpx2
    import openai
    from openai._types import RequestOptions

    _Ask: TypeAlias = Callable[[openai.AsyncOpenAI, type[httpx2.Response], RequestOptions], Awaitable[object]]

__all__ = ["KEY_ENV", "OPENAI_URL", "OpenAISession", "Server", "rate_limits", "translate"]

KEY_ENV: Final = "OPENAI_API_KEY"
OPENAI_URL: Final = "https://api.openai.com/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One API that is asked.

    Attributes:
        provider: Row of the BACKENDS table.
        base_url: Checked address.
        key: Checked key; empty sends no authorization at all.
        key_env: Variable that holds the key, for remedies.
        watched: Parameters that this server may not know; a refusal tells which of them its message names.
    """

    provider: str
    base_url: str
    key: str = field(repr=False)
    key_env: str
    watched: tuple[str, ...] = ()


_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class OpenAISession:
    """Posts request bodies to one server; holds one SDK client per event loop."""

    def __init__(self, options: ChatOptions, server: Server) -> None:
        """Hold how to connect; nothing is imported or opened yet."""
        self._server = server
        self._clients = LoopClients(partial(_open, options, server))

    async def post(self, path: str, body: Mapping[str, object]) -> httpx2.Response:
        """Send a body and return the answer.

        Raises:
            JudgeError: The server refused, failed or didn't answer.
            EvaluatorError: As a transport of ours raised it.
        """
        content = as_json(body)
        return await self._asked(
            lambda client, answer, options: client.post(
                path,
                cast_to=answer,
                content=content,
                options={**options, "headers": {**options.get("headers", {}), **JSON_HEADERS}},
            )
        )

    async def get(self, path: str, query: Mapping[str, object] | None = None) -> httpx2.Response:
        """Return what the server tells; as `post`."""
        return await self._asked(
            lambda client, answer, options: client.get(path, cast_to=answer, options={**options, "params": query or {}})
        )

    async def upload(self, path: str, name: str, file: BinaryIO, fields: Mapping[str, object]) -> httpx2.Response:
        """Send a file, read as it is sent, with fields beside it; as `post`."""
        return await self._asked(
            lambda client, answer, options: client.post(
                path,
                cast_to=answer,
                body=fields,
                files={"file": (name, file, "application/jsonl")},
                options={
                    **options,
                    "headers": {**options.get("headers", {}), "Content-Type": "multipart/form-data"},
                },
            )
        )

    async def lines(self, path: str) -> AsyncGenerator[bytes]:
        """Return the lines of a file as they arrive; as `post`."""
        await load("openai")
        import openai  # noqa: PLC0415 - as above

        answer = await self._asked(
            lambda client, answer, options: client.get(
                path, cast_to=answer, stream=True, stream_cls=openai.AsyncStream[object], options=options
            )
        )
        async with aclosing(lines_in(answer, self._failure)) as lines:
            async for line in lines:
                yield line

    async def _asked(self, ask: _Ask) -> httpx2.Response:
        await load("openai")
        import httpx2  # noqa: PLC0415 - 0.2 s that only those who ask a hosted model pay
        import openai  # noqa: PLC0415 - 0.7 s likewise

        client = await self._clients.get()
        headers: dict[str, str | openai.Omit] = {}
        if not self._server.key:
            headers["Authorization"] = openai.Omit()
        if self._server.base_url != OPENAI_URL:  # an OpenAI account in the environment is no other server's business
            headers |= {"OpenAI-Organization": openai.Omit(), "OpenAI-Project": openai.Omit()}
        return await answer_of(ask(client, httpx2.Response, {"headers": headers}), self._failure)

    def _failure(self, error: Exception) -> EvaluatorError:
        """Return the error of our tree; raise what is none of the SDK's, nor the network's."""
        import openai  # noqa: PLC0415 - as above

        if not (isinstance(error, openai.OpenAIError | ValueError | TypeError) or is_network_error(error)):
            raise error
        return translate(error, self._server)

    async def close(self) -> None:
        """Close the running loop's connections now rather than at its end."""
        await self._clients.close()


def translate(error: BaseException, server: Server) -> EvaluatorError:
    """Return the error of our tree for anything that the SDK or its transport raises."""
    import openai  # noqa: PLC0415 - as above

    failure = Failure(server.provider, server.key_env)
    match error:
        case _ if own := own_cause(error):
            return own
        case openai.APIStatusError():
            return _refusal(error, server).error()
        case openai.APIResponseValidationError() | ValidationError():
            return failure.unreadable()
        case openai.LengthFinishReasonError() | openai.ContentFilterFinishReasonError():
            return failure.misuse("the reply was cut off or withheld")
        case _ if isinstance(error, openai.APIError) or is_network_error(error):
            return failure.error()
        case _:
            return failure.misuse(f"the request can't be sent: {type(error).__name__}")


def _refusal(error: openai.APIStatusError, server: Server) -> Failure:
    told = str(error.body).lower() if server.watched else ""
    return Failure(
        server.provider,
        server.key_env,
        status=error.status_code,
        code=code_of(error.code, error.type),
        request_id=error.request_id,
        headers=error.response.headers,
        named=frozenset(name for name in server.watched if name in told),
    )


def rate_limits(headers: Mapping[str, str]) -> RateLimits:
    """Read the ``x-ratelimit`` headers."""
    remaining = [_count(headers.get(f"x-ratelimit-remaining-{unit}")) for unit in ("requests", "tokens")]
    resets = [_span_s(headers.get(f"x-ratelimit-reset-{unit}")) for unit in ("requests", "tokens")]
    known = [seconds for seconds in resets if seconds is not None]
    return RateLimits(remaining[0], remaining[1], max(known) if known else None)


def _open(options: ChatOptions, server: Server) -> openai.AsyncOpenAI:
    import openai  # noqa: PLC0415 - as above

    return openai.AsyncOpenAI(
        api_key=server.key or "none",
        base_url=server.base_url,
        max_retries=0,
        timeout=None,
        http_client=http_client(options, openai.DefaultAsyncHttpxClient, openai.DefaultAioHttpClient),
    )


def _count(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 16 else None  # noqa: PLR2004 - sane


def _span_s(text: str | None) -> float | None:
    """Read a span such as ``6m0s``, ``120ms`` or ``1.5s``; a bare number is seconds."""
    if not text:
        return None
    found = _SPAN.findall(text)
    if found and "".join(number + unit for number, unit in found) == text:
        return sum(float(number) * _SECONDS[unit] for number, unit in found)
    return float(_count(text) or 0) or None
