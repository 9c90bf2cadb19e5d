"""What asking a hosted model will take, told before anything is sent: requests in, tokens and prices out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Protocol

from evaluator.backends.chat_model import ChatRequest
from evaluator.backends.pricing import PricedModel, Tokens, estimate_tokens, request_tokens
from evaluator.judging import Case

__all__ = ["NOTHING", "Estimate", "estimated"]

_REPLY_SHARE: Final = 0.6
"""Part of a reply's limit that replies take: 90 to 160 of the 220 tokens allowed for a verdict. Tokens that a model
thinks with come on top, and nobody can tell them before."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What asking about one case will take; tokens by estimate.

    Attributes:
        requests: Calls, if none is repeated.
        static_tokens: Input that is the same for every transcript, which the provider can cache.
        transcript_tokens: Input that is this transcript's, tasks included.
        reply_tokens: Output, as replies usually are; without what a model thinks with.
        cost_usd: Price if nothing is cached yet; ``None`` if nobody told what this model costs.
        cached_cost_usd: Price once the static part is cached; likewise.
        most_usd: Price if every reply, thinking included, takes all that it may; likewise.
    """

    requests: int
    static_tokens: int
    transcript_tokens: int
    reply_tokens: int
    cost_usd: float | None
    cached_cost_usd: float | None
    most_usd: float | None

    def __add__(self, other: Estimate) -> Estimate:
        """Return the sum; a price is known only if both parts have one."""
        return Estimate(
            self.requests + other.requests,
            self.static_tokens + other.static_tokens,
            self.transcript_tokens + other.transcript_tokens,
            self.reply_tokens + other.reply_tokens,
            _sum(self.cost_usd, other.cost_usd),
            _sum(self.cached_cost_usd, other.cached_cost_usd),
            _sum(self.most_usd, other.most_usd),
        )


NOTHING: Final = Estimate(0, 0, 0, 0, 0.0, 0.0, 0.0)
"""What a judge on this machine takes."""


class _Asking(Protocol):
    """A judge that can say what it would send."""

    def requests(self, case: Case) -> list[ChatRequest]: ...


def estimated(judge: _Asking, model: PricedModel, case: Case) -> Estimate:
    """Return what asking about a case will take."""
    return sum((_of_request(request, model) for request in judge.requests(case)), NOTHING)


def _of_request(request: ChatRequest, model: PricedModel) -> Estimate:
    most = request_tokens(request, model.output_tokens(request.max_output_tokens))
    judged = sum(estimate_tokens(message) for message in request.messages)
    reply = round(request.max_output_tokens * _REPLY_SHARE)
    static = most.input - judged
    return Estimate(
        requests=1,
        static_tokens=static,
        transcript_tokens=judged,
        reply_tokens=reply,
        cost_usd=_uncached_usd(model, Tokens(input=most.input, output=reply), static),
        cached_cost_usd=model.prices.cost_usd(Tokens(input=most.input, output=reply, cached=static)),
        most_usd=_uncached_usd(model, most, static),
    )


def _uncached_usd(model: PricedModel, tokens: Tokens, static: int) -> float | None:
    """Return the price while nothing is cached yet: some providers take more for what they write to their cache."""
    prices = [model.prices.cost_usd(tokens), model.prices.cost_usd(replace(tokens, written=static))]
    known = [price for price in prices if price is not None]
    return max(known) if known else None


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other
