"""One budget for workers on many machines: each is granted a part, asks for more, and gives back the rest.

What a worker that was killed had been granted counts as spent: some of it may have been billed.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from evaluator.backends.pricing import Budget
from evaluator.batch.database import Database, Transaction
from evaluator.batch.database_failures import DatabaseFailed
from evaluator.errors import JudgeMisuse

__all__ = ["Allotments", "Purse"]

_OWNER_BYTES: Final = 8
_REQUESTS: Final = 64  # worth of a grant, unless little is left: then a quarter of that, so that nobody starves


@dataclass(frozen=True, slots=True)
class Purse:
    """What a worker may know of the money that a run has.

    Attributes:
        spent_usd: Spent on the run before, by anybody.
        part: Returns this worker's part of a budget of so many dollars; ``None`` if it works alone.
    """

    spent_usd: float
    part: Callable[[float], Budget] | None = None


class Allotments:
    """One worker's parts of the budgets of runs. Safe to share between threads."""

    def __init__(self, database: Database) -> None:
        """Look at a database whose tables are there."""
        self._database = database
        self._owner = secrets.token_hex(_OWNER_BYTES)
        self._budgets: dict[str, Budget] = {}

    def purse(self, run: str, spent_usd: float) -> Purse:
        """Return what this worker may know of a run's money."""
        return Purse(spent_usd, partial(self.budget, run))

    def budget(self, run: str, max_cost_usd: float) -> Budget:
        """Return this worker's part of a run's budget; the same each time, until it is given back.

        Raises:
            JudgeMisuse: Nothing is left of it.
        """
        if run in self._budgets:
            return self._budgets[run]
        more = partial(self._grant, run, max_cost_usd)
        first = more(max_cost_usd * 1e-6)
        if not first:
            raise JudgeMisuse(
                f"the budget is reached: all of {max_cost_usd:g} US dollars is spent or granted to other workers",
                where="max_cost_usd",
                remedy="raise it, or grade fewer transcripts",
            )
        budget = self._budgets[run] = Budget(first, more=more)
        return budget

    def give_back(self) -> None:
        """Give back what wasn't spent, when nothing is in flight any more."""
        rows = [
            {"run": run, "owner": self._owner, "unspent": budget.unspent_usd} for run, budget in self._budgets.items()
        ]
        self._budgets.clear()
        with suppress(DatabaseFailed):  # what can't be given back counts as spent
            self._database.write(
                lambda transaction: transaction.run(
                    """UPDATE ev_allotments SET granted_usd = granted_usd - :unspent
                    WHERE run = :run AND owner = :owner""",
                    rows,
                )
            )

    def _grant(self, run: str, max_cost_usd: float, lacking_usd: float) -> float:
        """Return what is granted on top of what was: at least what is lacking, or nothing."""
        lock = " FOR UPDATE" if self._database.shared else ""

        def work(transaction: Transaction) -> float:
            transaction.rows(f"SELECT run FROM ev_runs WHERE run = :run{lock}", {"run": run})  # noqa: S608 - our own text
            ((granted,),) = transaction.rows(
                "SELECT coalesce(sum(granted_usd), 0) FROM ev_allotments WHERE run = :run", {"run": run}
            )
            left = max_cost_usd - float(granted)
            if left < lacking_usd:
                return 0.0
            grant = max(lacking_usd, min(left / 4, lacking_usd * _REQUESTS))
            transaction.run(
                """INSERT INTO ev_allotments VALUES (:run, :owner, :grant)
                ON CONFLICT (run, owner) DO UPDATE SET granted_usd = ev_allotments.granted_usd + :grant""",
                {"run": run, "owner": self._owner, "grant": grant},
            )
            return grant

        return self._database.write(work)
