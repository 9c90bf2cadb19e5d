"""Anthropic's models through the Messages API: schema output, and the static part marked for the cache.

In: a `ChatRequest`. Out: a `ChatReply`. The API takes no sampling parameters and no seed. Its answer is read once,
into the few fields that count.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ValidationError

from evaluator.backends import JudgeOptions
from evaluator.backends.chat_model import ChatReply, ChatRequest, RateLimits, Stop
from evaluator.backends.chat_options import ChatOptions, checked_base_url, checked_key, require_extra
from evaluator.backends.estimates import Estimate
from evaluator.backends.hosted_judge import HostedBackend
from evaluator.backends.loop_clients import LoopClients
from evaluator.backends.network import http_client, is_network_error, load
from evaluator.backends.pricing import PriceList, Tokens
from evaluator.backends.provider_failures import Failure, ProviderRefusal, moment_s, own_cause
from evaluator.errors import EvaluatorError, OptionError
from evaluator.judging import Case, Judge
from evaluator.types import Usage

if TYPE_CHECKING:
    import anthropic
    import httpx2

__all__ = [
    "DEFAULT_MODEL",
    "KEY_ENV",
    "AnthropicModel",
    "build_estimate",
    "build_judge",
    "build_model",
    "rate_limits",
    "translate",
]

DEFAULT_MODEL: Final = "claude-haiku-5-5"
KEY_ENV: Final = "ANTHROPIC_API_KEY"

_URL: Final = "https://api.anthropic.com"
_PROVIDER: Final = "anthropic"
_NO_EFFORTS: Final = frozenset({"none", "minimal"})


def build_model(options: ChatOptions) -> AnthropicModel:
    """Build the model; nothing is imported or opened before it is asked.

    Raises:
        MissingExtra: The extra `anthropic` isn't installed.
        JudgeMisuse: There is no key.
        OptionError: The API doesn't take an option.
    """
    require_extra("anthropic", "anthropic")
    return AnthropicModel(options)


def build_judge(options: JudgeOptions) -> Judge:
    """Build a judge that asks this model; as `HostedBackend.chat_judge`."""
    return HostedBackend("anthropic", build_model, KEY_ENV).chat_judge(options)


def build_estimate(options: JudgeOptions) -> Callable[[Case], Estimate]:
    """Return what tells what a case will take; as `HostedBackend.chat_estimate`."""
    return HostedBackend("anthropic", build_model, KEY_ENV).chat_estimate(options)


class AnthropicModel:
    """One model of Anthropic's. Safe to share between event loops and threads.

    Attributes:
        prices: What its tokens cost.
    """

    def __init__(self, options: ChatOptions) -> None:
        """Check the options.

        Raises:
            JudgeMisuse: There is no key.
            OptionError: The API doesn't take an option.
        """
        if options.temperature is not None:
            raise OptionError("Anthropic's API takes none", where="temperature", remedy="leave it out")
        if options.effort in _NO_EFFORTS:
            raise OptionError(
                f"Anthropic's API knows no effort {options.effort!r}",
                where="effort",
                remedy="low, medium, high, xhigh or max",
            )
        self._name = options.model or DEFAULT_MODEL
        self._options = options
        self._key_env = options.api_key_env or KEY_ENV
        base_url = checked_base_url(options.base_url or _URL)
        key = checked_key(options, default_env=KEY_ENV)
        self._kept: tuple[Mapping[str, object], dict[str, object]] | None = None
        self._clients = LoopClients(lambda: _open(options, base_url, key))
        self.prices = PriceList(self._name, provider_id=_PROVIDER)

    @property
    def provider(self) -> str:
        """Row of the BACKENDS table."""
        return _PROVIDER

    @property
    def model(self) -> str:
        """Name and the parameters that change answers."""
        return f"{self._name} effort={self._options.effort}" if self._options.effort else self._name

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Ask once.

        Raises:
            JudgeUnavailable: The same request may succeed later.
            JudgeMisuse: The same request will fail again.
        """
        await load("anthropic")
        try:
            answer = await self._post(self.body(request))
        except ProviderRefusal as refusal:
            if refusal.filtered:
                return ChatReply("", "filtered", Usage(requests=1))
            raise
        return self._read(answer)

    def output_tokens(self, wanted: int) -> int:
        """Return the limit that is sent for a reply of so many tokens."""
        return self._options.output_tokens(wanted, unsaid="low")

    async def close(self) -> None:
        """Close the running loop's connections now rather than at its end."""
        await self._clients.close()

    async def _post(self, body: Mapping[str, object]) -> httpx2.Response:
        import anthropic  # noqa: PLC0415 - 1.7 s that only those who ask this provider pay
        import httpx2  # noqa: PLC0415 - 0.2 s likewise

        client = await self._clients.get()
        failure: EvaluatorError
        try:
            return await client.post("/v1/messages", cast_to=httpx2.Response, body=body)
        except Exception as error:
            if not (isinstance(error, anthropic.AnthropicError | ValueError | TypeError) or is_network_error(error)):
                raise
            failure = translate(error, self._key_env)
        raise failure  # out here, so that the SDK's message, which may repeat key or text, isn't chained to it

    def body(self, request: ChatRequest) -> dict[str, object]:
        """Return the body of a request, as a batch endpoint takes it too.

        Everything static stands first and is marked, as the provider caches up to the mark.
        """
        output: dict[str, object] = {"format": {"type": "json_schema", "schema": self._transformed(request.schema)}}
        if self._options.effort:
            output["effort"] = self._options.effort
        return {
            "model": self._name,
            "max_tokens": self.output_tokens(request.max_output_tokens),
            "system": [{"type": "text", "text": request.system, "cache_control": {"type": "ephemeral"}}],
            "messages": [{"role": "user", "content": text} for text in request.messages],
            "output_config": output,
        }

    def _transformed(self, schema: Mapping[str, object]) -> dict[str, object]:
        """Return the schema as the API takes it; the last one is known by being the same object."""
        kept = self._kept
        if kept is None or kept[0] is not schema:
            self._kept = kept = (schema, _transformed(json.dumps(dict(schema))))
        return kept[1]

    def _read(self, answer: httpx2.Response) -> ChatReply:
        try:
            message = _Message.model_validate_json(answer.content)
        except ValidationError:  # its message holds the reply
            message = None
        if message is None:
            request_id = answer.headers.get("request-id")
            raise Failure(_PROVIDER, self._key_env, status=200, request_id=request_id).unreadable()
        usage = self.prices.usage(message.usage.tokens())
        return ChatReply(message.text(), message.stop(), usage, rate_limits(answer.headers))


