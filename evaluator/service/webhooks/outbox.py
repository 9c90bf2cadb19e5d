"""The outbox: an event is written in the transaction of the change it tells of; neither is without the other."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence

from pydantic import JsonValue

from evaluator.batch.database import Transaction
from evaluator.service.webhooks.events import TEST_EVENT, EventType, message_body

__all__ = ["Outbox", "forget_messages", "forget_subject"]


class Outbox:
    """Takes events. Safe to share between threads."""

    def __init__(self, steps: int, clock: Callable[[], float] = time.time) -> None:
        """Hold how often a message is tried.

        Args:
            steps: Attempts, as `Schedule.steps`.
            clock: Seconds of the epoch.
        """
        self._steps = steps
        self._clock = clock

    def add(
        self,
        transaction: Transaction,
        *,
        tenant: str,
        type: EventType,  # noqa: A002 - the word of the wire
        data: Mapping[str, JsonValue],
    ) -> str | None:
        """Write an event for every endpoint of a tenant that wants its type, as part of the caller's transaction.

        Args:
            transaction: What it takes effect with.
            tenant: Whose event it is.
            type: What happened.
            data: What receivers are told: ids, status, score and band, never words of a transcript. Its ``id`` is what
                `forget_subject` goes by.

        Returns:
            Id of the message; ``None`` if no endpoint wants it, so that nothing was written.
        """
        rows = transaction.rows(
            "SELECT endpoint, events FROM sv_webhooks WHERE tenant = :tenant AND disabled_s IS NULL", {"tenant": tenant}
        )
        wanting = [str(endpoint) for endpoint, events in rows if not (wanted := json.loads(events)) or type in wanted]
        if not wanting:
            return None
        message = self._write(transaction, tenant, type, data)
        self._deliver(transaction, tenant, message, wanting, self._steps)
        return message

    def add_test(self, transaction: Transaction, tenant: str, endpoint: str) -> str:
        """Write an event that says nothing, for one endpoint and one attempt; return the id of its delivery."""
        message = self._write(transaction, tenant, TEST_EVENT, {"webhook": endpoint})
        (delivery,) = self._deliver(transaction, tenant, message, [endpoint], 1)
        return delivery

    def _write(self, transaction: Transaction, tenant: str, event: str, data: Mapping[str, JsonValue]) -> str:
        now_s = self._clock()
        message = f"msg_{secrets.token_hex(12)}"
        subject = data.get("id")
        transaction.run(
            """INSERT INTO sv_webhook_messages (message, tenant, type, subject, body, created_s)
            VALUES (:message, :tenant, :type, :subject, :body, :now)""",
            {
                "message": message,
                "tenant": tenant,
                "type": event,
                "subject": subject if isinstance(subject, str) else None,
                "body": message_body(event, data, now_s),
                "now": now_s,
            },
        )
        return message

    def _deliver(
        self, transaction: Transaction, tenant: str, message: str, endpoints: Sequence[str], steps: int
    ) -> list[str]:
        now_s = self._clock()
        rows = [
            {
                "delivery": f"wd_{secrets.token_hex(12)}",
                "tenant": tenant,
                "message": message,
                "endpoint": endpoint,
                "steps": steps,
                "now": now_s,
            }
            for endpoint in endpoints
        ]
        transaction.run(
            """INSERT INTO sv_webhook_deliveries (delivery, tenant, message, endpoint, status, steps, due_s, created_s)
            VALUES (:delivery, :tenant, :message, :endpoint, 'pending', :steps, :now, :now)""",
            rows,
        )
        return [str(row["delivery"]) for row in rows]


def forget_subject(transaction: Transaction, tenant: str, subject: str) -> None:
    """Delete what was or would be told about an evaluation or a batch that is deleted."""
    forget_messages(transaction, "tenant = :tenant AND subject = :subject", {"tenant": tenant, "subject": subject})


def forget_messages(transaction: Transaction, which: str, values: Mapping[str, object]) -> None:
    """Delete messages, by a condition, and what became of them."""
    messages = f"SELECT message FROM sv_webhook_messages WHERE {which}"  # noqa: S608 - our own text
    deliveries = f"SELECT delivery FROM sv_webhook_deliveries WHERE message IN ({messages})"  # noqa: S608 - as above
    transaction.run(f"DELETE FROM sv_webhook_attempts WHERE delivery IN ({deliveries})", values)  # noqa: S608 - as above
    transaction.run(f"DELETE FROM sv_webhook_deliveries WHERE message IN ({messages})", values)  # noqa: S608 - as above
    transaction.run(f"DELETE FROM sv_webhook_messages WHERE {which}", values)  # noqa: S608 - as above
