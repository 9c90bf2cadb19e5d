"""OpenAI's models through the Responses API: strict schema output, nothing stored, the static part cached.

In: a `ChatRequest`. Out: a `ChatReply`. The answer is read once, into the few fields that count.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ValidationError

from evaluator.backends.chat_model import ChatReply, ChatRequest, RateLimits, Stop
from evaluator.backends.chat_options import ChatOptions, checked_base_url, checked_key, require_extra
from evaluator.backends.openai_client import KEY_ENV, OPENAI_URL, OpenAISession, Server, rate_limits
from evaluator.backends.pricing import PriceList, Tokens
from evaluator.backends.provider_failures import FILTERED_CODES, Failure, ProviderRefusal
from evaluator.errors import OptionError
from evaluator.values.usage import Usage

if TYPE_CHECKING:
    import httpx2

__all__ = ["DEFAULT_MODEL", "OpenAIModel", "build_model"]

DEFAULT_MODEL: Final = "gpt-6-luna"

_TAKES_TEMPERATURE: Final = ("gpt-4", "gpt-5.1", "gpt-5.2", "gpt-5.4", "gpt-5.5", "gpt-5.6")  # at effort none alone
_KEY_CHARS: Final = 32  # the API takes cache keys of up to 64


def build_model(options: ChatOptions) -> OpenAIModel:
    """Build the model; nothing is imported or opened before it is asked.

    Raises:
        MissingExtra: The extra `openai` isn't installed.
        JudgeMisuse: There is no key.
        OptionError: The model doesn't take an option.
    """
    require_extra("openai", "openai")
    return OpenAIModel(options)


class OpenAIModel:
    """One model of OpenAI's. Safe to share between event loops and threads.

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
            OptionError: The model doesn't take an option.
        """
        self._name = options.model or DEFAULT_MODEL
        if options.temperature is not None and not (
            self._name.startswith(_TAKES_TEMPERATURE) and options.effort in {None, "none"}
        ):
            raise OptionError(f"{self._name} takes none with this effort", where="temperature", remedy="leave it out")
        self._options = options
        self.key_env = options.api_key_env or KEY_ENV
        server = Server(
            provider=self.provider,
            base_url=checked_base_url(options.base_url or OPENAI_URL),
            key=checked_key(options, default_env=KEY_ENV),
            key_env=self.key_env,
        )
        self.session = OpenAISession(options, server)
        self.prices = PriceList(self._name, provider_id="openai", share=share)

    @property
    def provider(self) -> str:
        """Row of the BACKENDS table."""
        return "openai"

    @property
    def model(self) -> str:
        """Name and the parameters that change answers."""
        effort = f" effort={self._options.effort}" if self._options.effort else ""
        heat = f" temperature={self._options.temperature:g}" if self._options.temperature is not None else ""
        return f"{self._name}{effort}{heat}"

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Ask once.

        Raises:
            JudgeUnavailable: The same request may succeed later.
            JudgeMisuse: The same request will fail again.
        """
        try:
            answer = await self.session.post("/responses", self.body(request))
        except ProviderRefusal as refusal:
            if refusal.filtered:
                return ChatReply("", "filtered", Usage(requests=1))
            raise
        return self._read(answer)

    def output_tokens(self, wanted: int) -> int:
        """Return the limit that is sent for a reply of so many tokens."""
        return self._options.output_tokens(wanted, unsaid="medium")

    async def close(self) -> None:
        """Close the running loop's connections now rather than at its end."""
        await self.session.close()

    def body(self, request: ChatRequest) -> dict[str, object]:
        """Return the body of a request, as a batch endpoint takes it too.

        Everything static stands first, as the provider caches by prefix.
        """
        options = self._options
        body: dict[str, object] = {
            "model": self._name,
            "instructions": request.system,
            "input": [{"role": "user", "content": message} for message in request.messages],
            "text": {
                "format": {"type": "json_schema", "name": "reply", "schema": dict(request.schema), "strict": True}
            },
            "store": False,
            "prompt_cache_key": _cache_key(self._name, request.system),
            "max_output_tokens": self.output_tokens(request.max_output_tokens),
        }
        if options.effort:
            body["reasoning"] = {"effort": options.effort}
        if options.temperature is not None:
            body["temperature"] = options.temperature
        return body

    def _read(self, answer: httpx2.Response) -> ChatReply:
        try:
            response = _Response.model_validate_json(answer.content)
        except ValidationError:  # its message holds the reply
            response = None
        return self._reply(response, answer.headers.get("x-request-id"), rate_limits(answer.headers))

    def read_body(self, body: object, request_id: str | None) -> ChatReply:
        """Read an answer that came in the results of a batch; as `complete`."""
        try:
            response = _Response.model_validate(body)
        except ValidationError:  # its message holds the reply
            response = None
        return self._reply(response, request_id, RateLimits())

    def _reply(self, response: _Response | None, request_id: str | None, limits: RateLimits) -> ChatReply:
        if response is None:
            raise Failure(self.provider, self.key_env, status=200, request_id=request_id).unreadable()
        usage = self.prices.usage(response.usage.tokens() if response.usage else None)
        code = response.error.code if response.error else None
        if response.status in {"failed", "cancelled"} and code not in FILTERED_CODES:
            raise Failure(self.provider, self.key_env, status=500, code=code, request_id=response.id).error()
        return ChatReply(response.text(), response.stop(), usage, limits)


@lru_cache(maxsize=16)
def _cache_key(model: str, system: str) -> str:
    """Return what requests with the same static part have in common; it is long, and the same for a whole run."""
    return hashlib.sha256(f"{model}\0{system}".encode()).hexdigest()[:_KEY_CHARS]


class _Part(BaseModel):
    """One part of a message: text, or the words of a refusal."""

    type: str
    text: str = ""
    refusal: str = ""


class _Item(BaseModel):
    """One item of output; reasoning items have no content that counts."""

    type: str
    content: list[_Part] | None = None
    phase: str | None = None

    def parts(self) -> list[_Part]:
        """Return the parts of a final message; a comment on the way isn't the reply."""
        return (self.content or []) if self.type == "message" and self.phase != "commentary" else []


class _InputDetails(BaseModel):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class _UsageCounts(BaseModel):
    input_tokens: int
    output_tokens: int
    input_tokens_details: _InputDetails | None = None

    def tokens(self) -> Tokens:
        """Return the counts; input includes what was cached, output includes reasoning."""
        details = self.input_tokens_details or _InputDetails()
        return Tokens(
            input=self.input_tokens,
            output=self.output_tokens,
            cached=details.cached_tokens or 0,
            written=details.cache_write_tokens or 0,
        )


class _Coded(BaseModel):
    code: str | None = None


class _Incomplete(BaseModel):
    reason: str | None = None


class _Response(BaseModel):
    """What counts of an answer of the Responses API."""

    id: str | None = None
    status: str | None = None
    error: _Coded | None = None
    incomplete_details: _Incomplete | None = None
    output: list[_Item]
    usage: _UsageCounts | None = None

    def text(self) -> str:
        return "".join(part.text for item in self.output for part in item.parts() if part.type == "output_text")

    def stop(self) -> Stop:
        if any(part.type == "refusal" for item in self.output for part in item.parts()):
            return "refused"
        match self.status, self.incomplete_details.reason if self.incomplete_details else None:
            case ("failed" | "cancelled", _) | (_, "content_filter"):
                return "filtered"
            case ("completed" | None, _):
                return "complete"
            case _:
                return "truncated"
