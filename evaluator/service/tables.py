"""The tables of the service: each part tells its own, and all are made at once, by one process at a time.

Every table names the tenant, and every statement asks for it: a row of another tenant is as good as none.
"""

from __future__ import annotations

from typing import Final

from evaluator.batch.database import Database, Transaction
from evaluator.batch.schema import create_tables
from evaluator.service.batches import tables as batches
from evaluator.service.evaluations import tables as evaluations
from evaluator.service.idempotency import tables as idempotency
from evaluator.service.page import tables as page
from evaluator.service.reviews import tables as reviews
from evaluator.service.rubrics import tables as rubrics
from evaluator.service.tenants import tables as tenants
from evaluator.service.webhooks import tables as webhooks

__all__ = ["create_service_tables"]

_PARTS: Final = (
    evaluations.TABLES,
    batches.TABLES,
    rubrics.TABLES,
    reviews.TABLES,
    tenants.TABLES,
    idempotency.TABLES,
    webhooks.TABLES,
    page.TABLES,
)
_SQLITE: Final = {"bytes": "BLOB", "real": "REAL", "number": "INTEGER PRIMARY KEY AUTOINCREMENT"}
_POSTGRES: Final = {"bytes": "BYTEA", "real": "DOUBLE PRECISION", "number": "BIGSERIAL PRIMARY KEY"}
_LOCK: Final = 0x4556_5356  # two processes that make the same tables at once would trip over each other


def create_service_tables(database: Database) -> None:
    """Make the tables that aren't there yet, those of durable runs among them.

    Raises:
        DatabaseFailed: They can't be made.
    """
    create_tables(database)

    def work(transaction: Transaction) -> None:
        if database.shared:
            transaction.rows("SELECT pg_advisory_xact_lock(:lock)", {"lock": _LOCK})
        for part in _PARTS:
            for statement in part:
                transaction.run(statement.format(**(_POSTGRES if database.shared else _SQLITE)))

    database.write(work)
