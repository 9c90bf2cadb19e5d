"""What a request costs: prices from genai-prices, offline; and a budget that is kept before money is spent.

A model without a known price is ``priced: false`` and costs 0, a lower bound that says so; it is never guessed.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol

from evaluator.backends.chat_model import ChatModel, ChatReply, ChatRequest
from evaluator.backends.provider_failures import ProviderFailure
from evaluator.errors import JudgeError, JudgeMisuse, OptionError
from evaluator.values.usage import Usage

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo

__all__ = [
    "BATCH_SHARE",
    "Budget",
    "Budgeted",
    "PriceList",
    "PricedModel",
    "Tokens",
    "check_priced",
    "estimate_tokens",
    "most_usd",
    "request_tokens",
]

BATCH_SHARE: Final = 0.5
"""Share of the list price that both providers' batch endpoints ask."""

_MAYBE_BILLED: Final = (None, 200)  # no answer came, or one that nobody can read
_SETTLING_S: Final = 0.05  # how often a request that waits for others to be settled looks again
_MILLION: Final = 1_000_000
_TOO_MANY: Final = 1_000_000_000  # tokens of one request
_THOUSAND: Final = 1_000
_BYTES_PER_TOKEN: Final = 4
_TOKENS_PER_MESSAGE: Final = 8  # what the providers' own framing of a message adds


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of one request.

    Attributes:
        input: All input tokens, cached ones included.
        cached: Of these, read from the provider's cache.
        written: Of these, written to the cache, where that is billed apart.
        output: Reply and reasoning.
    """

    input: int
    output: int
    cached: int = 0
    written: int = 0


@dataclass(frozen=True, slots=True)
class PriceList:
    """Prices of one model.

    Attributes:
        model: Name of the model.
        provider_id: The provider's id in genai-prices; ``None`` if only its address is known.
        api_url: The provider's address, used if the id isn't known.
        share: Part of the list price that is paid, e.g. `BATCH_SHARE`.
    """

    model: str
    provider_id: str | None = None
    api_url: str | None = None
    share: float = 1.0

    def cost_usd(self, tokens: Tokens) -> float | None:
        """Return the price of a request in US dollars; ``None`` if nobody told what this model costs."""
        from genai_prices.types import calc_unit_price  # noqa: PLC0415 - 0.1 s that only those who ask a model pay

        listed = _listed(self.model, self.provider_id, self.api_url)
        if listed is None:
            return None
        prices = listed.get_prices(datetime.now(tz=UTC))
        cached = 0 if prices.cache_read_mtok is None else tokens.cached
        written = 0 if prices.cache_write_mtok is None else tokens.written
        plain = tokens.input - cached - written
        if plain < 0:
            return None
        total = (
            calc_unit_price(prices.input_mtok, plain, tokens.input, _MILLION)
            + calc_unit_price(prices.cache_read_mtok, cached, tokens.input, _MILLION)
            + calc_unit_price(prices.cache_write_mtok, written, tokens.input, _MILLION)
            + calc_unit_price(prices.output_mtok, tokens.output, tokens.input, _MILLION)
            + calc_unit_price(prices.requests_kcount, 1, tokens.input, _THOUSAND)
        )
        return float(total) * self.share

    def usage(self, tokens: Tokens | None) -> Usage:
        """Return the usage of one request; for ``None``, or for counts that can't be, one without counts."""
        counts = (tokens.input, tokens.output, tokens.cached, tokens.written) if tokens else ()
        if tokens is None or not all(0 <= count < _TOO_MANY for count in counts):
            return Usage(requests=1, priced=False)
        cost = self.cost_usd(tokens)
        return Usage(
            requests=1,
            input_tokens=tokens.input,
            cached_tokens=min(tokens.cached, tokens.input),
            output_tokens=tokens.output,
            cost_usd=cost or 0.0,
            priced=cost is not None,
        )


@lru_cache(maxsize=64)
def _listed(model: str, provider_id: str | None, api_url: str | None) -> ModelInfo | None:
    """Return the list's entry for a model whose prices make sense; ``None`` if there is none.

    The list's own sum checks all of that for each request anew, which takes more time than all else that is done here
    with a reply; a test holds ours against it.
    """
    import genai_prices  # noqa: PLC0415 - as above

    used = genai_prices.Usage(input_tokens=1, output_tokens=1)
    try:
        if provider_id:
            return genai_prices.calc_price(used, model, provider_id=provider_id).model
        return genai_prices.calc_price(used, model, provider_api_url=api_url or "").model
    except (LookupError, ValueError):
        return None


