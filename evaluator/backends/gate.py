"""What all judges of one provider share: how many requests are in flight, and whether the provider is there."""

from __future__ import annotations

import time
from collections.abc import Callable

from evaluator.backends.circuit import Breaker
from evaluator.backends.concurrency import Limiter
from evaluator.backends.pace import Pace
from evaluator.backends.provider_failures import ProviderFailure
from evaluator.errors import JudgeUnavailable

__all__ = ["Gate"]


class Gate:
    """What all judges of one provider share: how many requests are in flight, and whether the provider is there."""

    def __init__(
        self,
        provider: str,
        concurrency: int = 64,
        *,
        breaker: Breaker | None = None,
        pace: Pace | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open a gate.

        Args:
            provider: Row of the BACKENDS table, for messages.
            concurrency: Never more requests in flight than this.
            breaker: With other figures than the usual ones.
            pace: Most requests a minute; ``None`` sets no limit.
            clock: Seconds, never going back.
        """
        self.provider = provider
        self.limiter = Limiter(concurrency, clock=clock)
        self.breaker = breaker or Breaker(clock=clock)
        self.pace = pace
        self._concurrency = concurrency

    def share(self, sharers: int, together: int | None = None) -> None:
        """Keep to an equal share of what several machines may do.

        Args:
            sharers: How many ask the provider, this one included.
            together: Most requests in flight of all of them, though each may have one; ``None`` sets no limit.
        """
        if self.pace is not None:
            self.pace.share(sharers)
        if together is not None:
            self.limiter.set_cap(min(self._concurrency, max(1, together // max(1, sharers))))

    def failed(self, error: JudgeUnavailable, halvings: int) -> None:
        """Draw the conclusions from a failed request."""
        throttled = isinstance(error, ProviderFailure) and error.throttled
        overloaded = isinstance(error, ProviderFailure) and error.overloaded
        if throttled or overloaded:
            self.limiter.complained(halvings, error.retry_after_s)
        if throttled:
            self.breaker.answered()
        else:
            self.breaker.failed()
