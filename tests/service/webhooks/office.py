"""Webhooks of a small service for tests and benchmarks: its database, a clock that stands, and senders that obey."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from evaluator.batch.database import Database
from evaluator.service.tables import create_service_tables
from evaluator.service.webhooks.deliveries import Deliveries
from evaluator.service.webhooks.endpoints import Endpoints
from evaluator.service.webhooks.guard import Guard
from evaluator.service.webhooks.ledger import Ledger
from evaluator.service.webhooks.outbox import Outbox
from evaluator.service.webhooks.schedule import Schedule
from evaluator.service.webhooks.sealing import Sealer
from evaluator.service.webhooks.sending import Outcome

__all__ = ["FixedLookup", "Office", "Scripted", "opened"]


@dataclass
class FixedLookup:
    """Answers from a table; the answers of a name are given by turns, the last one again and again."""

    table: Mapping[str, list[list[str]]]
    asked: list[str] = field(default_factory=list[str])

    async def addresses(self, host: str, port: int) -> list[str]:
        """Return the next answer for a name."""
        del port
        self.asked.append(host)
        answers = self.table.get(host)
        if not answers:
            raise OSError("no such name")
        return answers.pop(0) if len(answers) > 1 else answers[0]


@dataclass
class Scripted:
    """A sender that answers as told, and keeps what it was given."""

    answer: Callable[[str], Outcome] = lambda _: Outcome(200, None, 0.01)
    sent: list[tuple[str, Mapping[str, str], str]] = field(default_factory=list[tuple[str, Mapping[str, str], str]])

    async def send(self, url: str, headers: Mapping[str, str], body: str) -> Outcome:
        """Make an attempt."""
        self.sent.append((url, headers, body))
        return self.answer(url)


@dataclass(frozen=True)
class Office:
    """The stores of webhooks over one database.

    Attributes:
        database: With their tables.
        clock: Of all of them.
    """

    database: Database
    sealer: Sealer
    guard: Guard
    schedule: Schedule
    clock: Callable[[], float]
    endpoints: Endpoints
    outbox: Outbox
    deliveries: Deliveries
    ledger: Ledger

    def tell(self, tenant: str = "tn_a", subject: str = "ev_1") -> str | None:
        """Write one event, as the end of an evaluation does."""
        return self.database.write(
            lambda transaction: self.outbox.add(
                transaction, tenant=tenant, type="evaluation.completed", data={"id": subject, "score": 61.5}
            )
        )

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        """Read the tables themselves."""
        return [tuple(row) for row in self.database.read(lambda transaction: transaction.rows(statement))]


@contextmanager
def opened(
    place: Path | str,
    *,
    guard: Guard | None = None,
    schedule: Schedule | None = None,
    clock: Callable[[], float] = time.time,
    sealer: Sealer | None = None,
) -> Generator[Office]:
    """Open the webhooks of a database; its tables are made if they aren't there."""
    database = Database(place)
    try:
        create_service_tables(database)
        sealer = sealer or Sealer(b"k" * 32)
        schedule = schedule or Schedule(chance=lambda: 0.5)
        guard = guard or Guard()
        outbox = Outbox(schedule.steps, clock)
        yield Office(
            database,
            sealer,
            guard,
            schedule,
            clock,
            Endpoints(database, guard, sealer, clock),
            outbox,
            Deliveries(database, outbox, clock),
            Ledger(database, sealer, schedule, clock=clock),
        )
    finally:
        database.close()