def translate(error: BaseException, key_env: str = KEY_ENV) -> EvaluatorError:
    """Return the error of our tree for anything that the SDK or its transport raises."""
    import anthropic  # noqa: PLC0415 - as above

    failure = Failure(_PROVIDER, key_env)
    match error:
        case _ if own := own_cause(error):
            return own
        case anthropic.APIStatusError():
            return Failure(
                _PROVIDER,
                key_env,
                status=error.status_code,
                code=error.error_code or error.type,
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
    counts = [int(text) if text.isascii() and text.isdigit() else None for text in remaining]
    resets = [moment_s(headers.get(f"anthropic-ratelimit-{unit}-reset", "")) for unit in ("requests", "tokens")]
    known = [seconds for seconds in resets if seconds is not None]
    return RateLimits(counts[0], counts[1], max(known) if known else None)


def _open(options: ChatOptions, base_url: str, key: str) -> anthropic.AsyncAnthropic:
    import anthropic  # noqa: PLC0415 - as above

    return anthropic.AsyncAnthropic(
        api_key=key,
        base_url=base_url,
        max_retries=0,
        open_telemetry={},  # otherwise the environment may turn on spans that hold the judged text
        http_client=http_client(options, anthropic.DefaultAsyncHttpxClient, anthropic.DefaultAioHttpClient),
    )


@lru_cache(maxsize=64)
def _transformed(schema: str) -> dict[str, object]:
    """Return the schema as the API takes it: what it doesn't enforce moves into descriptions."""
    import anthropic  # noqa: PLC0415 - as above

    return anthropic.transform_schema(json.loads(schema))


class _Block(BaseModel):
    """One block of content; thinking has no text that counts."""

    type: str
    text: str = ""


class _UsageCounts(BaseModel):
    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None

    def tokens(self) -> Tokens:
        """Return the counts; the provider leaves cached tokens out of its input."""
        written, cached = self.cache_creation_input_tokens or 0, self.cache_read_input_tokens or 0
        return Tokens(
            input=self.input_tokens + written + cached, output=self.output_tokens, cached=cached, written=written
        )


class _Message(BaseModel):
    """What counts of an answer of the Messages API."""

    content: list[_Block]
    stop_reason: str | None = None
    usage: _UsageCounts

    def text(self) -> str:
        return "".join(block.text for block in self.content if block.type == "text")

    def stop(self) -> Stop:
        match self.stop_reason:
            case "refusal":
                return "refused"
            case "max_tokens" | "model_context_window_exceeded" | "pause_turn":
                return "truncated"
            case _:
                return "complete"
