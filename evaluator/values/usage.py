"""What judging cost: requests, tokens, money and time; parts add up to a whole."""

from __future__ import annotations

from pydantic import Field

from evaluator.values.frozen import Frozen

__all__ = ["Usage"]


class Usage(Frozen):
    """What the evaluation cost."""

    requests: int = Field(default=0, ge=0, description="Calls to a model, retries included.")
    batched_requests: int = Field(
        default=0, ge=0, description="Of these, sent through a provider's batch API, at its lower price."
    )
    input_tokens: int = Field(default=0, ge=0, description="Cached tokens included.")
    cached_tokens: int = Field(default=0, ge=0, description="Input tokens read from a cache.")
    output_tokens: int = Field(default=0, ge=0, description="Tokens written.")
    cost_usd: float = Field(default=0.0, ge=0, description="Price of the tokens, US dollars.")
    priced: bool = Field(default=True, description="False if a price is unknown; then `cost_usd` is a lower bound.")
    duration_ms: float = Field(default=0.0, ge=0, description="Wall time from the call to the result.")

    def __add__(self, other: Usage) -> Usage:
        """Return the sum; it is priced only if both parts are."""
        return Usage(
            requests=self.requests + other.requests,
            batched_requests=self.batched_requests + other.batched_requests,
            input_tokens=self.input_tokens + other.input_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cost_usd=self.cost_usd + other.cost_usd,
            priced=self.priced and other.priced,
            duration_ms=self.duration_ms + other.duration_ms,
        )
