"""The parts of webhooks, put together: what routes and jobs work with."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from evaluator.batch.database import Database
from evaluator.service.config import ServiceConfig
from evaluator.service.webhooks.courier import Courier, Limits
from evaluator.service.webhooks.deliveries import Deliveries
from evaluator.service.webhooks.endpoints import Endpoints
from evaluator.service.webhooks.guard import Guard
from evaluator.service.webhooks.ledger import Ledger
from evaluator.service.webhooks.outbox import Outbox
from evaluator.service.webhooks.schedule import Schedule
from evaluator.service.webhooks.sealing import Sealer, check_sealer
from evaluator.service.webhooks.sending import Sender, WebSender

__all__ = ["Webhooks", "open_webhooks"]

_KEY_FILE: Final = "webhooks.key"
_DAY_S: Final = 86_400.0


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
        kept_s: float = 30 * _DAY_S,
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
            kept_s: How long messages and their deliveries are kept.
        """
        schedule = schedule or Schedule()
        outbox = Outbox(schedule.steps, clock)
        ledger = Ledger(database, sealer, schedule, clock=clock, kept_s=kept_s)
        return cls(
            Endpoints(database, guard, sealer, clock),
            Deliveries(database, outbox, clock),
            outbox,
            Courier(ledger, sender or (lambda: WebSender(guard)), limits=limits, clock=clock),
        )


def open_webhooks(database: Database, config: ServiceConfig, clock: Callable[[], float] = time.time) -> Webhooks:
    """Build the webhooks of a service over its database, by what its operator decided.

    Raises:
        OptionError: A network isn't one, or the key can't be used, or isn't that of the database.
        DatabaseFailed: The database can't be used.
    """
    key = config.webhook_key
    sealer = Sealer.of_file(config.data / _KEY_FILE) if key is None else Sealer.of_text(key.get_secret_value())
    check_sealer(database, sealer)
    return Webhooks.over(
        database,
        Guard.of(allow_private=config.private_webhooks, networks=config.webhook_networks),
        sealer,
        clock=clock,
        kept_s=config.retention_days * _DAY_S,
    )
