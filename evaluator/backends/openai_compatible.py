"""Any server that speaks OpenAI's chat completions: Ollama, vLLM, llama.cpp, LM Studio, gateways.

In: a `ChatRequest`. Out: a `ChatReply`. Servers differ in what they take, so a refusal that names a parameter makes
this model go without it, and it remembers: schema output falls back to a JSON object, then to plain text with the
schema in the prompt; the older name of the token limit falls back to the newer one. The task stands in the system
message, after the static part, because many chat templates refuse two user messages in a row; the judged text stays
alone in the one user message.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import BaseModel, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from evaluator.backends.chat_model import ChatReply, ChatRequest, Stop
from evaluator.backends.chat_options import ChatOptions, checked_base_url, checked_key, require_extra
from evaluator.backends.hosted_judge import HostedBackend
from evaluator.backends.openai_client import OpenAISession, Server, rate_limits
from evaluator.backends.pricing import PriceList, Tokens
from evaluator.backends.provider_failures import Failure, ProviderRefusal
from evaluator.errors import OptionError
from evaluator.values.usage import Usage

if TYPE_CHECKING:
    import httpx2

__all__ = ["KEY_ENV", "CompatibleModel", "build_estimate", "build_judge", "build_model"]

KEY_ENV: Final = "EVALUATOR_API_KEY"

_Form = Literal["json_schema", "json_object", "plain"]
_WEAKER: Final[dict[_Form, _Form]] = {"json_schema": "json_object", "json_object": "plain"}
_FORM_WORDS: Final = frozenset({"response_format", "json_schema", "json_object", "schema", "grammar", "structured"})
_LIMIT_WORDS: Final = frozenset({"max_tokens", "max_completion_tokens"})
_SCHEMA_NOTE: Final = "\n\nReply with exactly one JSON object, and nothing else, that fits this JSON Schema:\n"


def build_model(options: ChatOptions) -> CompatibleModel:
    """Build the model; nothing is imported or opened before it is asked.

    Raises:
        MissingExtra: The extra `openai` isn't installed.
        OptionError: No model or no usable address was given.
    """
    require_extra("openai", "openai")
    return CompatibleModel(options)


@dataclass(frozen=True, slots=True)
class _Taken:
    """What the server has shown to take.

    Attributes:
        form: How the reply's form is asked for.
        limit: Name of the parameter for the most tokens.
    """

    form: _Form = "json_schema"
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"

    def without(self, refused: frozenset[str]) -> _Taken | None:
        """Return what to try after a refusal that named these parameters; ``None`` if nothing is left to try."""
        if refused & _LIMIT_WORDS and self.limit == "max_tokens":
            return replace(self, limit="max_completion_tokens")
        if refused & _FORM_WORDS and self.form in _WEAKER:
            return replace(self, form=_WEAKER[self.form])
        return None


class CompatibleModel:
    """A model behind any compatible server. Safe to share between event loops and threads.

    Attributes:
        prices: What its tokens cost.
    """

    def __init__(self, options: ChatOptions) -> None:
        """Check the options.

        Raises:
            OptionError: No model or no usable address was given.
            JudgeMisuse: The key holds what no key holds.
        """
        if not options.model:
            raise OptionError("no model was given", where="model", remedy="name one that the server lists")
        if not options.base_url:
            raise OptionError("no address was given", where="base_url", remedy="such as http://127.0.0.1:11434/v1")
        self._name = options.model
        self._options = options
        self._key_env = options.api_key_env or KEY_ENV
        self._base_url = checked_base_url(options.base_url)
        server = Server(
            provider=self.provider,
            base_url=self._base_url,
            key=checked_key(options, default_env=self._key_env) if options.api_key else "",
            key_env=self._key_env,
            watched=tuple(sorted(_FORM_WORDS | _LIMIT_WORDS)),
        )
        self._session = OpenAISession(options, server)
        self.prices = PriceList(self._name, api_url=self._base_url)
        self._taken = _Taken()

    @property
    def provider(self) -> str:
        """Row of the BACKENDS table."""
        return "openai-compatible"

    @property
    def model(self) -> str:
        """Name, server and the parameters that change answers."""
        effort = f" effort={self._options.effort}" if self._options.effort else ""
        heat = f" temperature={self._options.temperature:g}" if self._options.temperature is not None else ""
        return f"{self._name} at {self._base_url}{effort}{heat}"

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Ask once; again only if the server refuses a parameter, which costs nothing.

        Raises:
            JudgeUnavailable: The same request may succeed later.
            JudgeMisuse: The same request will fail again.
        """
        taken: _Taken | None = self._taken
        while taken:  # each round gives one parameter up, so there are at most four
            try:
                answer = await self._session.post("/chat/completions", self._body(request, taken))
            except ProviderRefusal as refusal:
                if refusal.filtered:
                    return ChatReply("", "filtered", Usage(requests=1))
                taken = taken.without(refusal.named)
                if not taken:
                    raise
                continue
            self._taken = taken
            return self._read(answer)
        raise Failure(self.provider, self._key_env).misuse("the server takes no form of this request")

    def output_tokens(self, wanted: int) -> int:
        """Return the limit that is sent for a reply of so many tokens."""
        return self._options.output_tokens(wanted, unsaid="none")

    async def close(self) -> None:
        """Close the running loop's connections now rather than at its end."""
        await self._session.close()

    def _body(self, request: ChatRequest, taken: _Taken) -> dict[str, object]:
        options = self._options
        *tasks, judged = request.messages
        system = "\n\n".join((request.system, *tasks))
        if taken.form != "json_schema":
            system += _SCHEMA_NOTE + json.dumps(dict(request.schema))
        body: dict[str, object] = {
            "model": self._name,
            "messages": [{"role": "system", "content": system}, {"role": "user", "content": judged}],
            taken.limit: self.output_tokens(request.max_output_tokens),
        }
        if taken.form == "json_schema":
            form = {"name": "reply", "schema": dict(request.schema), "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        elif taken.form == "json_object":
            body["response_format"] = {"type": "json_object"}
        if options.effort:
            body["reasoning_effort"] = options.effort
        if options.temperature is not None:
            body["temperature"] = options.temperature
        return body

    def _read(self, answer: httpx2.Response) -> ChatReply:
        try:
            completion = _Completion.model_validate_json(answer.content)
        except ValidationError:  # its message holds the reply
            completion = None
        if completion is None or not completion.choices:
            request_id = answer.headers.get("x-request-id")
            raise Failure(self.provider, self._key_env, status=200, request_id=request_id).unreadable()
        choice = completion.choices[0]
        usage = self.prices.usage(completion.usage.tokens() if completion.usage else None)
        return ChatReply(choice.message.text(), choice.stop(), usage, rate_limits(answer.headers))


class _Part(BaseModel):
    type: str = "text"
    text: str = ""


class _Message(BaseModel):
    content: str | list[_Part] | None = None
    refusal: str | None = None

    def text(self) -> str:
        if isinstance(self.content, list):
            return "".join(part.text for part in self.content if part.type == "text")
        return self.content or ""


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None

    def stop(self) -> Stop:
        if self.message.refusal:
            return "refused"
        match self.finish_reason:
            case "length" | "max_tokens":
                return "truncated"
            case "content_filter":
                return "filtered"
            case _:
                return "complete"


class _PromptDetails(BaseModel):
    cached_tokens: int | None = None


class _UsageCounts(BaseModel):
    prompt_tokens: int
    completion_tokens: int = 0
    prompt_tokens_details: _PromptDetails | None = None

    def tokens(self) -> Tokens:
        cached = self.prompt_tokens_details.cached_tokens if self.prompt_tokens_details else None
        return Tokens(input=self.prompt_tokens, output=self.completion_tokens, cached=cached or 0)


def _if_told(value: object, read: ValidatorFunctionWrapHandler) -> object:
    try:
        return read(value)
    except ValidationError:  # counts in another form are no reason to lose the reply
        return None


class _Completion(BaseModel):
    """What counts of a chat completion."""

    choices: list[_Choice]
    usage: Annotated[_UsageCounts | None, WrapValidator(_if_told)] = None


_BACKEND: Final = HostedBackend("openai-compatible", build_model, KEY_ENV, keyless=True)

build_judge: Final = _BACKEND.chat_judge
build_estimate: Final = _BACKEND.chat_estimate
