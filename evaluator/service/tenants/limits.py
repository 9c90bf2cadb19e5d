"""How much each tenant may ask for; limits belong to a tenant and hold for all of its keys together."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from evaluator.batch.database import Database, Row, Transaction
from evaluator.errors import OptionError
from evaluator.service.tenants.caller import LOCAL_TENANT
from evaluator.service.tenants.recent import Recent

__all__ = ["NANO", "NO_LIMITS", "Limits", "Tenant", "TenantStore", "check_name", "find_tenant", "nano"]

NANO: Final = 1_000_000_000  # money is added up in whole billionths of a dollar, so that no sum drifts
_LONGEST_NAME: Final = 100
_MOST: Final = 2**31 - 1
_MOST_USD: Final = 1e9


@dataclass(frozen=True, slots=True)
class Limits:
    """What a tenant may ask for; ``None`` doesn't limit it.

    Attributes:
        rate_per_minute: Most requests in any 60 seconds.
        concurrency: Most evaluations in flight.
        monthly_budget_usd: Most that hosted judges may cost in a calendar month, UTC.
    """

    rate_per_minute: int | None = None
    concurrency: int | None = None
    monthly_budget_usd: float | None = None

    def __post_init__(self) -> None:
        """Refuse figures without meaning.

        Raises:
            OptionError: A limit is no number in its range.
        """
        for name, value in (("rate_per_minute", self.rate_per_minute), ("concurrency", self.concurrency)):
            if value is not None and not 1 <= value <= _MOST:
                raise OptionError(f"it must be 1 to {_MOST}", where=name, remedy="give no limit, or one in that range")
        usd = self.monthly_budget_usd
        if usd is not None and not 0 <= usd <= _MOST_USD:
            raise OptionError(
                f"it must be 0 to {_MOST_USD:.0f}", where="monthly_budget_usd", remedy="give no limit, or such a sum"
            )


NO_LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True)
class Tenant:
    """One who has keys.

    Attributes:
        tenant: Id.
        name: What the operator calls it.
        limits: What it may ask for.
    """

    tenant: str
    name: str
    limits: Limits


class TenantStore:
    """The tenants of one database, whose tables are there. Safe to share between threads."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        """Look at a database."""
        self._database = database
        self._clock = clock
        self._recent: Recent[Limits] = Recent(clock)

    def limits(self, tenant: str) -> Limits:
        """Return what a tenant may ask for, as it was at most a few seconds ago; an unknown one isn't limited.

        Raises:
            DatabaseFailed: It can't be read.
        """
        if (known := self._recent.get(tenant)) is not None:
            return known[0]
        now = self._clock()
        rows = self._database.read(
            lambda transaction: transaction.rows(f"{_SELECT} WHERE tenant = :tenant", {"tenant": tenant})
        )
        return self._recent.put(tenant, _tenant(rows[0]).limits if rows else NO_LIMITS, now)

    def recalls(self, tenant: str) -> bool:
        """Return whether `limits` needs no look into the database now."""
        return self._recent.get(tenant) is not None

    def find(self, name: str) -> Tenant:
        """Return a tenant by its name or id.

        Raises:
            OptionError: There is none.
            DatabaseFailed: It can't be read.
        """
        found = self._database.read(lambda transaction: find_tenant(transaction, name))
        if found is None:
            raise OptionError("there is no such tenant", where="TENANT", remedy="evaluator keys list shows all")
        return found

    def ensure(self, name: str) -> Tenant:
        """Return the tenant of a name; it is made if there is none.

        The name ``local`` stands for the tenant that owns what was made before there were keys.

        Raises:
            OptionError: The name is empty, too long or not printable.
            DatabaseFailed: It can't be written.
        """
        check_name(name, "--tenant")
        values = {
            "tenant": LOCAL_TENANT if name == LOCAL_TENANT else f"tn_{secrets.token_hex(12)}",
            "name": name,
            "now": self._clock(),
        }

        def work(transaction: Transaction) -> Tenant:
            found = find_tenant(transaction, name)
            if found is None:
                transaction.run(
                    """INSERT INTO sv_tenants (tenant, name, created_s) VALUES (:tenant, :name, :now)
                    ON CONFLICT DO NOTHING""",
                    values,
                )
                found = find_tenant(transaction, name)
            return found or Tenant(str(values["tenant"]), name, NO_LIMITS)

        return self._database.write(work)

    def limit(self, tenant: str, limits: Limits) -> None:
        """Set what a tenant may ask for; in effect everywhere within seconds.

        Raises:
            DatabaseFailed: It can't be written.
        """
        usd = limits.monthly_budget_usd
        values = {
            "tenant": tenant,
            "rate": limits.rate_per_minute,
            "concurrency": limits.concurrency,
            "budget": None if usd is None else nano(usd),
        }
        self._database.write(
            lambda transaction: transaction.run(
                """UPDATE sv_tenants SET rate_per_minute = :rate, concurrency = :concurrency, budget_nano = :budget
                WHERE tenant = :tenant""",
                values,
            )
        )
        self._recent.drop(tenant)


_SELECT: Final = "SELECT tenant, name, rate_per_minute, concurrency, budget_nano FROM sv_tenants"


def find_tenant(transaction: Transaction, name: str) -> Tenant | None:
    """Return a tenant by its name or id, a name first."""
    rows = transaction.rows(f"{_SELECT} WHERE name = :name OR tenant = :name ORDER BY name <> :name", {"name": name})
    return _tenant(rows[0]) if rows else None


def nano(usd: float) -> int:
    """Return a sum of dollars in whole billionths, rounded up."""
    return math.ceil(round(usd * NANO, 3))


def check_name(name: str, where: str) -> None:
    """Refuse a name that a person couldn't read back.

    Raises:
        OptionError: It is empty, too long or not printable.
    """
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise OptionError(
            f"a name is 1 to {_LONGEST_NAME} printable characters", where=where, remedy="choose a plain name"
        )


def _tenant(row: Row) -> Tenant:
    tenant, name, rate, concurrency, budget = row
    return Tenant(tenant, name, Limits(rate, concurrency, None if budget is None else budget / NANO))
