"""What hosted judges may cost a tenant in a month: reserved before a call is paid, settled when its cost is known.

What is spent and what is reserved never exceed the budget together, however many ask at once and on however many
machines, as long as a call costs no more than was reserved for it; a call that does is counted in full. What a process
had reserved that died counts as spent until the reservation lapses: some of it may have been billed.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from evaluator.batch.database import Database, Transaction
from evaluator.service.problems import Problem
from evaluator.service.tenants.limits import NANO, nano
from evaluator.service.tenants.months import month_end_s, month_of
from evaluator.service.tenants.tables import lock

__all__ = ["BudgetExhausted", "Budgets", "Reservation", "Standing"]

_LAPSES_S: Final = 3600.0  # longer than any evaluation takes; `Budgets.renew` for what waits in a queue
_KEPT_S: Final = 40 * 86_400.0  # a cost that comes late is still counted once


class BudgetExhausted(Problem):
    """A tenant's budget doesn't allow a call; the month's end, or a larger budget, does."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """Money that nobody else may spend.

    Attributes:
        reservation: Id.
        tenant: Whose money it is.
        month: The month that it counts for.
        usd: How much.
    """

    reservation: str
    tenant: str
    month: str
    usd: float


@dataclass(frozen=True, slots=True)
class Standing:
    """A tenant's money in this month.

    Attributes:
        budget_usd: What it may spend; ``None`` without a budget.
        spent_usd: What it spent.
        reserved_usd: What is reserved for calls in flight.
        left_usd: What may be reserved still; ``None`` without a budget.
    """

    budget_usd: float | None
    spent_usd: float
    reserved_usd: float
    left_usd: float | None


class Budgets:
    """The budgets of one database's tenants. Safe to share between threads."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        """Look at a database whose tables are there."""
        self._database = database
        self._clock = clock

    def reserve(
        self, tenant: str, usd: float, *, name: str | None = None, lapses_after_s: float = _LAPSES_S
    ) -> Reservation:
        """Set aside what a call may cost at most. Nothing, as for a local judge, is always granted.

        Args:
            tenant: Whose money.
            usd: An upper estimate.
            name: Of what is paid for, so that it is set aside once, and `settle_named` finds it.
            lapses_after_s: When it is free again if it is neither settled nor renewed.

        Raises:
            BudgetExhausted: 402; it is more than is left.
            DatabaseFailed: It can't be written.
        """
        _check(usd)
        now = self._clock()
        held = f"hold_{secrets.token_hex(12)}" if name is None else _named(tenant, name)
        reservation = Reservation(held, tenant, month_of(now), usd)
        if usd == 0:
            return reservation
        values = {
            "reservation": reservation.reservation,
            "tenant": tenant,
            "month": reservation.month,
            "nano": nano(usd),
            "lapses_s": now + lapses_after_s,
            "long_ago": month_of(now - _KEPT_S),
        }

        def work(transaction: Transaction) -> Standing | None:
            lock(self._database, transaction, "spend", tenant)
            standing = _standing(transaction, tenant, now, besides=reservation.reservation)
            if standing.left is not None and nano(usd) > standing.left:
                return standing.told()
            transaction.run("DELETE FROM sv_spend WHERE tenant = :tenant AND month < :long_ago", values)
            transaction.run(
                """INSERT INTO sv_spend (reservation, tenant, month, nano, held, lapses_s)
                VALUES (:reservation, :tenant, :month, :nano, 1, :lapses_s) ON CONFLICT (reservation) DO NOTHING""",
                values,
            )
            return None

        refused = self._database.write(work)
        if refused is not None:
            raise _exhausted(refused, usd, now)
        return reservation

    def renew(self, reservation: Reservation, *, lapses_after_s: float = _LAPSES_S) -> None:
        """Let a reservation last longer, from now on.

        Raises:
            DatabaseFailed: It can't be written.
        """
        values = {
            "reservation": reservation.reservation,
            "tenant": reservation.tenant,
            "lapses_s": self._clock() + lapses_after_s,
        }
        self._database.write(
            lambda transaction: transaction.run(
                """UPDATE sv_spend SET lapses_s = :lapses_s
                WHERE reservation = :reservation AND tenant = :tenant AND held = 1""",
                values,
            )
        )

    def settle(self, reservation: Reservation, usd: float) -> None:
        """Count what a call really cost, in the month of its reservation; the rest is free again. Twice counts once.

        Raises:
            DatabaseFailed: It can't be written; the reservation still counts.
        """
        _check(usd)
        if reservation.usd or usd:
            self._database.write(lambda transaction: self._settle(transaction, reservation, usd))

    def settle_named(self, transaction: Transaction, tenant: str, name: str, usd: float) -> None:
        """Count what was paid for something that has a name, in the transaction that ends it; as `settle`."""
        _check(usd)
        self._settle(transaction, Reservation(_named(tenant, name), tenant, month_of(self._clock()), usd), usd)

    def close_named(self, transaction: Transaction, tenant: str, name: str, usd: float) -> None:
        """Count what was paid for something that is given up, and forget its reservation: it may be begun anew."""
        _check(usd)
        lock(self._database, transaction, "spend", tenant)
        values = {
            "reservation": _named(tenant, name),
            "tenant": tenant,
            "month": month_of(self._clock()),
            "nano": nano(usd),
        }
        transaction.run("DELETE FROM sv_spend WHERE reservation = :reservation AND tenant = :tenant", values)
        if usd:
            _add_spent(transaction, values)

    def _settle(self, transaction: Transaction, reservation: Reservation, usd: float) -> None:
        values = {
            "reservation": reservation.reservation,
            "tenant": reservation.tenant,
            "month": reservation.month,
            "nano": nano(usd),
            "now": self._clock(),
        }
        lock(self._database, transaction, "spend", reservation.tenant)
        counts = transaction.run(
            """UPDATE sv_spend SET held = 0, nano = :nano
            WHERE reservation = :reservation AND tenant = :tenant AND held = 1""",
            values,
        ) or transaction.run(  # nothing was reserved, or so long ago that it is gone
            """INSERT INTO sv_spend (reservation, tenant, month, nano, held, lapses_s)
            VALUES (:reservation, :tenant, :month, :nano, 0, :now) ON CONFLICT (reservation) DO NOTHING""",
            values,
        )
        if counts:
            _add_spent(transaction, values)

    def standing(self, tenant: str) -> Standing:
        """Return a tenant's money in this month.

        Raises:
            DatabaseFailed: It can't be read.
        """
        now = self._clock()
        return self._database.read(lambda transaction: _standing(transaction, tenant, now, besides="").told())

    def left_usd(self, tenant: str) -> float | None:
        """Return what may be reserved still; ``None`` without a budget.

        Raises:
            DatabaseFailed: It can't be read.
        """
        return self.standing(tenant).left_usd


