"""The parts of webhooks, put together: what routes and jobs work with."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from evaluator.batch.database import Database
from evaluator.service.webhooks.courier import Courier, Limits
from evaluator.service.webhooks.deliveries import Deliveries
from evaluator.service.webhooks.endpoints import Endpoints
from evaluator.service.webhooks.guard import Guard
from evaluator.service.webhooks.ledger import Ledger
from evaluator.service.webhooks.outbox import Outbox
from evaluator.service.webhooks.schedule import Schedule
from evaluator.service.webhooks.sealing import Sealer
from evaluator.service.webhooks.sending import Sender, WebSender

__all__ = ["Webhooks"]


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Everything about webhooks of one service.

    Attributes:
        endpoints: Where tenants want to be told.
        deliveries: What became of messages.
        outbox: Takes events, within the transaction of what they tell of.
        courier: Delivers them from its `start` to its `close`.
    """

    endpoints: Endpoints
    deliveries: Deliveries
    outbox: Outbox
    courier: Courier

    @classmethod
    def over(  # noqa: PLR0913 - each with a usual value
        cls,
        database: Database,
        guard: Guard,
        sealer: Sealer,
        *,
        schedule: Schedule | None = None,
        limits: Limits | None = None,
        sender: Callable[[], Sender] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> Webhooks:
        """Put the parts together over a database that has their tables.

        Args:
            database: Of the service.
            guard: Says where messages may go.
            sealer: Seals the secrets of endpoints.
            schedule: When failed attempts are repeated; as the specification recommends if ``None``.
            limits: How much the courier does at a time.
            sender: Makes what sends; over the network if ``None``.
            clock: Seconds of the epoch.
        """
        schedule = schedule or Schedule()
        outbox = Outbox(schedule.steps, clock)
        ledger = Ledger(database, sealer, schedule, clock)
        return cls(
            Endpoints(database, guard, sealer, clock),
            Deliveries(database, outbox, clock),
            outbox,
            Courier(ledger, sender or (lambda: WebSender(guard)), limits=limits, clock=clock),
        )
