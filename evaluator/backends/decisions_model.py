"""OpenAI's decisions endpoint as a `ChatModel`: a probability for each yes-or-no question, and no text.

In: a `ChatRequest` whose schema is one object of numbers; each number's description is its question. Out: a reply whose
text is that object, with null where the model refused. So the budget, retries and recordings of chat models serve here
too. The endpoint takes no sampling parameter, no effort and no schema.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evaluator.backends.chat_model import ChatReply, ChatRequest
from evaluator.backends.chat_options import ChatOptions, checked_base_url, checked_key, require_extra
from evaluator.backends.openai_client import KEY_ENV, OPENAI_URL, OpenAISession, Server, rate_limits
from evaluator.backends.pricing import PriceList, Tokens
from evaluator.backends.provider_failures import Failure, ProviderRefusal
from evaluator.errors import OptionError
from evaluator.values.usage import Usage

if TYPE_CHECKING:
    import httpx2

__all__ = ["DEFAULT_MODEL", "MOST_QUESTIONS", "PROVIDER", "DecisionsModel", "build_model"]

PROVIDER: Final = "openai-decisions"
DEFAULT_MODEL: Final = "gpt-6-luna"  # the only one that the endpoint knows
MOST_QUESTIONS: Final = 400
"""Questions in one request; the endpoint's own limit."""

_INPUT_USD: Final = 0.10e-6
"""Price of an input token while the endpoint is in public beta, as OpenAI's price list gives it: $0.10 a million, and
nothing for output. It names no price for cached input, so that this is charged in full: at most too much is told."""

_KEY_CHARS: Final = 32  # the API takes cache keys of up to 64


def build_model(options: ChatOptions) -> DecisionsModel:
    """Build the model; nothing is imported or opened before it is asked.

    Raises:
        MissingExtra: The extra `openai` isn't installed.
        JudgeMisuse: There is no key.
        OptionError: The endpoint doesn't take an option.
    """
    require_extra("openai", "openai")
    return DecisionsModel(options)


@dataclass(frozen=True, slots=True)
class _DecisionPrices(PriceList):
    """Prices of the endpoint, which differ from those of the same model elsewhere."""

    def cost_usd(self, tokens: Tokens) -> float | None:
        """Return the price of a request; ``None`` at any other address than OpenAI's own."""
        return tokens.input * _INPUT_USD * self.share if self.api_url == OPENAI_URL else None


class DecisionsModel:
    """The endpoint's model. Safe to share between event loops and threads.

    Attributes:
        prices: What its tokens cost.
    """

    def __init__(self, options: ChatOptions) -> None:
        """Check the options.

        Raises:
            JudgeMisuse: There is no key.
            OptionError: The endpoint doesn't take an option.
        """
        self._name = options.model or DEFAULT_MODEL
        if self._name != DEFAULT_MODEL:
            raise OptionError(
                f"the decisions endpoint doesn't know {self._name!r}", where="model", remedy=f"use {DEFAULT_MODEL}"
            )
        for name, value in (("temperature", options.temperature), ("effort", options.effort)):
            if value is not None:
                raise OptionError("the decisions endpoint takes none", where=name, remedy="leave it out")
        self._key_env = options.api_key_env or KEY_ENV
        base_url = checked_base_url(options.base_url or OPENAI_URL)
        key = checked_key(options, default_env=KEY_ENV)
        server = Server(provider=PROVIDER, base_url=base_url, key=key, key_env=self._key_env)
        self._session = OpenAISession(options, server)
        self.prices: PriceList = _DecisionPrices(self._name, api_url=base_url)

    @property
    def provider(self) -> str:
        """Row of the BACKENDS table."""
        return PROVIDER

    @property
    def model(self) -> str:
        """Its name; there are no parameters that change answers."""
        return self._name

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Ask once.

        Raises:
            JudgeUnavailable: The same request may succeed later.
            JudgeMisuse: The same request will fail again, or its schema is not one of numbers.
        """
        questions = self._questions(request)
        try:
            answer = await self._session.post("/decisions", self.body(request))
        except ProviderRefusal as refusal:
            if refusal.filtered:
                return ChatReply("", "filtered", Usage(requests=1))
            raise
        return self._read(answer, [str(question["name"]) for question in questions])

    def output_tokens(self, wanted: int) -> int:  # noqa: ARG002 - the protocol's; nothing is written here
        """Return 0: no text is written."""
        return 0

    async def close(self) -> None:
        """Close the running loop's connections now rather than at its end."""
        await self._session.close()

    def body(self, request: ChatRequest) -> dict[str, object]:
        """Return the body of a request.

        Raises:
            JudgeMisuse: The schema is not one of numbers, or has none or too many.
        """
        messages = [{"type": "message", "role": "system", "content": request.system}]
        messages += [{"type": "message", "role": "user", "content": message} for message in request.messages]
        return {
            "model": self._name,
            "input": messages,
            "questions": self._questions(request),
            "prompt_cache_key": hashlib.sha256(f"{self._name}\0{request.system}".encode()).hexdigest()[:_KEY_CHARS],
        }

    def _questions(self, request: ChatRequest) -> list[dict[str, object]]:
        try:
            properties = _Schema.model_validate(request.schema).properties
        except ValidationError:
            properties = dict[str, _Asked]()
        if not 1 <= len(properties) <= MOST_QUESTIONS:
            raise Failure(PROVIDER, self._key_env).misuse(f"it takes 1 to {MOST_QUESTIONS} questions of yes or no")
        return [
            {"type": "predicate", "name": name, "instructions": asked.description} for name, asked in properties.items()
        ]

    def _read(self, answer: httpx2.Response, names: list[str]) -> ChatReply:
        try:
            decision = _Decision.model_validate_json(answer.content)
        except ValidationError:  # its message may hold what was asked
            decision = None
        if decision is None or not decision.answers_to(names):
            request_id = answer.headers.get("x-request-id")
            raise Failure(PROVIDER, self._key_env, status=200, request_id=request_id).unreadable()
        given = {name: one.probability for name, one in zip(names, decision.answers, strict=True)}
        usage = self.prices.usage(decision.usage.tokens() if decision.usage else None)
        return ChatReply(json.dumps(given), "complete", usage, rate_limits(answer.headers))


class _Asked(BaseModel):
    type: object
    description: str = Field(min_length=1)


class _Schema(BaseModel):
    """The form of reply that the endpoint can give."""

    properties: Mapping[str, _Asked]


class _Answer(BaseModel):
    """A probability, or a refusal."""

    model_config = ConfigDict(allow_inf_nan=False)

    type: Literal["predicate", "refusal"]
    name: str | None = None
    probability: float | None = Field(default=None, ge=0, le=1)


class _InputDetails(BaseModel):
    cached_tokens: int | None = None


class _UsageCounts(BaseModel):
    input_tokens: int
    output_tokens: int = 0
    input_tokens_details: _InputDetails | None = None

    def tokens(self) -> Tokens:
        cached = self.input_tokens_details.cached_tokens if self.input_tokens_details else None
        return Tokens(input=self.input_tokens, output=self.output_tokens, cached=cached or 0)


class _Decision(BaseModel):
    """What counts of an answer of the endpoint; answers stand in the order of the questions."""

    answers: list[_Answer]
    usage: _UsageCounts | None = None

    def answers_to(self, names: list[str]) -> bool:
        """Whether these are the answers to the questions of these names, each a probability or a refusal."""
        if [answer.name or name for answer, name in zip(self.answers, names, strict=False)] != names:
            return False
        whole = all((answer.type == "refusal") == (answer.probability is None) for answer in self.answers)
        return len(self.answers) == len(names) and whole
