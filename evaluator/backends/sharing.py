"""What judges share that are built from one set of options: a gate for each provider, and one budget.

Apart from the judges so that nothing is shared by accident: whoever builds several judges hands all of them the same
value, and two that were built apart know nothing of each other.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from evaluator.backends.chat_options import ChatOptions
from evaluator.backends.gate import Gate
from evaluator.backends.pace import Pace
from evaluator.backends.pricing import Budget

__all__ = ["Sharing"]


@dataclass(slots=True)
class _Gates:
    """Gates by provider and address.

    Attributes:
        opened: The gates.
        together: Most requests in flight that all machines together may have at each; ``None`` sets no limit.
        sharers: How many machines there are.
        lock: Held while any of this is looked at.
    """

    opened: dict[tuple[str, str | None], Gate] = field(default_factory=dict[tuple[str, str | None], Gate])
    together: dict[tuple[str, str | None], int | None] = field(default_factory=dict[tuple[str, str | None], int | None])
    sharers: int = 1
    lock: threading.Lock = field(default_factory=threading.Lock)


class Sharing:
    """Gates by provider and address, and a budget. Safe to share between threads and event loops.

    Where several machines ask one provider, each keeps to an equal share of its limits. The queue that they take their
    work from could count too, but it counts shards of many transcripts, not requests: a limit of its own would neither
    hold nor be used up.
    """

    def __init__(self, budget: Budget | None = None, *, gates: _Gates | None = None) -> None:
        """Start with no gate and nothing spent.

        Args:
            budget: For whatever sum; one for each sum if not given.
            gates: Those of another sharing.
        """
        self._gates = gates or _Gates()
        self._budgets: dict[float, Budget] = {}
        self._given = budget

    def gate(self, provider: str, options: ChatOptions) -> Gate:
        """Return the gate of a provider at its address; opened at the first call, with the limits of that call."""
        key, gates = (provider, options.base_url), self._gates
        with gates.lock:
            if key not in gates.opened:
                pace = Pace(options.requests_per_minute) if options.requests_per_minute else None
                gates.opened[key] = Gate(provider, options.concurrency, pace=pace)
                gates.together[key] = options.global_concurrency
                gates.opened[key].share(gates.sharers, gates.together[key])
            return gates.opened[key]

    def share(self, sharers: int) -> None:
        """Keep to an equal share of every provider's limits, of so many machines that ask it."""
        gates = self._gates
        with gates.lock:
            gates.sharers = sharers
            for key, gate in gates.opened.items():
                gate.share(sharers, gates.together[key])

    def with_budget(self, budget: Budget) -> Sharing:
        """Return what shares these gates, and this budget for whatever sum."""
        return Sharing(budget, gates=self._gates)

    @property
    def spent_usd(self) -> float:
        """What all budgets that were begun here count as spent: answers, and what may have been billed without one."""
        with self._gates.lock:
            return sum(budget.spent_usd for budget in self._budgets.values())

    def budget(self, max_cost_usd: float) -> Budget:
        """Return the budget of that sum; begun at the first call."""
        if self._given is not None:
            return self._given
        with self._gates.lock:
            return self._budgets.setdefault(max_cost_usd, Budget(max_cost_usd))
