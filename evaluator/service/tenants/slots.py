"""How many evaluations of a tenant are in flight: counted in memory or in the database, as requests are in `rates`."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final, Protocol

from evaluator.batch.database import Database, Transaction
from evaluator.batch.database_failures import DatabaseFailed
from evaluator.service.problems import Problem
from evaluator.service.tenants.limits import TenantStore
from evaluator.service.tenants.tables import lock, waive_durability

__all__ = ["LocalPlaces", "Places", "SharedPlaces", "Slots", "make_places"]

_LAPSES_S: Final = 180.0  # a process that died gives its places back so late
_MARGIN_S: Final = 60.0  # beyond the longest evaluation, which mustn't lose its place
_RETRY_S: Final = 1


class Places(Protocol):
    """Counts the evaluations of tenants that are in flight."""

    waits: bool
    """Whether counting waits for a database."""

    def take(self, tenant: str, limit: int) -> str | None:
        """Take a place, if fewer than so many are taken; return it, or ``None``."""
        ...

    def give_back(self, tenant: str, place: str) -> None:
        """Give a place back."""
        ...


class LocalPlaces:
    """Places of one process. Safe to share between threads."""

    waits = False

    def __init__(self) -> None:
        """Begin with all of them free."""
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    def take(self, tenant: str, limit: int) -> str | None:
        """Take a place; see `Places`."""
        with self._lock:
            if self._taken[tenant] >= limit:
                return None
            self._taken[tenant] += 1
        return tenant

    def give_back(self, tenant: str, place: str) -> None:
        """Give a place back."""
        del place
        with self._lock:
            self._taken[tenant] -= 1
            if not self._taken[tenant]:
                del self._taken[tenant]


class SharedPlaces:
    """Places of all processes of one database. Safe to share between threads."""

    waits = True

    def __init__(
        self, database: Database, clock: Callable[[], float] = time.time, lapses_after_s: float = _LAPSES_S
    ) -> None:
        """Count in a database whose tables are there."""
        self._database = database
        self._clock = clock
        self._lapses_after_s = lapses_after_s

    def take(self, tenant: str, limit: int) -> str | None:
        """Take a place; see `Places`.

        Raises:
            DatabaseFailed: It can't be written.
        """
        now = self._clock()
        values = {
            "slot": f"slot_{secrets.token_hex(12)}",
            "tenant": tenant,
            "now": now,
            "lapses_s": now + self._lapses_after_s,
        }

        def work(transaction: Transaction) -> bool:
            waive_durability(self._database, transaction)
            lock(self._database, transaction, "slots", tenant)
            transaction.run("DELETE FROM sv_slots WHERE tenant = :tenant AND lapses_s <= :now", values)
            ((taken,),) = transaction.rows(
                "SELECT count(*) FROM sv_slots WHERE tenant = :tenant AND slot <> :slot", values
            )
            if taken >= limit:
                return False
            transaction.run(
                """INSERT INTO sv_slots (slot, tenant, lapses_s) VALUES (:slot, :tenant, :lapses_s)
                ON CONFLICT (slot) DO NOTHING""",
                values,
            )
            return True

        return str(values["slot"]) if self._database.write(work) else None

    def give_back(self, tenant: str, place: str) -> None:
        """Give a place back; one that can't be, lapses."""
        values = {"slot": place, "tenant": tenant}

        def work(transaction: Transaction) -> None:
            waive_durability(self._database, transaction)
            transaction.run("DELETE FROM sv_slots WHERE tenant = :tenant AND slot = :slot", values)

        with suppress(DatabaseFailed):
            self._database.write(work)


class Slots:
    """Lets a tenant have no more evaluations in flight than it may."""

    def __init__(self, tenants: TenantStore, places: Places) -> None:
        """Count in such places what these tenants may have."""
        self._tenants = tenants
        self._places = places

    @asynccontextmanager
    async def hold(self, tenant: str) -> AsyncGenerator[None]:
        """Hold a place for one evaluation while the block runs.

        Raises:
            Problem: 429; all of the tenant's places are taken.
            DatabaseFailed: It can't be counted.
        """
        place = await self._taken(tenant)
        try:
            yield
        finally:
            if place is not None and self._places.waits:
                await asyncio.shield(asyncio.to_thread(self._places.give_back, tenant, place))
            elif place is not None:
                self._places.give_back(tenant, place)

    async def _taken(self, tenant: str) -> str | None:
        if self._tenants.recalls(tenant) and not self._places.waits:
            return self._take(tenant)
        taking = asyncio.ensure_future(asyncio.to_thread(self._take, tenant))
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            taking.add_done_callback(lambda done: self._give_back_late(tenant, done))
            raise

    def _take(self, tenant: str) -> str | None:
        limit = self._tenants.limits(tenant).concurrency
        if limit is None:
            return None
        place = self._places.take(tenant, limit)
        if place is None:
            raise Problem(
                429,
                "concurrency_limit",
                "Too many evaluations at once",
                detail=f"{limit} evaluations are in flight already",
                remedy="wait until one of them has ended",
                headers={
                    "Retry-After": str(_RETRY_S),
                    "RateLimit-Policy": f'"evaluations";q={limit};qu="concurrent-requests"',
                },
            )
        return place

    def _give_back_late(self, tenant: str, taking: asyncio.Future[str | None]) -> None:
        """Give back what was taken for someone who no longer waits for it."""
        if not taking.cancelled() and taking.exception() is None and (place := taking.result()) is not None:
            if self._places.waits:
                asyncio.get_running_loop().run_in_executor(None, self._places.give_back, tenant, place)
            else:
                self._places.give_back(tenant, place)


def make_places(database: Database, clock: Callable[[], float] = time.time, longest_s: float = 0.0) -> Places:
    """Return where the evaluations of this database's tenants are counted; each may take so long."""
    if not database.shared:
        return LocalPlaces()
    return SharedPlaces(database, clock, max(_LAPSES_S, longest_s + _MARGIN_S))
