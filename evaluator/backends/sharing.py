"""What judges share that are built from one set of options: a gate for each provider, and one budget.

Apart from the judges so that nothing is shared by accident: whoever builds several judges hands all of them the same
value, and two that were built apart know nothing of each other.
"""

from __future__ import annotations

import threading

from evaluator.backends.pace import Pace
from evaluator.backends.patience import Gate
from evaluator.backends.pricing import Budget

__all__ = ["Sharing"]


class Sharing:
    """Gates by provider and address, and a budget. Safe to share between threads and event loops."""

    def __init__(self) -> None:
        """Start with no gate and nothing spent."""
        self._lock = threading.Lock()
        self._gates: dict[tuple[str, str | None], Gate] = {}
        self._budgets: dict[float, Budget] = {}
        self._given: Budget | None = None

    def gate(self, provider: str, base_url: str | None, concurrency: int, per_minute: float | None = None) -> Gate:
        """Return the gate of a provider at an address; opened at the first call."""
        with self._lock:
            if (provider, base_url) not in self._gates:
                pace = Pace(per_minute) if per_minute else None
                self._gates[provider, base_url] = Gate(provider, concurrency, pace=pace)
            return self._gates[provider, base_url]

    def share(self, sharers: int) -> None:
        """Keep to an equal share of every provider's rate, of so many machines that ask it."""
        with self._lock:
            for gate in self._gates.values():
                if gate.pace is not None:
                    gate.pace.share(sharers)

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
