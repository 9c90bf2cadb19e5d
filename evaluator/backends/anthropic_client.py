"""The anthropic SDK, opened and translated once for the backends that speak through it.

In: `ChatOptions` and a request body. Out: the raw answer, or an error of our tree. Requests go through the client's
plain ``post`` and ``get``: the typed methods build a model of the whole answer, of which few fields count.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from functools import lru_cache, partial
from typing import TYPE_CHECKING, BinaryIO, Final, TypeAlias

from pydantic import ValidationError

from evaluator.backends.chat_model import RateLimits
from evaluator.backends.chat_options import ChatOptions
from evaluator.backends.loop_clients import LoopClients
from evaluator.backends.network import JSON_HEADERS, as_json, file_chunks, http_client, is_network_error, load
from evaluator.backends.provider_failures import Failure, code_of, moment_s, own_cause
from evaluator.backends.sdk_calls import answer_of, lines_in
from evaluator.errors import EvaluatorError

if TYPE_CHECKING:
    import anthropic
    import httpx2

    _Ask: TypeAlias = Callable[[anthropic.AsyncAnthropic, type[httpx2.Response]], Awaitable[object]]

__all__ = ["ANTHROPIC_URL", "KEY_ENV", "PROVIDER", "AnthropicSession", "rate_limits", "transformed", "translate"]

KEY_ENV: Final = "ANTHROPIC_API_KEY"
ANTHROPIC_URL: Final = "https://api.anthropic.com"
PROVIDER: Final = "anthropic"

_SANE_DIGITS: Final = 16


class AnthropicSession:
    """Asks one server; holds one SDK client per event loop."""

    def __init__(self, options: ChatOptions, base_url: str, key: str, key_env: str) -> None:
        """Hold how to connect; nothing is imported or opened yet.

        Args:
            options: Time-outs, concurrency and transport.
            base_url: Checked address.
            key: Checked key.
            key_env: Variable that holds the key, for remedies.
        """
        self._key_env = key_env
        self._clients = LoopClients(partial(_open, options, base_url, key))

    async def post(self, path: str, body: Mapping[str, object]) -> httpx2.Response:
        """Send a body and return the answer.

        Raises:
            JudgeError: The server refused, failed or didn't answer.
            EvaluatorError: As a transport of ours raised it.
        """
        content = as_json(body)
        return await self._asked(
            lambda client, answer: client.post(path, cast_to=answer, content=content, options={"headers": JSON_HEADERS})
        )

    async def get(self, path: str, query: Mapping[str, object] | None = None) -> httpx2.Response:
        """Return what the server tells; as `post`."""
        return await self._asked(
            lambda client, answer: client.get(path, cast_to=answer, options={"params": query or {}})
        )

    async def send(self, path: str, file: BinaryIO) -> httpx2.Response:
        """Send a body that lies in a file, read as it is sent; as `post`."""
        size = file.seek(0, os.SEEK_END)
        return await self._asked(
            lambda client, answer: client.post(
                path,
                cast_to=answer,
                content=file_chunks(file),
                options={"headers": {"Content-Length": str(size), "Content-Type": "application/json"}},
            )
        )

    async def lines(self, path: str) -> AsyncGenerator[bytes]:
        """Return the lines of an answer as they arrive; as `post`."""
        await load("anthropic")
        import anthropic  # noqa: PLC0415 - as below

        answer = await self._asked(
            lambda client, answer: client.get(
                path, cast_to=answer, stream=True, stream_cls=anthropic.AsyncStream[object]
            )
        )
        async with aclosing(lines_in(answer, self._failure)) as lines:
            async for line in lines:
                yield line

    async def close(self) -> None:
        """Close the running loop's connections now rather than at its end."""
        await self._clients.close()

    async def _asked(self, ask: _Ask) -> httpx2.Response:
        await load("anthropic")
        import httpx2  # noqa: PLC0415 - 0.2 s that only those who ask a hosted model pay

        client = await self._clients.get()
        return await answer_of(ask(client, httpx2.Response), self._failure)

    def _failure(self, error: Exception) -> EvaluatorError:
        """Return the error of our tree; raise what is none of the SDK's, nor the network's."""
        import anthropic  # noqa: PLC0415 - 1.7 s that only those who ask this provider pay

        if not (isinstance(error, anthropic.AnthropicError | ValueError | TypeError) or is_network_error(error)):
            raise error
        return translate(error, self._key_env)


def translate(error: BaseException, key_env: str = KEY_ENV) -> EvaluatorError:
    """Return the error of our tree for anything that the SDK or its transport raises."""
    import anthropic  # noqa: PLC0415 - as above

    failure = Failure(PROVIDER, key_env)
    match error:
        case _ if own := own_cause(error):
            return own
        case anthropic.APIStatusError():
            return Failure(
                PROVIDER,
                key_env,
                status=error.status_code,
                code=code_of(error.error_code, error.type),
                request_id=error.request_id,
                headers=error.response.headers,
            ).error()
        case anthropic.APIResponseValidationError() | ValidationError():
            return failure.unreadable()
        case anthropic.RetryableError():
            return failure.error()
        case _ if isinstance(error, anthropic.APIError) or is_network_error(error):
            return failure.error()
        case _:
            return failure.misuse(f"the request can't be sent: {type(error).__name__}")


def rate_limits(headers: Mapping[str, str]) -> RateLimits:
    """Read the ``anthropic-ratelimit`` headers; resets are moments there."""
    remaining = [headers.get(f"anthropic-ratelimit-{unit}-remaining", "") for unit in ("requests", "tokens")]
    counts = [
        int(text) if text.isascii() and text.isdigit() and len(text) < _SANE_DIGITS else None for text in remaining
    ]
    resets = [moment_s(headers.get(f"anthropic-ratelimit-{unit}-reset", "")) for unit in ("requests", "tokens")]
    known = [seconds for seconds in resets if seconds is not None]
    return RateLimits(counts[0], counts[1], max(known) if known else None)


def _open(options: ChatOptions, base_url: str, key: str) -> anthropic.AsyncAnthropic:
    import anthropic  # noqa: PLC0415 - as above

    return anthropic.AsyncAnthropic(
        api_key=key,
        base_url=base_url,
        max_retries=0,
        # The spans of all providers are made in `traced_call`; the environment could make these hold the judged text.
        open_telemetry={"traces": False, "propagation": False},
        http_client=http_client(options, anthropic.DefaultAsyncHttpxClient, anthropic.DefaultAioHttpClient),
    )


@lru_cache(maxsize=64)
def transformed(schema: str) -> dict[str, object]:
    """Return the schema as the API takes it: what it doesn't enforce moves into descriptions."""
    import anthropic  # noqa: PLC0415 - as above

    return anthropic.transform_schema(json.loads(schema))
