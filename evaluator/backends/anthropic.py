"""Anthropic's models through the Messages API: schema output, and the static part marked for the cache.

In: a `ChatRequest`. Out: a `ChatReply`. The API takes no sampling parameters and no seed. Its answer is read once,
into the few fields that count.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ValidationError

from evaluator.backends.anthropic_client import (
    ANTHROPIC_URL,
    KEY_ENV,
    PROVIDER,
    AnthropicSession,
    rate_limits,
    transformed,
)
from evaluator.backends.chat_model import ChatReply, ChatRequest, RateLimits, Stop
from evaluator.backends.chat_options import ChatOptions, checked_base_url, checked_key, require_extra
from evaluator.backends.network import load
from evaluator.backends.pricing import PriceList, Tokens
from evaluator.backends.provider_failures import Failure, ProviderRefusal
from evaluator.errors import OptionError
from evaluator.values.usage import Usage

if TYPE_CHECKING:
    import httpx2

__all__ = ["DEFAULT_MODEL", "AnthropicModel", "build_model"]

DEFAULT_MODEL: Final = "claude-haiku-5-5"

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


class AnthropicModel:
    """One model of Anthropic's. Safe to share between event loops and threads.

    Attributes:
        prices: What its tokens cost.
        session: How its server is asked.
        key_env: Variable that holds its key, for remedies.
    """

    def __init__(self, options: ChatOptions, *, share: float = 1.0) -> None:
        """Check the options.

        Args:
            options: As the caller chose.
            share: Part of the list price that is paid.

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
        self.key_env = options.api_key_env or KEY_ENV
        base_url = checked_base_url(options.base_url or ANTHROPIC_URL)
        self.session = AnthropicSession(options, base_url, checked_key(options, default_env=KEY_ENV), self.key_env)
        self._kept: tuple[Mapping[str, object], dict[str, object]] | None = None
        self.prices = PriceList(self._name, provider_id=PROVIDER, share=share)

    @property
    def provider(self) -> str:
        """Row of the BACKENDS table."""
        return PROVIDER

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
            answer = await self.session.post("/v1/messages", self.body(request))
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
        await self.session.close()

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
            self._kept = kept = (schema, transformed(json.dumps(dict(schema))))
        return kept[1]

    def _read(self, answer: httpx2.Response) -> ChatReply:
        try:
            message = _Message.model_validate_json(answer.content)
        except ValidationError:  # its message holds the reply
            message = None
        return self._reply(message, answer.headers.get("request-id"), rate_limits(answer.headers))

    def read_body(self, body: object) -> ChatReply:
        """Read an answer that came in the results of a batch; as `complete`."""
        try:
            message = _Message.model_validate(body)
        except ValidationError:  # its message holds the reply
            message = None
        return self._reply(message, None, RateLimits())

    def _reply(self, message: _Message | None, request_id: str | None, limits: RateLimits) -> ChatReply:
        if message is None:
            raise Failure(PROVIDER, self.key_env, status=200, request_id=request_id).unreadable()
        return ChatReply(message.text(), message.stop(), self.prices.usage(message.usage.tokens()), limits)


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
