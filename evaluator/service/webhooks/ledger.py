"""What the courier reads and writes: which messages are due, who attempts them, and what became of it.

A claim is a lease: the row is due again when the lease runs out, so that a process that died needs no one to clean up
behind it, and it holds a token, so that a process that stood still for longer changes nothing any more. Several
processes may claim from one database at once.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from evaluator.batch.database import Database, Transaction
from evaluator.service.webhooks.outbox import forget_messages
from evaluator.service.webhooks.schedule import Schedule
from evaluator.service.webhooks.sealing import Sealer
from evaluator.service.webhooks.sending import Outcome

__all__ = ["Claim", "Ledger"]

_LEASE_S: Final = 60.0  # four times what an attempt may take
_KEPT_S: Final = 30 * 86_400.0
_MOST_SECRETS: Final = 5  # that sign one message, the newest


@dataclass(frozen=True, slots=True)
class Claim:
    """A message that this process attempts to deliver.

    Attributes:
        delivery: Its id.
        tenant: Whose it is.
        endpoint: Where it goes.
        message: Id that the receiver knows it by.
        lease: Token under which it is settled.
        number: How often it was claimed, with this time.
        step: Which attempt this is since it was made or replayed; what a process that died began isn't counted.
        steps: How many it gets.
        url: Of the receiver.
        body: What is sent.
        secrets: That sign it, the newest first; none if they can't be read.
    """

    delivery: str
    tenant: str
    endpoint: str
    message: str
    lease: str
    number: int
    step: int
    steps: int
    url: str
    body: str
    secrets: tuple[str, ...]


class Ledger:
    """Deliveries of all tenants. Safe to share between threads."""

    def __init__(  # noqa: PLR0913 - each with a usual value
        self,
        database: Database,
        sealer: Sealer,
        schedule: Schedule | None = None,
        *,
        clock: Callable[[], float] = time.time,
        kept_s: float = _KEPT_S,
        lease_s: float = _LEASE_S,
    ) -> None:
        """Hold what is needed.

        Args:
            database: With the tables of webhooks.
            sealer: Opens secrets.
            schedule: When failed attempts are repeated.
            clock: Seconds of the epoch.
            kept_s: How long messages are kept, sent or not.
            lease_s: How long a claim holds; more than an attempt may take.
        """
        self._database = database
        self._kept_s = kept_s
        self._lease_s = lease_s
        self._sealer = sealer
        self._schedule = schedule or Schedule()
        self._clock = clock

    def due(self, most: int) -> list[tuple[str, str]]:
        """Return the tenants and ids of endpoints with a message that is due, whoever has waited longest first."""
        rows = self._database.read(
            lambda transaction: transaction.rows(
                """SELECT tenant, endpoint FROM (
                    SELECT e.tenant, e.endpoint, (SELECT min(d.due_s) FROM sv_webhook_deliveries d
                        WHERE d.endpoint = e.endpoint AND d.status = 'pending') AS first
                    FROM sv_webhooks e WHERE e.disabled_s IS NULL) waiting
                WHERE first <= :now ORDER BY first LIMIT :most""",
                {"now": self._clock(), "most": most},
            )
        )
        return [(tenant, endpoint) for tenant, endpoint in rows]

    def claim(self, shares: Mapping[str, int]) -> list[Claim]:
        """Take messages that are due; nobody else gets them before the lease runs out.

        Args:
            shares: How many of each endpoint's, at most.
        """
        lease = secrets.token_hex(12)

        def work(transaction: Transaction) -> list[Claim]:
            now_s = self._clock()
            taken = [
                delivery
                for endpoint in sorted(shares)
                for delivery in self._take(transaction, endpoint, shares[endpoint], now_s)
            ]
            if not taken:
                return []
            transaction.run(
                """UPDATE sv_webhook_deliveries
                SET lease = :lease, due_s = :until, attempts = attempts + 1
                WHERE delivery IN :taken AND status = 'pending' AND due_s <= :now""",
                {"lease": lease, "until": now_s + self._lease_s, "taken": taken, "now": now_s},
            )
            return self._claimed(transaction, lease, taken, now_s)

        return self._database.write(work) if shares else []

    def _take(self, transaction: Transaction, endpoint: str, share: int, now_s: float) -> list[str]:
        lock = " FOR UPDATE SKIP LOCKED" if self._database.shared else ""
        rows = transaction.rows(
            f"""SELECT delivery FROM sv_webhook_deliveries
            WHERE endpoint = :endpoint AND status = 'pending' AND due_s <= :now
            ORDER BY due_s LIMIT :share{lock}""",  # noqa: S608 - our own text
            {"endpoint": endpoint, "now": now_s, "share": share},
        )
        return [str(delivery) for (delivery,) in rows]

    def _claimed(self, transaction: Transaction, lease: str, taken: Sequence[str], now_s: float) -> list[Claim]:
        rows = transaction.rows(
            """SELECT d.delivery, d.tenant, d.endpoint, d.message, d.lease, d.attempts, d.step + 1, d.steps,
                e.url, m.body
            FROM sv_webhook_deliveries d JOIN sv_webhooks e ON e.endpoint = d.endpoint AND e.tenant = d.tenant
            JOIN sv_webhook_messages m ON m.message = d.message AND m.tenant = d.tenant
            WHERE d.delivery IN :taken AND d.lease = :lease ORDER BY d.created_s""",
            {"taken": list(taken), "lease": lease},
        )
        opened = {
            (tenant, endpoint): self._secrets(transaction, tenant, endpoint, now_s)
            for tenant, endpoint in {(str(row[1]), str(row[2])) for row in rows}
        }
        return [Claim(*row, secrets=opened[row[1], row[2]]) for row in rows]

    def _secrets(self, transaction: Transaction, tenant: str, endpoint: str, now_s: float) -> tuple[str, ...]:
        rows = transaction.rows(
            """SELECT sealed FROM sv_webhook_secrets
            WHERE endpoint = :endpoint AND tenant = :tenant AND (expires_s IS NULL OR expires_s > :now)
            ORDER BY expires_s IS NULL DESC, created_s DESC LIMIT :most""",
            {"endpoint": endpoint, "tenant": tenant, "now": now_s, "most": _MOST_SECRETS},
        )
        opened = [self._sealer.open(bytes(sealed), f"{tenant}/{endpoint}") for (sealed,) in rows]
        return tuple(secret for secret in opened if secret is not None)

    def settle(self, claim: Claim, outcome: Outcome) -> None:
        """Keep what became of an attempt, and when the next is due if there is one.

        A delivery that was claimed anew or replayed meanwhile keeps its course; one that was deleted keeps nothing.
        """
        now_s = self._clock()
        values = {"delivery": claim.delivery, "tenant": claim.tenant, "endpoint": claim.endpoint, "lease": claim.lease}

        def work(transaction: Transaction) -> None:
            known = "SELECT 1 FROM sv_webhook_deliveries WHERE delivery = :delivery AND tenant = :tenant"
            if not transaction.rows(known, values):
                return
            transaction.run(
                """INSERT INTO sv_webhook_attempts (delivery, number, tenant, endpoint, at_s, duration_s, code, error)
                VALUES (:delivery, :number, :tenant, :endpoint, :at, :duration, :code, :error)
                ON CONFLICT (delivery, number) DO NOTHING""",
                {
                    **values,
                    "number": claim.number,
                    "at": now_s - outcome.duration_s,
                    "duration": outcome.duration_s,
                    "code": outcome.code,
                    "error": outcome.error,
                },
            )
            ended = outcome.error in {None, "gone"} or claim.step >= claim.steps
            wait_s = 0.0 if ended else self._schedule.delay_s(claim.step, outcome.wish_s)
            transaction.run(
                """UPDATE sv_webhook_deliveries SET lease = NULL, status = :status, step = :step, due_s = :due,
                    finished_s = :finished
                WHERE delivery = :delivery AND tenant = :tenant AND lease = :lease""",
                {
                    **values,
                    "status": _status(outcome, ended=ended),
                    "step": claim.step,
                    "due": now_s + wait_s,
                    "finished": now_s if ended else None,
                },
            )
            self._judge_endpoint(transaction, claim, outcome, now_s, ended=ended)

        self._database.write(work)

    def _judge_endpoint(
        self, transaction: Transaction, claim: Claim, outcome: Outcome, now_s: float, *, ended: bool
    ) -> None:
        """Remember since when an endpoint fails, and disable one that is gone, or to which nothing gets through."""
        values = {"endpoint": claim.endpoint, "tenant": claim.tenant, "now": now_s}
        if outcome.error is None:
            transaction.run(
                """UPDATE sv_webhooks SET failing_since_s = NULL
                WHERE endpoint = :endpoint AND tenant = :tenant AND failing_since_s IS NOT NULL""",
                values,
            )
            return
        transaction.run(
            """UPDATE sv_webhooks SET failing_since_s = :now
            WHERE endpoint = :endpoint AND tenant = :tenant AND failing_since_s IS NULL""",
            values,
        )
        disable = """UPDATE sv_webhooks SET disabled_s = :now, disabled_reason = :reason
            WHERE endpoint = :endpoint AND tenant = :tenant AND disabled_s IS NULL"""
        if outcome.error == "gone":
            transaction.run(disable, {**values, "reason": "gone"})
        elif ended:
            since = now_s - self._schedule.disable_after_s
            transaction.run(f"{disable} AND failing_since_s <= :since", {**values, "reason": "failing", "since": since})

    def release(self, claims: Sequence[Claim]) -> None:
        """Give back what was claimed and not attempted to the end: it is due at once, on the course it was on."""
        now_s = self._clock()
        self._database.write(
            lambda transaction: transaction.run(
                """UPDATE sv_webhook_deliveries SET lease = NULL, due_s = :now
                WHERE delivery = :delivery AND tenant = :tenant AND lease = :lease""",
                [
                    {"delivery": claim.delivery, "tenant": claim.tenant, "lease": claim.lease, "now": now_s}
                    for claim in claims
                ],
            )
        )

    def prune(self) -> None:
        """Delete messages of every tenant that are too old to be listed or replayed."""
        before = {"before": self._clock() - self._kept_s}
        self._database.write(lambda transaction: forget_messages(transaction, "created_s < :before", before))


def _status(outcome: Outcome, *, ended: bool) -> str:
    if outcome.error is None:
        return "delivered"
    return "failed" if ended else "pending"
