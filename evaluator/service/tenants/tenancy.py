"""All that a service knows of its tenants, over one database."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from evaluator.batch.database import Database
from evaluator.service.tenants.budgets import Budgets
from evaluator.service.tenants.door import Door
from evaluator.service.tenants.keys import KeyStore
from evaluator.service.tenants.limits import TenantStore
from evaluator.service.tenants.rates import Rates, make_rates
from evaluator.service.tenants.slots import Slots, make_places
from evaluator.service.tenants.usage import UsageCounts

__all__ = ["Tenancy"]


@dataclass(frozen=True, slots=True)
class Tenancy:
    """The parts, to be shared by all requests.

    Attributes:
        tenants: Who may ask for how much.
        keys: Who is who.
        rates: How often they called.
        slots: How many evaluations they have in flight.
        budgets: What they may spend.
        usage: What they had this month.
        door: Lets requests in.
        clock: Seconds since 1970.
    """

    tenants: TenantStore
    keys: KeyStore
    rates: Rates
    slots: Slots
    budgets: Budgets
    usage: UsageCounts
    door: Door
    clock: Callable[[], float]

    @classmethod
    def over(cls, database: Database, clock: Callable[[], float] = time.time, *, longest_s: float = 0.0) -> Self:
        """Build all parts over a database whose tables are there, for evaluations that take so long at most."""
        tenants, keys = TenantStore(database, clock), KeyStore(database, clock)
        rates, usage = make_rates(database, clock), UsageCounts(database, clock)
        return cls(
            tenants=tenants,
            keys=keys,
            rates=rates,
            slots=Slots(tenants, make_places(database, clock, longest_s)),
            budgets=Budgets(database, clock),
            usage=usage,
            door=Door(keys, tenants, rates, usage),
            clock=clock,
        )
