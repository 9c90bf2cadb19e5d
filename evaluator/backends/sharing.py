"""What judges share that are built from one set of options: a gate for each provider, and one budget.

Apart from the judges so that nothing is shared by accident: whoever builds several judges hands all of them the same
value, and two that were built apart know nothing of each other.
"""

from __future__ import annotations

import threading

from evaluator.backends.chat_options import ChatOptions
from evaluator.backends.pace import Pace
from evaluator.backends.patience import Gate
from evaluator.backends.pricing import Budget

__all__ = ["Sharing"]


class Sharing:
    """Gates by provider and address, and a budget. Safe to share between threads and event loops.

    Where several machines ask one provider, each keeps to an equal share of its limits. The queue that they take their
    work from could count too, but it counts shards of many transcripts, not requests: a limit of its own would neither
    hold nor be used up.
    """

    def __init__(self) -> None:
        """Start with no gate and nothing spent."""
        self._lock = threading.Lock()
        self._sharers = 1
        self._gates: dict[tuple[str, str | None], Gate] = {}
        self._together: dict[tuple[str, str | None], int | None] = {}
        self._budgets: dict[float, Budget] = {}
        self._given: Budget | None = None

    def gate(self, provider: str, options: ChatOptions) -> Gate:
        """Return the gate of a provider at its address; opened at the first call, with the limits of that call."""
        key = provider, options.base_url
        with self._lock:
            if key not in self._gates:
                pace = Pace(options.requests_per_minute) if options.requests_per_minute else None
                self._gates[key] = Gate(provider, options.concurrency, pace=pace)
                self._together[key] = options.global_concurrency
                self._gates[key].share(self._sharers, self._together[key])
            return self._gates[key]

    def share(self, sharers: int) -> None:
        """Keep to an equal share of every provider's limits, of so many machines that ask it."""
        with self._lock:
            self._sharers = sharers
            for key, gate in self._gates.items():
                gate.share(sharers, self._together[key])

    def with_budget(self, budget: Budget) -> Sharing:
        """Return what shares these gates, and this budget for whatever sum."""
        other = Sharing()
        other._lock, other._gates, other._given = self._lock, self._gates, budget
        return other

    def budget(self, max_cost_usd: float) -> Budget:
        """Return the budget of that sum; begun at the first call."""
        if self._given is not None:
            return self._given
        with self._lock:
            return self._budgets.setdefault(max_cost_usd, Budget(max_cost_usd))
