"""What judging may cost and did cost, booked to the tenant who asked: set aside before, counted after.

A judge on this machine costs nothing and is never refused. What one evaluation may cost at most is set aside for it;
for a batch, what it will cost by estimate, since the worst case of thousands of replies never comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from evaluator.batch.database import Transaction
from evaluator.batch.forecast import SAMPLE, Forecast, forecast
from evaluator.judges.building import build_estimate
from evaluator.rubric import Rubric
from evaluator.service.judges import JudgeRoom
from evaluator.service.problems import Problem
from evaluator.service.tenants.budgets import Budgets, Reservation
from evaluator.values.transcript import Transcript

__all__ = ["CALL_S", "Purser"]

_WAITING_S: Final = 7 * 86_400.0  # what waits in a queue may wait for its provider for days
CALL_S: Final = 3600.0  # longer than anybody waits for an answer


class Purser:
    """Keeps the accounts of tenants. Safe to share between threads."""

    def __init__(self, judges: JudgeRoom, budgets: Budgets) -> None:
        """Know what judges cost, and what tenants may spend."""
        self._judges = judges
        self._budgets = budgets

    def hold(  # noqa: PLR0913 - what a price depends on, and for how long it is needed
        self,
        tenant: str,
        judge: str,
        rubric: Rubric,
        transcript: Transcript,
        name: str,
        *,
        lapses_after_s: float = _WAITING_S,
    ) -> Reservation:
        """Set aside what one evaluation may cost at most.

        Args:
            tenant: Whose money.
            judge: Who judges.
            rubric: By what.
            transcript: What.
            name: Of what is paid for; the same name sets the same sum aside.
            lapses_after_s: When it is free again, should this process die before it is settled.

        Raises:
            BudgetExhausted: 402; it is more than is left.
            Problem: 422; the tenant has a budget, and nobody knows what this judge costs.
        """
        told = self._forecast(tenant, judge, rubric, [transcript], 1)
        return self._hold(tenant, told.most_usd if told else 0.0, name, lapses_after_s)

    def hold_batch(  # noqa: PLR0913, PLR0917 - what a price depends on, and for how long it is needed
        self,
        tenant: str,
        judge: str,
        rubric: Rubric,
        sample: Sequence[Transcript],
        count: int,
        name: str,
        *,
        lapses_after_s: float = _WAITING_S,
    ) -> Reservation:
        """Set aside what a batch will cost by estimate, weighed on some of its transcripts; as `hold`."""
        told = self._forecast(tenant, judge, rubric, sample[:SAMPLE], count)
        return self._hold(tenant, told.cost_usd if told else 0.0, name, lapses_after_s)

    def settle(self, held: Reservation, cost_usd: float) -> None:
        """Count what was really paid; the rest is free again."""
        self._budgets.settle(held, cost_usd)

    def settle_named(self, transaction: Transaction, tenant: str, judge: str, name: str, cost_usd: float) -> None:
        """Count what was paid for something that was held for under a name, in the transaction that ends it."""
        if self._judges.hosted(judge):
            self._budgets.settle_named(transaction, tenant, name, cost_usd)

    def close_named(self, transaction: Transaction, tenant: str, judge: str, name: str, cost_usd: float) -> None:
        """Count what was paid for something that is deleted before it ended; as `settle_named`."""
        if self._judges.hosted(judge):
            self._budgets.close_named(transaction, tenant, name, cost_usd)

    def _forecast(
        self, tenant: str, judge: str, rubric: Rubric, sample: Sequence[Transcript], count: int
    ) -> Forecast | None:
        """Return what it will take; ``None`` where it costs nothing, or the tenant may spend what it wants."""
        if not self._judges.hosted(judge) or self._budgets.left_usd(tenant) is None:
            return None
        return forecast(sample, count, rubric, build_estimate(self._judges.plan(judge)))

    def _hold(self, tenant: str, usd: float | None, name: str, lapses_after_s: float) -> Reservation:
        if usd is None:
            raise Problem(
                422,
                "unpriced_judge",
                "Nobody knows what this judge costs, so that no budget can be kept",
                where="judge",
                remedy="choose another of /v1/judges",
            )
        return self._budgets.reserve(tenant, usd, name=name, lapses_after_s=lapses_after_s)
