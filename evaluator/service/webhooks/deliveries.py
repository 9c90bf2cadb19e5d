"""What a tenant sees of its deliveries, and may ask of them: a list with every attempt, a test, a replay."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from evaluator.batch.database import Database, Row, Transaction
from evaluator.service.webhooks.endpoint import Endpoint, EndpointDisabled, EndpointMissing, find_endpoint
from evaluator.service.webhooks.outbox import Outbox
from evaluator.service.webhooks.sending import Failure

__all__ = ["Attempt", "Deliveries", "Delivery", "DeliveryStatus"]

DeliveryStatus = Literal["pending", "delivered", "failed"]
_SELECT: Final = """SELECT d.number, d.delivery, d.message, m.type, d.status, d.created_s, d.due_s, d.finished_s
    FROM sv_webhook_deliveries d JOIN sv_webhook_messages m ON m.message = d.message AND m.tenant = d.tenant
    WHERE d.tenant = :tenant AND d.endpoint = :endpoint"""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request to a receiver.

    Attributes:
        at_s: When it began, seconds of the epoch.
        duration_s: How long it took.
        code: Status of the answer; ``None`` if there was none.
        error: Why it failed; ``None`` if it was delivered.
    """

    at_s: float
    duration_s: float
    code: int | None
    error: Failure | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message on its way to one endpoint.

    Attributes:
        id: ``wd_`` and 24 hex digits.
        message: Id that the receiver knows it by, the same at every attempt and replay.
        event: Its type.
        status: Where it stands.
        created_s: When the event happened, seconds of the epoch.
        next_s: When the next attempt is due; ``None`` if none is.
        finished_s: When it was delivered or given up; ``None`` while it is pending.
        attempts: All that were made, the oldest first.
    """

    id: str
    message: str
    event: str
    status: DeliveryStatus
    created_s: float
    next_s: float | None
    finished_s: float | None
    attempts: tuple[Attempt, ...]


class Deliveries:
    """The deliveries of all tenants, each seen by its own alone. Safe to share between threads."""

    def __init__(self, database: Database, outbox: Outbox, clock: Callable[[], float] = time.time) -> None:
        """Hold what is needed.

        Args:
            database: With the tables of webhooks.
            outbox: Takes test events.
            clock: Seconds of the epoch.
        """
        self._database = database
        self._outbox = outbox
        self._clock = clock

    def page(
        self,
        tenant: str,
        endpoint: str,
        *,
        status: DeliveryStatus | None = None,
        before: int = 2**62,
        limit: int = 50,
    ) -> tuple[list[Delivery], int | None]:
        """Return deliveries of an endpoint, newest first, and the number to go on from, if there are more.

        Args:
            tenant: Whose they are.
            endpoint: Where they go.
            status: Only those that stand so.
            before: Number of the delivery behind which to begin.
            limit: How many, at most.

        Raises:
            EndpointMissing: The tenant has no such endpoint.
        """
        values: dict[str, object] = {"tenant": tenant, "endpoint": endpoint, "before": before, "limit": limit + 1}
        narrowed = ""
        if status is not None:
            values["status"], narrowed = status, " AND d.status = :status"

        def work(transaction: Transaction) -> tuple[list[Delivery], int | None]:
            find_endpoint(transaction, tenant, endpoint)
            rows = transaction.rows(
                f"{_SELECT} AND d.number < :before{narrowed} ORDER BY d.number DESC LIMIT :limit", values
            )
            more = rows[limit - 1][0] if len(rows) > limit else None
            return _with_attempts(transaction, tenant, rows[:limit]), more

        return self._database.read(work)

    def get(self, tenant: str, endpoint: str, delivery: str) -> Delivery:
        """Return one delivery.

        Raises:
            EndpointMissing: The tenant has no such endpoint, or it no such delivery.
        """
        return self._database.read(lambda transaction: _one(transaction, tenant, endpoint, delivery))

    def test(self, tenant: str, endpoint: str) -> Delivery:
        """Send a test event to an endpoint, in one attempt; return its delivery, which is pending yet.

        Raises:
            EndpointMissing: The tenant has no such endpoint.
            EndpointDisabled: Nothing is sent there.
        """

        def work(transaction: Transaction) -> Delivery:
            _enabled(find_endpoint(transaction, tenant, endpoint))
            return _one(transaction, tenant, endpoint, self._outbox.add_test(transaction, tenant, endpoint))

        return self._database.write(work)

    def replay(self, tenant: str, endpoint: str, delivery: str) -> Delivery:
        """Send a message again, at once and with all its attempts before it, whatever became of it so far.

        Raises:
            EndpointMissing: The tenant has no such endpoint, or it no such delivery.
            EndpointDisabled: Nothing is sent there.
        """
        values = {"tenant": tenant, "endpoint": endpoint, "delivery": delivery, "now": self._clock()}

        def work(transaction: Transaction) -> Delivery:
            _enabled(find_endpoint(transaction, tenant, endpoint))
            # Without its lease, an attempt that is under way no longer decides what becomes of the delivery.
            transaction.run(
                """UPDATE sv_webhook_deliveries
                SET status = 'pending', step = 0, due_s = :now, lease = NULL, finished_s = NULL
                WHERE delivery = :delivery AND endpoint = :endpoint AND tenant = :tenant""",
                values,
            )
            return _one(transaction, tenant, endpoint, delivery)

        return self._database.write(work)


def _one(transaction: Transaction, tenant: str, endpoint: str, delivery: str) -> Delivery:
    rows = transaction.rows(
        f"{_SELECT} AND d.delivery = :delivery", {"tenant": tenant, "endpoint": endpoint, "delivery": delivery}
    )
    if not rows:
        raise EndpointMissing(
            "there is no such delivery", where="delivery", remedy="list them with GET /v1/webhooks/{id}/deliveries"
        )
    return _with_attempts(transaction, tenant, rows)[0]


def _with_attempts(transaction: Transaction, tenant: str, rows: Sequence[Row]) -> list[Delivery]:
    if not rows:
        return []
    made = transaction.rows(
        """SELECT delivery, at_s, duration_s, code, error FROM sv_webhook_attempts
        WHERE tenant = :tenant AND delivery IN :deliveries ORDER BY delivery, number""",
        {"tenant": tenant, "deliveries": [row[1] for row in rows]},
    )
    attempts: dict[str, list[Attempt]] = {}
    for delivery, *attempt in made:
        attempts.setdefault(delivery, []).append(Attempt(*attempt))
    return [
        Delivery(
            delivery,
            message,
            event,
            status,
            created_s,
            due_s if status == "pending" else None,
            finished_s,
            tuple(attempts.get(delivery, ())),
        )
        for _, delivery, message, event, status, created_s, due_s, finished_s in rows
    ]


def _enabled(endpoint: Endpoint) -> None:
    if endpoint.disabled_s is not None:
        raise EndpointDisabled(
            "the webhook is disabled, so that nothing is sent to it",
            where="id",
            remedy='enable it with PATCH /v1/webhooks/{id} and {"disabled": false}',
        )