@dataclass(frozen=True, slots=True)
class _Nanos:
    budget: int | None
    spent: int
    held: int

    @property
    def left(self) -> int | None:
        return None if self.budget is None else max(0, self.budget - self.spent - self.held)

    def told(self) -> Standing:
        budget, left = (None if value is None else value / NANO for value in (self.budget, self.left))
        return Standing(budget, self.spent / NANO, self.held / NANO, left)


def _standing(transaction: Transaction, tenant: str, now_s: float, *, besides: str) -> _Nanos:
    values = {"tenant": tenant, "month": month_of(now_s), "now": now_s, "besides": besides}
    budgets = transaction.rows("SELECT budget_nano FROM sv_tenants WHERE tenant = :tenant", values)
    spent = transaction.rows("SELECT spent_nano FROM sv_months WHERE tenant = :tenant AND month = :month", values)
    ((held,),) = transaction.rows(
        """SELECT coalesce(sum(nano), 0) FROM sv_spend WHERE tenant = :tenant AND month = :month AND held = 1
        AND lapses_s > :now AND reservation <> :besides""",
        values,
    )
    return _Nanos(budgets[0][0] if budgets else None, spent[0][0] if spent else 0, int(held))


def _named(tenant: str, name: str) -> str:
    """Return the reservation of a name, which two tenants may both use."""
    return f"{tenant} {name}"


def _add_spent(transaction: Transaction, values: Mapping[str, object]) -> None:
    transaction.run(
        """INSERT INTO sv_months (tenant, month, requests, evaluations, spent_nano)
        VALUES (:tenant, :month, 0, 0, :nano)
        ON CONFLICT (tenant, month) DO UPDATE SET spent_nano = sv_months.spent_nano + :nano""",
        values,
    )


def _check(usd: float) -> None:
    if not (math.isfinite(usd) and usd >= 0):
        raise ValueError("a cost is a number of dollars that isn't negative")


def _exhausted(standing: Standing, usd: float, now_s: float) -> BudgetExhausted:
    wait = math.ceil(month_end_s(now_s) - now_s)
    return BudgetExhausted(
        402,
        "budget_exhausted",
        "The month's budget is used up",
        detail=f"the call may cost {usd:.4f} US dollars, and {standing.left_usd or 0:.4f} are left of this month's "
        f"{standing.budget_usd or 0:.2f}",
        remedy="choose the local judge, which costs nothing, wait for the next month, or ask for a larger budget",
        headers={"Retry-After": str(wait)},
    )