def estimate_tokens(text: str) -> int:
    """Estimate the tokens of a text before it is sent: a quarter of its UTF-8 bytes.

    English runs at 4.0 to 4.5 characters a token; other scripts take more bytes and more tokens alike.
    """
    return -(-len(text.encode("utf-8", "replace")) // _BYTES_PER_TOKEN)


def request_tokens(request: ChatRequest, output: int) -> Tokens:
    """Return the most that a request can use, by estimate, when its reply may take ``output`` tokens."""
    parts = (request.system, *request.messages, str(request.schema))
    return Tokens(input=sum(estimate_tokens(part) + _TOKENS_PER_MESSAGE for part in parts), output=output)


class Budget:
    """A sum that is not exceeded: reserved before a request, settled after. Safe to share between threads and loops."""

    def __init__(self, max_cost_usd: float, *, more: Callable[[float], float] | None = None) -> None:
        """Start with nothing spent.

        Args:
            max_cost_usd: The sum.
            more: Asked for what a request lacks, where the sum is part of one that several machines share; returns
                what it grants, 0 if nothing is left.
        """
        if not max_cost_usd > 0:
            raise OptionError(f"must be above zero, not {max_cost_usd:g}", where="max_cost_usd")
        self._max = max_cost_usd
        self._more = more
        self._spent = 0.0
        self._reserved = 0.0
        self._running = 0
        self._lock = threading.Lock()

    @property
    def spent_usd(self) -> float:
        """What was settled so far."""
        return self._spent

    @property
    def unspent_usd(self) -> float:
        """What is neither spent nor set aside."""
        with self._lock:
            return max(0.0, self._max - self._spent - self._reserved)

    def reserve(self, cost_usd: float) -> bool:
        """Set a sum aside for a request; False if it must wait until requests that run now are settled.

        Raises:
            JudgeMisuse: What is spent leaves too little, whatever the running requests turn out to cost.
        """
        with self._lock:
            lacking = self._spent + self._reserved + cost_usd - self._max
            if lacking > 0 and self._more is not None:
                self._max += self._more(lacking)
            if self._spent + self._reserved + cost_usd <= self._max:
                self._reserved += cost_usd
                self._running += 1
                return True
            if self._running and self._spent + cost_usd <= self._max:
                return False
            raise JudgeMisuse(
                f"the budget is reached: {self._spent:.4f} of {self._max:g} US dollars are spent, and the next request "
                f"could cost {cost_usd:.4f}",
                where="max_cost_usd",
                remedy="raise it, or grade fewer transcripts",
            )

    def settle(self, reserved_usd: float, cost_usd: float) -> None:
        """Give back what was set aside and count what the request cost."""
        with self._lock:
            self._running -= 1
            self._reserved = self._reserved - reserved_usd if self._running else 0.0
            self._spent += cost_usd

    def record(self, cost_usd: float) -> None:
        """Count what was paid before this budget could be asked: by an earlier run that this one goes on with."""
        with self._lock:
            self._spent += cost_usd


class PricedModel(ChatModel, Protocol):
    """A model that can say beforehand what a request may cost."""

    @property
    def prices(self) -> PriceList:
        """What its tokens cost."""
        ...

    def output_tokens(self, wanted: int) -> int:
        """Return the limit that is sent for a reply of so many tokens."""
        ...


def check_priced(prices: PriceList) -> None:
    """Check that a budget can be kept.

    Raises:
        JudgeMisuse: The model has no known price.
    """
    if prices.cost_usd(Tokens(1, 1)) is None:
        raise JudgeMisuse(
            f"the price of {prices.model!r} isn't known, so that no budget can be kept",
            where="max_cost_usd",
            remedy="leave it out for this model",
        )


def most_usd(model: PricedModel, request: ChatRequest) -> float:
    """Return the most that a request can cost, by estimate, whatever the provider has cached."""
    tokens = request_tokens(request, model.output_tokens(request.max_output_tokens))
    uncached = model.prices.cost_usd(tokens) or 0.0
    written = model.prices.cost_usd(replace(tokens, written=tokens.input)) or 0.0
    return max(uncached, written)


class Budgeted:
    """A `ChatModel` that asks another one only while the budget lasts."""

    def __init__(self, model: PricedModel, budget: Budget) -> None:
        """Wrap a model, below any retries, so that each request is counted.

        Raises:
            JudgeMisuse: The model has no known price, so that no budget can be kept.
        """
        check_priced(model.prices)
        self._model = model
        self._budget = budget

    @property
    def provider(self) -> str:
        """As the model's."""
        return self._model.provider

    @property
    def model(self) -> str:
        """As the model's."""
        return self._model.model

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Ask once, if the worst that it can cost is still there.

        A request without an answer, or with one that tells no tokens, counts at its estimate: it may have been billed.

        Raises:
            JudgeMisuse: The budget is reached; or as the model raises it.
            JudgeUnavailable: As the model raises it.
        """
        most = most_usd(self._model, request)
        while not self._budget.reserve(most):  # noqa: ASYNC110 - an Event belongs to one loop; a budget is shared by many
            await asyncio.sleep(_SETTLING_S)
        cost = most
        try:
            reply = await self._model.complete(request)
            cost = reply.usage.cost_usd if reply.usage.priced else most
        except JudgeError as error:
            cost = most if isinstance(error, ProviderFailure) and error.status in _MAYBE_BILLED else 0.0
            raise
        finally:
            self._budget.settle(most, cost)
        return reply
