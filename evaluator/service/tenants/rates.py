"""How often tenants call: counted in memory where one process serves, in the database where several may.

A process that works in its own folder is alone with it, so memory is enough, and a request costs no write; a restart
forgets at most a minute. Processes that share a Postgres share the counts too, so that the limit holds over all.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Protocol

from evaluator.batch.database import Database, Transaction
from evaluator.service.tenants.tables import lock, waive_durability
from evaluator.service.tenants.window import Passage, Window

__all__ = ["LocalRates", "Rates", "SharedRates", "make_rates"]


class Rates(Protocol):
    """Counts the requests of tenants."""

    waits: bool
    """Whether counting waits for a database."""

    def add(self, tenant: str, limit: int) -> Passage:
        """Count a request of a tenant that may send so many a minute, if it may pass."""
        ...


class LocalRates:
    """Counts of one process. Safe to share between threads."""

    waits = False

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """Begin with none."""
        self._clock = clock
        self._windows: dict[str, Window] = {}
        self._lock = threading.Lock()

    def add(self, tenant: str, limit: int) -> Passage:
        """Count a request; see `Rates`."""
        with self._lock:
            window, passage = self._windows.get(tenant, Window()).add(self._clock(), limit)
            self._windows[tenant] = window
        return passage


class SharedRates:
    """Counts of all processes of one database, whose clocks agree to a second. Safe to share between threads."""

    waits = True

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        """Count in a database whose tables are there."""
        self._database = database
        self._clock = clock

    def add(self, tenant: str, limit: int) -> Passage:
        """Count a request; see `Rates`.

        Raises:
            DatabaseFailed: It can't be counted.
        """

        def work(transaction: Transaction) -> Passage:
            waive_durability(self._database, transaction)
            lock(self._database, transaction, "rates", tenant)
            rows = transaction.rows("SELECT counts FROM sv_rates WHERE tenant = :tenant", {"tenant": tenant})
            window, passage = (_read(rows[0][0]) if rows else Window()).add(self._clock(), limit)
            transaction.run(
                """INSERT INTO sv_rates (tenant, counts) VALUES (:tenant, :counts)
                ON CONFLICT (tenant) DO UPDATE SET counts = :counts""",
                {"tenant": tenant, "counts": json.dumps(window.counts)},
            )
            return passage

        return self._database.write(work)


def make_rates(database: Database, clock: Callable[[], float] = time.time) -> Rates:
    """Return where the requests of this database's tenants are counted."""
    return SharedRates(database, clock) if database.shared else LocalRates(clock)


def _read(counts: str) -> Window:
    return Window(tuple((second, count) for second, count in json.loads(counts)))
