"""How many requests and evaluations each tenant had this month.

Counted in memory and written every few seconds: a process that is killed forgets the last of them. What was spent is
not among them; it is kept exactly (see `budgets`).
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from evaluator.batch.database import Database, Transaction
from evaluator.batch.database_failures import DatabaseFailed
from evaluator.service.tenants.months import month_of

__all__ = ["UsageCounts", "Used"]

_EVERY_S: Final = 5.0

_Counted = Literal["requests", "evaluations"]


@dataclass(frozen=True, slots=True)
class Used:
    """What a tenant had in a month.

    Attributes:
        requests: Requests that were let in.
        evaluations: Evaluations that ended.
    """

    requests: int
    evaluations: int


class UsageCounts:
    """Counts of one process, added to those of its database. Safe to share between threads."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        """Add to a database whose tables are there."""
        self._database = database
        self._clock = clock
        self._counts: Counter[tuple[str, str, _Counted]] = Counter()
        self._written_s = clock()
        self._lock = threading.Lock()

    def add(self, tenant: str, what: _Counted, count: int = 1) -> None:
        """Count something of a tenant."""
        with self._lock:
            self._counts[tenant, month_of(self._clock()), what] += count

    def due(self) -> bool:
        """Return whether counts have waited long enough to be written."""
        return bool(self._counts) and not 0 <= self._clock() - self._written_s < _EVERY_S

    def flush(self) -> None:
        """Write what was counted; if the database is away, later."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
            self._written_s = self._clock()
        if not counts:
            return
        months = sorted({(tenant, month) for tenant, month, _ in counts})
        rows = [
            {
                "tenant": tenant,
                "month": month,
                "requests": counts[tenant, month, "requests"],
                "evaluations": counts[tenant, month, "evaluations"],
            }
            for tenant, month in months
        ]

        def work(transaction: Transaction) -> None:
            transaction.run(
                """INSERT INTO sv_months (tenant, month, requests, evaluations, spent_nano)
                VALUES (:tenant, :month, :requests, :evaluations, 0)
                ON CONFLICT (tenant, month) DO UPDATE SET requests = sv_months.requests + :requests,
                    evaluations = sv_months.evaluations + :evaluations""",
                rows,
            )

        try:
            self._database.write(work)
        except DatabaseFailed:
            with self._lock:
                self._counts.update(counts)

    def used(self, tenant: str) -> Used:
        """Return what a tenant had this month, with what this process counted until now.

        Raises:
            DatabaseFailed: It can't be read.
        """
        self.flush()
        values = {"tenant": tenant, "month": month_of(self._clock())}
        rows = self._database.read(
            lambda transaction: transaction.rows(
                "SELECT requests, evaluations FROM sv_months WHERE tenant = :tenant AND month = :month", values
            )
        )
        return Used(*rows[0]) if rows else Used(0, 0)
